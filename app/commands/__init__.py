"""The command line's commands; each module prints for people."""
