"""The endpoint: one aiohttp application for clients and for hal0's own control API."""
