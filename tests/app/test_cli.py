"""The command line: what it understands, what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app import cli
from app.commands import remote
from app.commands.progress import ProgressLine, bar
from app.link.client import Client, NotRunning, Refused
from router.base.paths import Paths
from router.base.version import __version__
from router.config.schema import ConversationsConfig, ServerConfig
from router.conversations.keeping import Kept
from router.conversations.store import Store
from router.orders.kinds import Unload
from tests.app.stub_hal0 import Answer, StubHal0, state
from tests.homes import PROGRAM

LOAD = "/api/slots/primary/load"


pytestmark = pytest.mark.usefixtures("home")


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    """What stderr says, which is one line by hal0, and nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("hal0: ") and err.count("\n") == 1, (out, err)
    return err.removeprefix("hal0: ").rstrip()


# -- what it understands -------------------------------------------------------------------------------


def test_without_a_command_it_is_the_tray() -> None:
    arguments = cli._parser().parse_args([])
    assert (arguments.run, arguments.config, arguments.url) == (cli._tray, None, None)


@pytest.mark.parametrize("words", [["--config", "x.yaml", "status"], ["status", "--config", "x.yaml"]])
def test_the_config_may_be_named_before_or_after_the_command(words: list[str]) -> None:
    arguments = cli._parser().parse_args(words)
    assert arguments.config == Path("x.yaml") and arguments.run == cli._status


def test_switch_takes_slot_model_and_url() -> None:
    arguments = cli._parser().parse_args(["switch", "primary", "beta", "--url", "http://x"])
    assert (arguments.slot, arguments.model, arguments.url) == ("primary", "beta", "http://x")


@pytest.mark.parametrize(
    "words", [["nonsense"], ["switch"], ["switch", "primary"], ["unload"], ["engine"], ["serve", "--url", "x"]]
)
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main(words)
    assert exited.value.code == 2
    assert "usage: hal0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["statsu"], "status"),
        (["models", "--fitt"], "--fit"),
        (["status", "--ulr", "x"], "--url"),
        (["engine", "instal"], "install"),
        (["model", "pul", "x"], "pull"),
        (["engine", "install", "--source", "relaese"], "release"),
    ],
)
def test_a_wrong_word_names_the_right_one(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 46: commands, options and what they choose from."""
    with pytest.raises(SystemExit) as exited:
        cli.main(words)
    assert exited.value.code == 2
    assert f'Did you mean "{meant}"?' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "meant"), [("load", "switch"), ("stop", "unload"), ("pull", "model pull"), ("ps", "status")]
)
def test_other_programs_words_are_known(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For `load` the nearest word was "unload", for `stop` "logs"."""
    with pytest.raises(SystemExit):
        cli.main([word, "primary"])
    assert capsys.readouterr().err.endswith(f"hal0's word for it is `hal0 {meant}`.\n")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        cli.main(["--version"])
    assert exited.value.code == 0 and capsys.readouterr().out == f"hal0 {__version__}\n"


# -- how it ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [["status"], ["logs", "primary"], ["unload", "primary"], ["switch", "primary", "beta"]]
)
def test_without_a_running_hal0_it_says_where_it_looked(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 1
    error = error_of(capsys)
    assert error.startswith("No hal0 answers at http://127.0.0.1:") and "start it with `hal0`" in error


def test_a_wrong_url_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--url", "nonsense"]) == 1
    assert error_of(capsys).startswith("No hal0 answers at nonsense")


@pytest.mark.parametrize("url", ["http://[::1", "ftp://pc", "http://pc:99999", "", "http://", "a b"])
def test_what_is_no_address_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--url", url]) == 1
    assert error_of(capsys).startswith(f'--url "{url}" is no address: write http://HOST:PORT')


def test_an_address_needs_no_scheme(stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    stub.answers["/api/state"] = (200, state())
    assert cli.main(["status", "--url", stub.url.removeprefix("http://")]) == 0


EVERY_COMMAND = [
    *(
        "status",
        "status --json",
        "models",
        "models --fit",
        "switch primary x",
        "switch primary x --fit",
        "bench x",
    ),
    *("tune x", "unload primary", "cancel primary", "logs primary", "reload", "forget", "activity", "wake pc"),
]


@pytest.mark.parametrize("words", EVERY_COMMAND)
@pytest.mark.parametrize(
    "answer", [{}, [], None, "text", b"<html>", b"[" * 100_000, {"models": [{}], "memory": {}}, {"slots": [{}]}]
)
def test_another_program_that_answers_is_no_hal0_for_any_command(
    stub: StubHal0, answer: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A llama-server, a page for everything, an older hal0: most commands printed a traceback, and those that
    only give an order said nothing and ended as done."""
    stub.answers.clear()
    stub.otherwise = (200, answer)
    assert cli.main([*words.split(), "--url", stub.url]) == 1
    assert error_of(capsys).startswith(f"No hal0 answers at {stub.url}: another program does")


def test_a_broken_config_is_told_with_its_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "hal0.yaml").write_text("server: {prot: 8080}\n")
    assert cli.main(["status"]) == 1
    assert "hal0.yaml:1" in capsys.readouterr().err


def test_a_broken_config_hides_no_hal0_that_runs(
    home: Path, stub: StubHal0, capsys: pytest.CaptureFixture[str]
) -> None:
    """It goes on with the settings from before the mistake, so its state can be asked for."""
    (home / "hal0.yaml").write_text("server: {prot: 8080}\n")
    state = Paths.for_user().create().state
    (state / "instance.json").write_text(json.dumps({"url": stub.url}))
    assert cli.main(["status"]) == 0
    assert "primary" in capsys.readouterr().out


def test_check_says_where_the_file_is_even_without_an_engine(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    assert cli.main(["check"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{home / 'hal0.yaml'}: valid") and "No llama-server was found" in err


def test_checking_without_a_file_says_that_defaults_are_used(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "hal0.yaml").unlink()
    cli.main(["check"])
    first, *_ = capsys.readouterr().out.splitlines()
    file = home / "hal0.yaml"
    assert first.startswith(f"There is no {file} yet, so hal0 uses its defaults. Slots: 1, models: ")


def test_checking_a_file_that_is_not_there_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--config", str(home / "none.yaml")]) == 1
    assert error_of(capsys) == f"There is no file {home / 'none.yaml'}; correct --config."


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_self: Client) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "state", interrupted)
    assert cli.main(["status"]) == 130


@pytest.mark.parametrize("words", [["unload", "primary"], ["logs", "primary"], ["switch", "primary", "gamma"]])
def test_a_refusal_is_hal0s_own_sentence(
    stub: StubHal0, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = (404, {"error": {"message": 'There is no model "gamma"; see GET /v1/models.'}})
    for action in ("load", "unload", "logs"):
        stub.answers[f"/api/slots/primary/{action}"] = refusal
    assert cli.main([*words, "--url", stub.url]) == 1
    assert error_of(capsys) == 'There is no model "gamma"; see GET /v1/models.'


def test_a_reader_that_closes_the_pipe_early_is_no_error(stub: StubHal0) -> None:
    """`hal0 logs primary | head -1`"""
    stub.answers["/api/slots/primary/logs"] = (200, {"lines": ["a line of the log"] * 20_000})
    argv = [*PROGRAM, "logs", "primary", "--url", stub.url]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().strip() == b"a line of the log"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


# -- what it prints ------------------------------------------------------------------------------------


def test_status(stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--url", stub.url + "/"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "hal0 0.1.0 · http://127.0.0.1:8080/v1 · running",
        "  primary · alpha · ready · 8192 tokens · 1 GiB used",
        "  RAM (no GPU found): 1 GiB of 8 GiB used",
    ]


def test_status_is_1_while_hal0_yaml_is_broken(stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    """Row 46: what runs is shown, and that it is not what hal0.yaml says is told by the code, too."""
    found = state()
    found["server"]["config_error"] = "hal0.yaml:3: server.prot: is not a setting."
    stub.answers["/api/state"] = (200, found)
    assert cli.main(["status", "--url", stub.url]) == 1
    out = capsys.readouterr().out
    assert "hal0.yaml has an error; your last changes are ignored: hal0.yaml:3" in out and "primary" in out


def test_status_of_a_switch_and_of_a_failure(stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    stub.answers["/api/state"] = (
        200,
        state(
            state="loading",
            target="beta",
            progress={"phase": "loading", "fraction": 0.45, "elapsed_s": 2.0},
            in_flight=1,
            queued=2,
            memory=None,
            last_error={"message": "The engine stopped: x (exit code 1)."},
        ),
    )
    assert cli.main(["status", "--url", stub.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "  primary · alpha → beta · loading 45% · 8192 tokens · 1 running, 2 waiting",
        "    last error: The engine stopped: x (exit code 1).",
    ]


def test_unload_and_logs(stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    stub.answers["/api/slots/primary/unload"] = (200, {"slot": {}})
    stub.answers["/api/slots/primary/logs"] = (200, {"lines": []})
    assert cli.main(["unload", "primary", "--url", stub.url]) == 0
    assert cli.main(["logs", "primary", "--url", stub.url]) == 0
    assert capsys.readouterr().out == "primary is empty.\nprimary has no log yet.\n"
    stub.answers["/api/slots/primary/logs"] = (200, {"lines": ["one", "two"]})
    assert cli.main(["logs", "primary", "--url", stub.url]) == 0
    assert capsys.readouterr().out == "one\ntwo\n"


def test_conversations_are_told_and_forgotten(stub: StubHal0, capsys: pytest.CaptureFixture[str]) -> None:
    told = state()
    told["kept"] = [{"model": "a", "conversations": 2, "bytes": 10**9}]
    stub.answers["/api/state"] = (200, told)
    assert cli.main(["status", "--url", stub.url]) == 0
    assert "  keeps 2 conversations (1 GB); see `hal0 forget`\n" in capsys.readouterr().out
    stub.answers["/api/forget"] = (200, {"forgotten": 2})
    assert cli.main(["forget", "--url", stub.url]) == 0
    assert cli.main(["forget", "a", "--url", stub.url]) == 0
    assert capsys.readouterr().out == "2 conversations forgotten.\n" * 2


def test_conversations_are_forgotten_also_where_no_hal0_runs(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["forget"]) == 0
    folder = Paths.for_user().state / "conversations"
    store = Store(folder, ConversationsConfig)
    store.open()
    id_ = store.begin("key", 3)
    store.part(id_).write_bytes(bytes(100))
    store.finish(Kept(id_, "owner", "key", "alpha", 0, 3, 100, time.time(), ""))
    store.settle(id_)
    assert cli.main(["forget", "beta"]) == 0 and len(list(folder.iterdir())) == 2
    assert cli.main(["forget"]) == 0 and list(folder.iterdir()) == []
    forgotten = ("0 conversations", "0 conversations", "1 conversation")
    assert capsys.readouterr().out == "".join(f"{count} forgotten.\n" for count in forgotten)


def test_what_a_switch_waits_for_is_shown_and_can_be_ended(
    stub: StubHal0, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 40."""
    drains = {"draining": 2, "leaving": ["alpha"], "drain_deadline": time.time() + 12.4}
    stub.answers["/api/state"] = (200, state(**drains))
    for order in ("cut", "wait", "cancel"):
        stub.answers[f"/api/slots/primary/{order}"] = (200, {"slot": {}})
        assert cli.main([order, "primary", "--url", stub.url]) == 0
    assert capsys.readouterr().out == "", "done"
    assert cli.main(["status", "--url", stub.url]) == 0
    assert "alpha ends 2 requests, cut in 12 s" in capsys.readouterr().out
    stub.answers["/api/state"] = (200, state(**drains | {"draining": 1, "drain_deadline": None}))
    assert cli.main(["status", "--url", stub.url]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("alpha ends 1 request")
    stub.answers["/api/state"] = (200, state(target=None))
    assert cli.main(["cut", "primary", "--url", stub.url]) == 0
    assert cli.main(["cancel", "primary", "--url", stub.url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "primary has no request that is waited for.",
        "primary has no switch under way.",
    ]


def test_switch_shows_each_phase_once_in_a_pipe(
    stub: StubHal0, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "POLL_SECONDS", 0.001)
    phases = iter([("stopping", None), ("loading", 0.1), ("loading", 0.5), ("loading", 0.9)])
    shown = threading.Event()

    def told() -> Answer:
        phase, fraction = next(phases, (None, None))
        if phase is None:
            shown.set()
            return 200, state()
        progress = {"phase": phase, "fraction": fraction, "elapsed_s": 1.0}
        return 200, state(state=phase, target="beta", progress=progress)

    def loaded() -> Answer:
        assert shown.wait(10)
        return 200, {"slot": {}}

    stub.answers |= {"/api/state": told, LOAD: loaded}
    assert cli.main(["switch", "primary", "beta", "--url", stub.url]) == 0
    out, err = capsys.readouterr()
    assert out == "beta is running in primary.\n"
    assert err == "primary: stopping\nprimary: loading\n"
    assert ("POST", LOAD, {"model": "beta"}, None) in stub.asked


def test_switch_by_force(stub: StubHal0) -> None:
    stub.answers |= {"/api/state": (200, state()), LOAD: (200, {"slot": {}})}
    assert cli.main(["switch", "primary", "beta", "--force", "--url", stub.url]) == 0
    assert ("POST", LOAD, {"model": "beta", "force": True}, None) in stub.asked


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_line_is_redrawn_and_cleared() -> None:
    stream = Terminal()
    line = ProgressLine(stream)
    line.show("loading", 0.5)
    line.show("loading", 1.0)
    line.clear()
    drawn = stream.getvalue().split("\r\x1b[2K")
    assert drawn == ["", "loading " + bar(0.5), "loading " + bar(1.0), ""]
    assert "\n" not in stream.getvalue() and line.redraws


def test_nothing_shown_is_nothing_to_clear() -> None:
    stream = Terminal()
    ProgressLine(stream).clear()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [(None, ""), (0.0, "░" * 28 + "   0%"), (0.5, "▓" * 14 + "░" * 14 + "  50%"), (1.0, "▓" * 28 + " 100%")],
)
def test_bars(fraction: float | None, drawn: str) -> None:
    assert bar(fraction) == drawn


# -- the client ----------------------------------------------------------------------------------------


def test_it_goes_where_the_running_instance_says(stub: StubHal0) -> None:
    paths = Paths.for_user().create()
    (paths.state / "instance.json").write_text(json.dumps({"url": stub.url, "pid": 1}))
    assert Client.find(ServerConfig(), paths).url == stub.url
    assert Client.find(ServerConfig(), paths, "http://other/").url == "http://other"
    for damaged in ("", "[]", "{}"):
        (paths.state / "instance.json").write_text(damaged)
        assert Client.find(ServerConfig(port=8123), paths).url == "http://127.0.0.1:8123"


def test_the_key_is_sent_and_a_proxy_is_not_used(stub: StubHal0, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    client = Client.find(ServerConfig(api_keys=("secret", "other")), Paths.for_user(), stub.url)
    client.state()
    assert stub.asked == [("GET", "/api/state", None, "Bearer secret")]


@pytest.mark.parametrize("slot", ["my slot", "a/b", "ä", "../../x", "new\nline"])
def test_any_text_may_be_asked_for_as_a_slot(stub: StubHal0, slot: str) -> None:
    with pytest.raises(NotRunning):
        Client(stub.url).carry_out(Unload(slot))
    assert stub.asked[0][1].count("/") == 4 and stub.asked[0][1].isascii()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, b"<html>"), "(500 Internal Server Error)"),
        ((404, {"error": "a text"}), "(404 Not Found)"),
        ((404, {"error": {"code": 404, "message": "File Not Found"}}), "(404 Not Found)"),
    ],
)
def test_another_program_on_the_port_is_not_taken_for_hal0(stub: StubHal0, answer: Answer, words: str) -> None:
    """A web server, or a llama-server somebody started by hand."""
    stub.answers["/api/state"] = answer
    with pytest.raises(NotRunning) as refused:
        Client(stub.url).state()
    assert str(refused.value).startswith(f"What answers at {stub.url} is not hal0 {words}; stop that program")


def test_a_refusal_keeps_its_words(stub: StubHal0) -> None:
    stub.answers["/api/state"] = (403, {"error": {"code": "auth.forbidden_origin", "message": "Go away."}})
    with pytest.raises(Refused) as refused:
        Client(stub.url).state()
    assert str(refused.value) == "Go away."


@pytest.mark.parametrize("words", [["serve"], ["check"], ["engine", "install"]])
def test_a_folder_that_cannot_be_written_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (home / "occupied").touch()
    for name in ("XDG_STATE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):
        monkeypatch.setenv(name, str(home / "occupied"))
    assert cli.main(words) == 1
    assert error_of(capsys).startswith(f"{home / 'occupied'}")


def test_an_answer_that_is_no_json_is_not_hal0(stub: StubHal0) -> None:
    stub.answers["/api/state"] = (200, b"<html>")
    with pytest.raises(NotRunning, match="No hal0 answers at"):
        Client(stub.url).state()


@pytest.mark.parametrize(
    "spoken", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"]
)
def test_another_program_on_the_port_is_not_hal0(spoken: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(spoken)

        speaker = threading.Thread(target=speak)
        speaker.start()
        with pytest.raises(NotRunning, match="start it with `hal0`"):
            Client(f"http://127.0.0.1:{server.getsockname()[1]}").state()
        speaker.join()


def test_an_answer_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.link.client.READ_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(NotRunning, match="timed out"):
        Client(f"http://127.0.0.1:{server.getsockname()[1]}").state()


def test_ctrl_c_in_a_terminal_ends_it_quietly(stub: StubHal0) -> None:
    waiting = threading.Event()
    release = threading.Event()

    def load() -> Answer:
        waiting.set()
        release.wait(10)
        return 200, {}

    stub.answers[LOAD] = load
    argv = [*PROGRAM, "switch", "primary", "beta", "--url", stub.url]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
        assert waiting.wait(10)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    release.set()
    assert (process.returncode, out, err) == (130, b"", b"")
