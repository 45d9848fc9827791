"""hal0's router: state, routing, switching and supervision. Knows no Qt (tests/test_layers.py proves it)."""
