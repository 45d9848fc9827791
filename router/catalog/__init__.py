"""Which models exist: GGUF headers (`gguf`), folders (`scan`), and both joined with the config (`models`)."""
