"""`hal0 connect` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.homes import PROGRAM, home_variables, system_variables

CONFIG = "server: {port: 9, api_keys: [a-very-secret-key-0123]}\nslots:\n  primary: {}\n  coder: {}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "AppData" / "Roaming" if sys.platform == "win32" else tmp_path / "config"
    (folder / "hal0").mkdir(parents=True)
    (folder / "hal0" / "hal0.yaml").write_text(CONFIG)
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str, str]:
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    env = {
        **system_variables(),
        **home_variables(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
        **folders,
    }
    done = subprocess.run(
        [*PROGRAM, "connect", *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_client_is_connected_and_taken_back(home: Path) -> None:
    file = home / ".aider.conf.yml"
    code, out, err = run(home, "aider", "--slot", "coder")
    assert code == 1 and "+model: openai/coder" in out and not file.exists()
    assert err == "hal0: Nobody is there to ask: --yes writes what is shown above.\n"
    code, out, err = run(home, "aider", "--slot", "coder", "--yes")
    assert (code, err) == (0, "") and "a-very-secret-key" not in out
    assert yaml.safe_load(file.read_text()) == {
        "model": "openai/coder",
        "openai-api-base": "http://127.0.0.1:9/v1",
        "openai-api-key": "a-very-secret-key-0123",
    }
    assert "nothing was changed" in run(home, "aider", "--slot", "coder")[1]
    rows = [line.split() for line in run(home)[1].splitlines()]
    assert ["aider", "connected", str(file)] in rows
    code, out, _ = run(home, "aider", "--undo", "--yes")
    assert code == 0 and not file.exists()
    assert "nothing to take back" in run(home, "aider", "--undo", "--yes")[2]


def test_a_client_without_a_file_is_told_what_to_type(home: Path) -> None:
    code, out, _ = run(home, "cline")
    assert code == 0 and "Base URL:     http://127.0.0.1:9/v1" in out and "In Cline open the settings" in out


def test_what_is_not_known_is_told_with_what_is(home: Path) -> None:
    code, _, err = run(home, "hermess")
    assert code == 1 and 'Did you mean "hermes"?' in err
    code, _, err = run(home, "aider", "--slot", "codr")
    assert code == 1 and err == "hal0: There is no slot “codr”; there are: primary, coder.\n"
