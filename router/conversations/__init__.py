"""Conversations that survive: what engines have read, kept on the disk while their model is not loaded."""
