"""What the client of Hugging Face does to the rest of hal0."""

from __future__ import annotations

import subprocess
import sys

import pytest

FORK = """
import os
from huggingface_hub import get_session
from router.hub.api import Hub

Hub("http://127.0.0.1:9")
client = get_session()
child = os.fork()
if child == 0:
    os._exit(3 if client.is_closed else 0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "closed in the child"
client.close()
assert client.is_closed
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_for_an_engine_does_not_touch_the_connections() -> None:
    """Where it did, an engine that was started during a download could hang, and hal0 with it."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
