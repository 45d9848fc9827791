"""Fixtures for everyone."""

import tests.surroundings  # noqa: F401, I001 - first: whatever is imported later may look at the environment

# `concurrent.futures` imports its executor when it is first asked for, which is on a loop; and PySide's import
# hook, there once pytest-qt is, then looks for the source of whoever imports: blockbuster calls that blocking.
from concurrent.futures import ThreadPoolExecutor  # noqa: F401

pytest_plugins = ["tests.fixtures_models"]
