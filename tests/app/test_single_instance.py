from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.system.single_instance import SingleInstance

SECOND = """
import sys
from pathlib import Path
from app.system.single_instance import SingleInstance
instance = SingleInstance(Path(sys.argv[1]))
print(instance.acquire(), instance.owner, instance.ask_to_show())
"""
OWNER = """
import os, sys
from pathlib import Path
from app.system.single_instance import SingleInstance
instance = SingleInstance(Path(sys.argv[1]))
assert instance.acquire()
os._exit(0)  # as a crash would: nothing is released
"""


def run(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)


def test_a_second_process_is_refused_and_makes_the_first_show_its_window(qtbot: QtBot, tmp_path: Path) -> None:
    first = SingleInstance(tmp_path)
    assert first.acquire()
    with run(SECOND, tmp_path) as second:
        with qtbot.waitSignal(first.show_requested, timeout=20_000):
            pass
        qtbot.waitUntil(lambda: second.poll() is not None, timeout=20_000)
        assert second.stdout is not None
        acquired, owner, shown = second.stdout.read().split()
    first.release()
    assert acquired == "False"
    assert owner.isdigit()
    assert shown == "True"


def test_a_crashed_owner_does_not_lock_hal0_out(qtbot: QtBot, tmp_path: Path) -> None:
    with run(OWNER, tmp_path) as owner:
        owner.wait(20)
    assert (tmp_path / "desktop.lock").exists()
    instance = SingleInstance(tmp_path)
    assert instance.acquire()
    instance.release()


def test_an_unwritable_folder_is_not_taken_for_another_instance(qtbot: QtBot, tmp_path: Path) -> None:
    instance = SingleInstance(tmp_path / "missing")
    assert not instance.acquire()
    assert instance.owner is None


def test_a_long_state_folder_still_gets_a_socket(qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    instance = SingleInstance(folder)
    assert instance.acquire()
    other = SingleInstance(folder)
    assert not other.acquire()
    instance.release()
