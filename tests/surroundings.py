"""Makes the tests independent of what starts them: `nohup make test &`, a CI runner, cron, a desktop, root.

What this process has inherited goes on to every child, so it is put right once, here, and not at each place
that starts one. tests/conftest.py imports this before anything else.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.homes import home_variables

_FOREIGN = (
    *("HAL0_", "LLAMA_", "GGML_", "CUDA_", "HF_", "HUGGING", "OLLAMA_", "OPENAI_", "ANTHROPIC_"),
    *("XDG_", "QT_", "LC_", "DBUS_", "DISPLAY", "WAYLAND_", "XAUTHORITY", "SESSION_MANAGER", "DESKTOP_SESSION"),
    *("NOTIFY_SOCKET", "JOURNAL_STREAM", "INVOCATION_ID", "PYTHON"),
    *("COLUMNS", "LINES", "LANGUAGE", "NO_COLOR", "FORCE_COLOR", "CLICOLOR"),
)
"""Variables, or the beginnings of their names, that programs under test obey."""

_OURS = ("HAL0_LLAMA_SERVER", "HAL0_TEST_", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDEVMODE")


def put_right() -> None:
    _variables()
    _home()
    os.umask(0o022)
    if sys.platform != "win32":
        _signals()


def _variables() -> None:
    for name in list(os.environ):
        proxy = name.lower().endswith("_proxy")  # what tests talk to is on this computer
        if (proxy or name.startswith(_FOREIGN)) and not name.startswith(_OURS):
            del os.environ[name]
    # Widgets are tested without a screen; on Windows that has no letters.
    platform = "windows" if sys.platform == "win32" else "offscreen"
    os.environ |= {"LANG": "C.UTF-8", "TERM": "dumb", "QT_QPA_PLATFORM": platform}


def _home() -> None:
    """An empty one: nothing of the developer's is read or written, and there need not be any."""
    home = tempfile.mkdtemp(prefix="hal0-tests-home-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ |= home_variables(Path(home))


def _signals() -> None:
    """Children start with the signals' defaults, as from a terminal. This process goes on ignoring what it was
    told to ignore: SIG_IGN is inherited, a handler is not. SIGHUP is left alone: under nohup the children are
    to survive the terminal, too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # while it is ignored, no child's exit code can be read
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())


put_right()
