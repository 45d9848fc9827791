"""Fixtures for everyone."""

pytest_plugins = ["tests.fixtures_models"]
