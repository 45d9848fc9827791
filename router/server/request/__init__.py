"""A request on its way: waiting for its lease, asking an engine or a server elsewhere, the answer back."""
