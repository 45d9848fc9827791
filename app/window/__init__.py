"""hal0's window: reads snapshots, sends commands."""
