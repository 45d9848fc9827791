"""Servers elsewhere that answer instead of an engine here: OpenAI-compatible ones and other hal0s."""
