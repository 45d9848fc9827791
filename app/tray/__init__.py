"""The tray icon and its menu, drawn from `app.views.menu`."""
