"""llama-server: finding and installing it, its command line, one running process of it."""
