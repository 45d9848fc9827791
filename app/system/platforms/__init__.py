"""What each desktop does its own way: starting hal0 at login."""
