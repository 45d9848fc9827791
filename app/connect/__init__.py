"""Writes hal0's address into other programs' settings, shows the change first, and takes it back."""
