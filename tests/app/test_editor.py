"""hal0.yaml in a person's own editor, at the line that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.system.editor import editor_command, open_at_line

FILE = Path("/home/me/hal0 settings/hal0.yaml")


@pytest.mark.parametrize(
    ("desktop_file", "command"),
    [
        ("org.kde.kate.desktop", ["kate", "--line", "12", str(FILE)]),
        ("code.desktop", ["code", "--goto", f"{FILE}:12"]),
        ("codium.desktop", ["codium", "--goto", f"{FILE}:12"]),
        ("org.gnome.gedit.desktop", ["gedit", "+12", str(FILE)]),
        ("org.xfce.mousepad.desktop", ["mousepad", "--line=12", str(FILE)]),
        ("org.gnome.TextEditor.desktop", None),
        ("", None),
    ],
)
def test_known_editors_are_given_the_line(desktop_file: str, command: list[str] | None) -> None:
    assert editor_command(desktop_file, FILE, 12) == command
    assert editor_command(desktop_file, FILE, 0) is None, "the problem is the file as a whole"


def test_the_preferred_editor_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real programs, in place of a desktop's: one says which editor is preferred, the other is it."""
    opened = tmp_path / "opened"
    asker, editor = tmp_path / "xdg-mime", tmp_path / "kate"
    asker.write_text("#!/bin/sh\necho org.kde.kate.desktop\n")
    editor.write_text(f'#!/bin/sh\necho "$@" > "{opened}"\n')
    for program in (asker, editor):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    os.mkfifo(opened)
    assert open_at_line(FILE, 7)
    assert opened.read_text() == f"--line 7 {FILE}\n"
    editor.unlink()
    assert not open_at_line(FILE, 7), "then it is opened without the line"
