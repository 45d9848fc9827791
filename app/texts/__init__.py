"""Everything people read in the desktop, and its translation. No Qt but in `language`."""
