"""The desktop side of hal0: tray, window and the thread that hosts the router."""
