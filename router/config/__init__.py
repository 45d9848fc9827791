"""hal0.yaml: what it may hold (`schema`), how it is read (`load`), and llama-server's flag names (`flags`)."""
