"""The tests pass whatever they are started from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEAN_ON_SIGNALS = (
    "tests/app/test_cli.py::test_ctrl_c_in_a_terminal_ends_it_quietly",
    "tests/app/test_model_command.py::test_however_it_ends_the_same_command_goes_on[2-130]",
    "tests/router/engine/test_process.py::test_a_crash_is_told_with_the_first_error_line_and_the_exit_code",
)
FOREIGN = {
    "http_proxy": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HAL0_CONFIG": "/nowhere/hal0.yaml",
    "XDG_CONFIG_HOME": "/nowhere",
    "HOME": "/no where",
    "LC_ALL": "C",
    "COLUMNS": "7",
    "PYTHONWARNINGS": "ignore",
}


def test_signals_that_are_ignored_and_a_foreign_environment_change_nothing(tmp_path: Path) -> None:
    """Row 29: `nohup make test &`, `make test </dev/null`, cron: two tests failed where SIGINT was ignored."""
    script = 'trap "" INT QUIT HUP CHLD; umask 077; exec "$@"'
    pytest = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--basetemp={tmp_path / 'inner'}",
    )
    done = subprocess.run(
        ["sh", "-c", script, "sh", *pytest, *LEAN_ON_SIGNALS],
        cwd=ROOT,
        env=os.environ | FOREIGN,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
