"""Another hal0, seen and commanded from here over HTTP."""
