"""Paths as people write them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from router.config.places import expand, unexpanded


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("$HOME/models", "$NAME"),
        ("${MODELS}/a.gguf", "$NAME"),
        (r"%USERPROFILE%\models", "%NAME%"),
        (r"%ProgramFiles(x86)%\models", "%NAME%"),
        ("50% off/100%", None),
        ("a$", None),
    ],
)
def test_a_variable_that_no_shell_has_filled_in_is_told(path: str, named: str | None) -> None:
    assert unexpanded(path) == (
        f" ({named} is not filled in here: write the whole path, or ~)" if named is not None else ""
    )


@pytest.mark.skipif(sys.platform != "win32", reason="Windows' own ways to write them")
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"models\a.gguf", "C:/settings/models/a.gguf"),
        ("models/a.gguf", "C:/settings/models/a.gguf"),
        (r"..\a.gguf", "C:/settings/../a.gguf"),
        (r"\models", "C:/models"),
        ("C:models", "C:/settings/models"),
        (r"D:\models", "D:/models"),
        (r"\\nas\models\a.gguf", "//nas/models/a.gguf"),
        (r"\\?\D:\models\a.gguf", "//?/D:/models/a.gguf"),
        (r"~\models", "~/models"),
    ],
)
def test_windows_has_several_ways_to_write_one(text: str, meant: str) -> None:
    assert expand(text, Path("C:/settings")) == Path(meant).expanduser()
