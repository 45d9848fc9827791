"""`server`, `engine`, `limits` and `conversations`, one rule at a time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from router.config.places import Reach, reach
from router.config.schema import ActivityConfig, Bodies, ConversationsConfig, ReadAheadConfig
from tests.router.config.reading import FOLDER, config, only_problem, parse, problems

SECRET = "sk-do-not-show-0123456789"


@pytest.mark.parametrize(
    ("text", "key", "part"),
    [
        ("server: {port: 0}", "server.port", "from 1 to 65535"),
        ("server: {port: 65536}", "server.port", "from 1 to 65535"),
        ("server: {port: true}", "server.port", 'not "true"'),
        ('server: {port: "8080"}', "server.port", "write it without quotes"),
        ("server: {port: 8080.5}", "server.port", "whole number"),
        ("server: {port: 08080}", "server.port", "whole number"),
        ("server: {port: [8080]}", "server.port", "not a list"),
        ("server: 8080", "server", "must be a mapping"),
        ("server: {host: 'http://127.0.0.1'}", "server.host", "no IP address or host name"),
        ("server: {host: 127.0.0}", "server.host", "no IP address or host name"),
        ("server: {host: ''}", "server.host", "must be text, not empty"),
        ("server: {ports: 1}", "server.ports", "is not a setting"),
        ("engine: {ports: 8101}", "engine.ports", "two port numbers"),
        ("engine: {ports: [8101]}", "engine.ports", "two port numbers"),
        ("engine: {ports: [true, 8199]}", "engine.ports", "two port numbers"),
        ("engine: {ports: ['8101', 8199]}", "engine.ports", "two port numbers"),
        ("engine: {ports: [8199, 8101]}", "engine.ports", "not a range"),
        ("engine: {ports: [8101, 70000]}", "engine.ports", "not a range"),
        ("conversations: {keep: lots}", "conversations.keep", "an amount of memory, such as"),
        ("conversations: {keep: 4}", "conversations.keep", "write 4MiB or 4GiB"),
        ("conversations: {per_model: 0}", "conversations.per_model", "from 1 to 64"),
        ("conversations: {max_age: 7}", "conversations.max_age", "a time such as 2s, 12h or 7d"),
        ("conversations: {save_timeout: forever}", "conversations.save_timeout", "a time such as 2s"),
        ("conversations: {budget: 1}", "conversations.budget", "is not a setting"),
        ("activity: {keep: -1}", "activity.keep", "from 0 to 10000000"),
        ("activity: {days: 0}", "activity.days", "from 1 to 3650"),
        ("activity: {size: 1MiB}", "activity.size", "from 16MiB to 1TiB"),
        ("activity: {bodies: some}", "activity.bodies", "one of off, errors, all"),
        ("activity: {bodies: true}", "activity.bodies", "one of off, errors, all"),
        ("activity: {body_size: 1GiB}", "activity.body_size", "from 4KiB to 1MiB"),
        ("activity: {body: all}", "activity.body", "is not a setting"),
        ("limits: {queue: 1.5}", "limits.queue", "whole number"),
        ("limits: {queue: -1}", "limits.queue", "from 0 to 10000"),
        ("limits: {queue: 1000000}", "limits.queue", "from 0 to 10000"),
        ("limits: {wait: 0}", "limits.wait", "from 1 to 86400"),
        ("limits: {wait: 1e999}", "limits.wait", "from 1 to 86400"),
        ("limits: {wait: !!float nan}", "limits.wait", "from 1 to 86400"),
        ("limits: {wait: '120'}", "limits.wait", "write it without quotes"),
        ("limits: {wait: 2m}", "limits.wait", "number of seconds"),
        ("limits: {wait: yes}", "limits.wait", 'not "yes"'),
    ],
)
def test_each_rule_names_its_key(text: str, key: str, part: str) -> None:
    problem = only_problem(text)
    assert (problem.line, problem.key) == (1, key)
    assert part in problem.message


@pytest.mark.parametrize("text", ["server: {port: 'eighty'}", "slots: {p: {autoload: 'maybe'}}"])
def test_quotes_are_not_blamed_where_the_text_is_wrong(text: str) -> None:
    assert "without quotes" not in only_problem(text).message


def test_numbers_are_read() -> None:
    read = config("server: {port: 0x1F90}\nlimits: {queue: 0, wait: 1.5e1}\n")
    assert (read.server.port, read.limits.queue, read.limits.wait) == (8080, 0, 15.0)


class TestPorts:
    def test_the_endpoint_may_not_stand_in_the_engines_range(self) -> None:
        problem = only_problem("server: {port: 8150}\nengine: {ports: [8101, 8199]}\n")
        assert (problem.line, problem.key) == (2, "engine.ports")
        assert "8150" in problem.message
        assert "an engine could take it" in problem.message

    def test_the_default_range_counts_too(self) -> None:
        problem = only_problem("server: {port: 8101}\n")
        assert (problem.line, problem.key) == (1, "server.port")
        assert "set engine.ports" in problem.message

    @pytest.mark.parametrize("port", [8100, 8200])
    def test_beside_the_range_is_fine(self, port: int) -> None:
        assert config(f"server: {{port: {port}}}").server.port == port

    def test_a_range_of_one_port(self) -> None:
        assert config("engine: {ports: [9000, 9000]}").engine.ports == (9000, 9000)


class TestLan:
    @pytest.mark.parametrize("host", ["0.0.0.0", "'::'", "192.168.1.5", "my-pc.local"])
    @pytest.mark.parametrize("keys", ["", ", api_keys: []", ", api_keys: ~"])
    def test_another_host_than_loopback_needs_a_key(self, host: str, keys: str) -> None:
        problem = only_problem(f"server: {{host: {host}{keys}}}\n")
        assert problem.key == "server.host"
        assert "LAN exposure needs a key" in problem.message
        assert "server.api_keys" in problem.message

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "'::1'", "'[::1]'", "localhost", "LOCALHOST"])
    def test_loopback_needs_none(self, host: str) -> None:
        assert problems(f"server: {{host: {host}}}") == []

    def test_with_a_key_the_lan_is_allowed(self) -> None:
        server = config(f"server: {{host: 0.0.0.0, api_keys: [{SECRET}]}}").server
        assert (server.host, server.api_keys) == ("0.0.0.0", (SECRET,))

    def test_a_key_that_cannot_be_read_is_the_only_complaint(self) -> None:
        assert (
            "HAL0_KEY is not set" in only_problem("server: {host: 0.0.0.0, api_keys: ['env:HAL0_KEY']}").message
        )


class TestKeys:
    def test_keys_from_the_environment_and_as_written(self) -> None:
        text = "server: {api_keys: ['env:HAL0_KEY', 0123, 1e5, plain-key]}"
        assert parse(text, {"HAL0_KEY": SECRET}).config.server.api_keys == (SECRET, "0123", "1e5", "plain-key")

    @pytest.mark.parametrize("environment", [{}, {"HAL0_KEY": ""}])
    def test_an_unset_variable_is_named(self, environment: dict[str, str]) -> None:
        problem = only_problem("server:\n  api_keys:\n    - env:HAL0_KEY\n", environment)
        assert (problem.line, problem.key) == (3, "server.api_keys")
        assert "HAL0_KEY is not set" in problem.message

    @pytest.mark.parametrize(
        "text",
        [
            f"server: {{api_keys: {SECRET}}}",
            f"server: {{api_keys: ['{SECRET} two']}}",
            f"server: {{api_keys: [[{SECRET}]]}}",
            f"server: {{api_keys: [{{{SECRET}: 1}}]}}",
            f"server: {{api_keys: {{{SECRET}: 1, {SECRET}: 2}}}}",
            f'server: {{api_keys: ["{SECRET}\\n"]}}',
            f"server: {{api_keys: ['env:{SECRET}']}}",
            f"server: {{api_keys: [*{SECRET}]}}",
            f"server: {{api_keys: [&{SECRET} a, &{SECRET} b]}}",
            f"server: {{api_keys: [!{SECRET} a]}}",
            f"server: {{api_keys: ['{SECRET}é']}}",
            f"server: {{api_keys: [{SECRET}]}}\nserver: 1",
            f"server: {{api_keys: ['{SECRET}]}}",
            f'server: {{api_keys: ["{SECRET}\\q"]}}',
        ],
    )
    def test_no_message_shows_a_key(self, text: str) -> None:
        found = problems(text)
        assert found
        assert SECRET not in "".join(str(problem) + repr(problem) for problem in found)

    def test_a_key_from_the_environment_is_not_shown_either(self) -> None:
        found = problems("server: {api_keys: ['env:HAL0_KEY']}", {"HAL0_KEY": f"{SECRET} \n"})
        assert "ASCII" in found[0].message
        assert SECRET not in str(found)

    def test_repr_of_what_was_read_holds_no_key(self) -> None:
        assert SECRET not in repr(parse(f"server: {{api_keys: [{SECRET}]}}"))


class TestEngineProgram:
    def test_auto_and_left_out(self) -> None:
        assert config("engine: {llama_server: auto}").engine.llama_server is None
        assert config("engine: {llama_server: }").engine.llama_server is None

    def test_a_path(self) -> None:
        assert config("engine: {llama_server: ~/bin/llama-server}").engine.llama_server == (
            Path.home() / "bin" / "llama-server"
        )
        assert (
            config("engine: {llama_server: ./x/llama-server}").engine.llama_server
            == FOLDER / "x" / "llama-server"
        )

    def test_a_bare_name_is_looked_up_as_a_shell_would(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / ("my-llama.exe" if sys.platform == "win32" else "my-llama")
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert config("engine: {llama_server: my-llama}").engine.llama_server == program
        assert config("engine: {llama_server: not-there}").engine.llama_server == FOLDER / "not-there"


class TestAllowed:
    """Row 16: `server.allowed_hosts` and `server.allowed_origins`."""

    def test_they_are_read_in_one_form(self) -> None:
        read = config(
            """
server:
  allowed_hosts: [HAL0, pc.local., "*.ts.net", .Example.org, "*.local", my_box, "[fe80::1]", büro.local, hal0]
  allowed_origins: [https://Chat.example.org/, "https://*.example.org", chrome-extension://abc, "http://[::1]:9"]
"""
        ).server
        hosts = ("hal0", "pc.local", "*.ts.net", ".example.org", "*.local", "my_box", "fe80::1")
        assert read.allowed_hosts == (*hosts, "xn--bro-hoa.local")
        pages = (
            "https://chat.example.org",
            "https://*.example.org",
            "chrome-extension://abc",
            "http://[::1]:9",
        )
        assert read.allowed_origins == pages

    @pytest.mark.parametrize(
        ("entry", "part", "suggestion"),
        [
            ("'*'", "web pages of any name", None),
            ("'**.a.b'", "web pages of any name", None),
            ("a*.b.c", "web pages of any name", None),
            ("'*.com'", "names of anybody", None),
            (".org", "names of anybody", None),
            ("'hal0:8080'", "without http://, port and path", "hal0"),
            ("http://pc.local:8080/v1", "without http://, port and path", "pc.local"),
            ("pc.local/v1", "without http://, port and path", "pc.local"),
            ("'a b'", "no host name", None),
            ("[a]", "must be text", None),
        ],
    )
    def test_a_host_that_cannot_be_meant(self, entry: str, part: str, suggestion: str | None) -> None:
        problem = only_problem(f"server:\n  allowed_hosts:\n    - pc.local\n    - {entry}\n")
        assert (problem.line, problem.key, problem.suggestion) == (4, "server.allowed_hosts", suggestion)
        assert part in problem.message

    @pytest.mark.parametrize(
        ("entry", "part", "suggestion"),
        [
            ("'*'", "any web page", None),
            ("'null'", "any web page", None),
            ("https://*", "any web page", None),
            ("chrome-extension://*", "any web page", None),
            ("https://*.com", "names of anybody", None),
            ("chat.example.org", "write scheme and host", "https://chat.example.org"),
            ("https://chat.example.org/ui", "holds a path", "https://chat.example.org"),
            ("https://a.b:x", "write scheme and host", None),
            ("https://", "write scheme and host", None),
        ],
    )
    def test_an_origin_that_cannot_be_meant(self, entry: str, part: str, suggestion: str | None) -> None:
        problem = only_problem(f"server: {{allowed_origins: [{entry}]}}\n")
        assert (problem.line, problem.key, problem.suggestion) == (1, "server.allowed_origins", suggestion)
        assert part in problem.message

    def test_a_name_nearly_right_is_hinted_at(self) -> None:
        assert only_problem("server: {allowed_host: [a]}").suggestion == "allowed_hosts"


class TestReach:
    """Row 47: who could use the endpoint at an address, as typed."""

    NAMES = frozenset({"nas", "pc.example"})

    @pytest.mark.parametrize(
        ("typed", "wanted"),
        [
            ("127.0.0.1", Reach.HERE),
            ("127.0.0.2", Reach.HERE),
            ("::1", Reach.HERE),
            ("[::1]", Reach.HERE),
            ("::ffff:127.0.0.1", Reach.HERE),
            ("localhost", Reach.HERE),
            ("LocalHost", Reach.HERE),
            ("0.0.0.0", Reach.NETWORK),
            ("::", Reach.NETWORK),
            ("192.168.1.5", Reach.NETWORK),
            ("fe80::1%eth0", Reach.NETWORK),
            ("nas", Reach.NETWORK),
            ("pc.example", Reach.NETWORK),
            ("nonsense", Reach.NOBODY),
            ("no.such.example", Reach.NOBODY),
            ("", Reach.NOBODY),
            (" ", Reach.NOBODY),
            ("*", Reach.NOBODY),
            ("127.0.0.1:8080", Reach.NOBODY),
            ("[::1]:8080", Reach.NOBODY),
            ("localhost:8080", Reach.NOBODY),
            ("http://127.0.0.1", Reach.NOBODY),
            ("127.1", Reach.NOBODY),
            ("127.0.0.256", Reach.NOBODY),
            ("0", Reach.NOBODY),
            ("10.0.0.0/8", Reach.NOBODY),
            ("224.0.0.1", Reach.NOBODY),
            ("255.255.255.255", Reach.NOBODY),
            ("[::1", Reach.NOBODY),
            ("a_b", Reach.NOBODY),
        ],
    )
    def test_who_reaches_it(self, typed: str, wanted: Reach) -> None:
        assert reach(typed, self.NAMES.__contains__) is wanted

    @pytest.mark.parametrize("typed", ["nonsense", "127.0.0.1:8080", "'[::1]:80'", "224.0.0.1", "127.0.0.256"])
    def test_what_is_no_address_is_refused_with_its_line(self, typed: str) -> None:
        problem = only_problem(f"server:\n  host: {typed}\n")
        assert (problem.line, problem.key) == (2, "server.host")
        assert "no IP address or host name" in problem.message and "127.0.0.1" in problem.message


def test_reading_ahead_is_on_unless_a_part_of_it_is_off() -> None:
    assert config("").read_ahead == ReadAheadConfig(on_switch=True, when_idle=True)
    assert config("read_ahead: {on_switch: false}").read_ahead == ReadAheadConfig(on_switch=False)
    assert config("read_ahead: {when_idle: false}").read_ahead == ReadAheadConfig(when_idle=False)
    assert only_problem("read_ahead: {when_idel: false}").suggestion == "when_idle"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("{}", ConversationsConfig(4 << 30, 2, 604_800.0, 2.0)),
        ("{keep: 0}", ConversationsConfig(keep=0)),
        ("{keep: 8GiB, per_model: 5}", ConversationsConfig(keep=8 << 30, per_model=5)),
        ("{max_age: 12h, save_timeout: 500ms}", ConversationsConfig(max_age=43_200.0, save_timeout=0.5)),
        ("{max_age: 3600, save_timeout: 10}", ConversationsConfig(max_age=3600.0, save_timeout=10.0)),
    ],
)
def test_what_is_kept_of_conversations(text: str, want: ConversationsConfig) -> None:
    assert config(f"conversations: {text}").conversations == want


def test_what_is_remembered_of_requests() -> None:
    assert config("").activity == ActivityConfig(10_000, 30, 64 << 20, Bodies.OFF, 64 << 10)
    read = config("activity: {keep: 0, days: 1, size: 16MiB, bodies: off, body_size: 4KiB}").activity
    assert read == ActivityConfig(0, 1, 16 << 20, Bodies.OFF, 4 << 10)
    assert config("activity: {bodies: errors}").activity.bodies is Bodies.ERRORS
