"""Slots at run time: who is served, who waits, when a slot switches, and carrying that out (`supervisor`)."""
