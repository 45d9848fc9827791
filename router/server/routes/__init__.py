"""The endpoints: one module for each dialect, and hal0's own API."""
