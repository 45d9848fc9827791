"""The desktop's and the command line's way to the router, in this process or another."""
