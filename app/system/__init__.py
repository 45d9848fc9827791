"""What hal0 has of the system besides Qt: start at login, single instance, streams, signals, logs."""
