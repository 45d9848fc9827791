"""The exit codes of docs/commands.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import cli
from app.link.client import Client

DOCUMENTED = Path(__file__).parents[2] / "docs" / "commands.md"


@pytest.fixture(autouse=True)
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with nothing on it, either."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    return home


def test_the_manual_names_these() -> None:
    codes = re.findall(r"^\| (\d+) \|", DOCUMENTED.read_text(encoding="utf-8"), re.MULTILINE)
    assert codes == ["0", "1", "2", "130"]


@pytest.mark.parametrize(
    "words",
    [
        *("status", "models", "models --fit", "activity", "reload", "logs primary", "switch primary alpha"),
        *("unload primary", "cancel primary", "cut primary", "wait primary", "forget --url http://127.0.0.1:9"),
        *("engine path", "engine list", "engine use 1", "engine rollback", "engine remove 1", "check"),
        *("model rm nothing --yes", "model pull nonsense", "import nothing.yaml", "service status"),
        *("service install", "service remove", "bench alpha", "tune alpha"),
    ],
)
def test_1_is_not_done_with_one_sentence(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words.split()) == 1
    err = capsys.readouterr().err
    assert err.startswith("hal0: ") and "Traceback" not in err


@pytest.mark.parametrize("words", ["model ls", "forget", "completion bash", "model ls --json"])
def test_0_is_done(words: str) -> None:
    assert cli.main(words.split()) == 0


@pytest.mark.parametrize(
    "words", ["nonsense", "switch primary", "status --nonsense", "import", "completion tcsh", "tune a --runs 1"]
)
def test_2_is_wrong_usage(words: str) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main(words.split())
    assert exited.value.code == 2


def test_2_is_also_a_name_that_cannot_be_one() -> None:
    assert cli.main(["upstream", "key", "not/a/name"]) == 2


def test_130_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_self: Client) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "models", interrupted)
    assert cli.main(["models"]) == 130
