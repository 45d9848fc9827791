"""Completion, in the shells themselves where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import cli
from app.commands.completion import SCRIPTS, KnownNames, candidates
from router.base.paths import Paths
from tests.app.stub_hal0 import StubHal0

HAL0 = Path(sys.executable).parent / "hal0"


class Known(KnownNames):
    def slots(self) -> list[str]:
        return ["primary", "embed"]

    def models(self, _slot: str | None) -> list[str]:
        return ["qwen3:8b", "gemma"] if _slot in (None, "primary") else ["bge"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hal0 engine ", ["install", "list", "path", "remove", "rollback", "use"]),
        ("hal0 sw", ["switch"]),
        ("hal0 switch ", ["embed", "primary"]),
        ("hal0 switch p", ["primary"]),
        ("hal0 switch embed ", ["bge"]),
        ("hal0 switch primary qwen3:", ["qwen3:8b"]),
        ("hal0 switch --force primary ge", ["gemma"]),
        ("hal0 switch primary gemma ", []),
        ("hal0 switch --f", ["--fit", "--force"]),
        ("hal0 tune ge", ["gemma"]),
        ("hal0 tune gemma --slot ", ["embed", "primary"]),
        ("hal0 --config x.yaml switch em", ["embed"]),
        ("hal0 forget ", ["gemma", "qwen3:8b"]),
        ("hal0 engine install --source ", ["auto", "debian", "pypi", "release"]),
        ("hal0 completion ", ["bash", "fish", "zsh"]),
        ("hal0 import ", []),
        ("hal0 nonsense ", []),
        ("hal0 --conf", ["--config"]),
    ],
)
def test_what_a_word_may_be(line: str, expected: list[str]) -> None:
    assert candidates(cli._parser(), line, Known()) == expected


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where shells find hal0."""
    monkeypatch.delenv("HAL0_CONFIG")
    monkeypatch.setenv("PATH", f"{HAL0.parent}{os.pathsep}{os.environ['PATH']}")
    return home


def test_slots_are_those_of_the_hal0_that_runs(
    home: Path, stub: StubHal0, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["__complete", "hal0 unload "]) == 0
    assert capsys.readouterr().out == "", "none runs, and that is no error here"
    state = Paths.for_user().state
    state.mkdir(parents=True)
    (state / "instance.json").write_text(f'{{"url": "{stub.url}"}}')
    assert cli.main(["__complete", "hal0 unload "]) == 0
    assert capsys.readouterr().out == "primary\n"


def complete_in_bash(line: str) -> str:
    script = f'{SCRIPTS["bash"]}\nCOMP_LINE="{line}"; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=(hal0)\n'
    return script + '_hal0; printf "%s\\n" "${COMPREPLY[@]}"'


def complete_in_zsh(line: str) -> str:
    stubs = 'compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { print files }\n'
    words = f"words=({line}); CURRENT=${{#words}}\n"
    return stubs + SCRIPTS["zsh"] + words + "_hal0"


def complete_in_fish(line: str) -> str:
    return f'{SCRIPTS["fish"]}\ncomplete -C "{line}"'


@pytest.mark.parametrize(
    ("shell", "script"), [("bash", complete_in_bash), ("zsh", complete_in_zsh), ("fish", complete_in_fish)]
)
def test_the_shells_themselves(home: Path, shell: str, script: object) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert callable(script)
    done = subprocess.run([shell, "-c", script("hal0 engine inst")], capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["install"], ""), done


def test_a_name_with_a_colon_is_completed_behind_it_in_bash(home: Path) -> None:
    """Readline replaces only what comes after the colon."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    script = complete_in_bash("hal0 switch primary qwen3:").replace(
        "_hal0; printf", 'hal0() { echo "qwen3:8b"; }; _hal0; printf'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("8b\n", "")
