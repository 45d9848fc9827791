"""Pure: a snapshot, or hal0.yaml, as tray and window show it."""
