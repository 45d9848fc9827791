"""`command:` of a slot, split without a shell."""

from __future__ import annotations

import pytest

from router.config.command_text import split_command


def test_quotes_and_spaces() -> None:
    assert split_command("run '/a b/c' --port={port} \"x;y\"", windows=False) == (
        "run",
        "/a b/c",
        "--port={port}",
        "x;y",
    )


def test_windows_paths_keep_their_backslashes() -> None:
    command = r'"C:\Program Files\whisper\server.exe" --port {port} -m C:\models\w.bin'
    assert split_command(command, windows=True) == (
        r"C:\Program Files\whisper\server.exe",
        "--port",
        "{port}",
        "-m",
        r"C:\models\w.bin",
    )


def test_on_windows_a_quoted_value_may_hold_blanks_and_a_name_an_apostrophe() -> None:
    command = r"""C:\Bob's\run.exe --model="C:\My Models\a.gguf" --dir='D:\a b\' "" {port}"""
    expected = (r"C:\Bob's\run.exe", r"--model=C:\My Models\a.gguf", "--dir=D:\\a b\\", "", "{port}")
    assert split_command(command, windows=True) == expected
    with pytest.raises(ValueError, match="no closing quotation"):
        split_command(r'"C:\a b\run.exe {port}', windows=True)


def test_braces_of_json_are_no_placeholder() -> None:
    assert split_command("""run {port} '{"a": {}}'""", windows=False)[2] == '{"a": {}}'


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("run", "must contain {port}"),
        ("run {port} {model}", "{model} is not a placeholder"),
        ("{port} run", "begin with the program"),
        ("'' {port}", "begin with the program"),
        ("run '{port}", "no closing quotation"),
        ("run {port} \\", "no escaped character"),
    ],
)
def test_unusable_commands(command: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        split_command(command, windows=False)
