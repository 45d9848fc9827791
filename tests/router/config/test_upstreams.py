"""`upstreams`, what slots say of them, `memory`, `local_only`, `updates`, and a model's `rpc`."""

from __future__ import annotations

import pytest

from router.config.change import ConfigChange
from router.config.edit import apply_changes
from router.config.hidden import hide_keys
from router.config.problems import ConfigErrors
from router.config.schema import MemoryConfig, Updates, UpstreamConfig, UpstreamKind
from tests.router.config.reading import config, only_problem, problems

SECRET = "sk-do-not-show-0123456789"
LXC = "upstreams:\n  lxc: {base_url: 'http://10.0.4.200:8080/v1'}\n"
ROUTER = "upstreams: {openrouter: {base_url: 'https://openrouter.ai/api/v1', models: [a/b, c]}}\n"


def test_the_issues_example_is_read() -> None:
    read = config(
        "upstreams:\n"
        '  openrouter: {base_url: "https://openrouter.ai/api/v1", api_key: env:OPENROUTER_API_KEY,'
        " models: [anthropic/claude-sonnet-4.5], timeout: 30, connect_timeout: 2.5}\n"
        '  lxc:        {base_url: "http://10.0.4.200:8080/v1"}\n'
        '  bigpc:      {base_url: "http://10.0.4.11:8080", kind: hal0}\n'
        "slots:\n"
        "  primary: {fallback: [lxc, openrouter/anthropic/claude-sonnet-4.5, lxc], priority: 5}\n"
        '  cluster: {kind: chat, upstream: "lxc/llama-70b"}\n'
        "local_only: true\nupdates: off\nmemory: {headroom: 1GiB}\n"
    )
    assert read.upstreams["openrouter"] == UpstreamConfig(
        "openrouter",
        "https://openrouter.ai/api/v1",
        api_key="env:OPENROUTER_API_KEY",
        models=("anthropic/claude-sonnet-4.5",),
        timeout=30.0,
        connect_timeout=2.5,
    )
    assert read.upstreams["lxc"] == UpstreamConfig("lxc", "http://10.0.4.200:8080/v1")
    assert read.upstreams["bigpc"].kind is UpstreamKind.HAL0
    primary = read.slots["primary"]
    assert primary.fallback == ("lxc", "openrouter/anthropic/claude-sonnet-4.5") and primary.priority == 5
    assert read.slots["cluster"].upstream == "lxc/llama-70b"
    assert (read.local_only, read.updates, read.memory) == (True, Updates.OFF, MemoryConfig(1 << 30))


def test_without_them_nothing_is_elsewhere() -> None:
    read = config("")
    assert (read.upstreams, read.local_only, read.updates) == ({}, False, Updates.NOTIFY)
    assert read.memory.headroom == 512 << 20 and read.slots["primary"].fallback == ()


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        ("openai", "http://10.0.0.2:8080", "http://10.0.0.2:8080/v1"),
        ("openai", "http://10.0.0.2:8080/", "http://10.0.0.2:8080/v1"),
        ("openai", "http://10.0.0.2:8080/v1/", "http://10.0.0.2:8080/v1"),
        ("openai", "https://api.example/v1beta/openai/", "https://api.example/v1beta/openai"),
        ("openai", "https://[fe80::1]:8080/v1", "https://[fe80::1]:8080/v1"),
        ("hal0", "http://bigpc.local:8080/v1", "http://bigpc.local:8080"),
        ("hal0", "http://bigpc.local:8080", "http://bigpc.local:8080"),
        ("hal0", "https://home.example/hal0/v1/", "https://home.example/hal0"),
    ],
)
def test_addresses_with_and_without_v1(kind: str, written: str, read: str) -> None:
    text = f"upstreams: {{x: {{kind: {kind}, base_url: '{written}'}}}}"
    assert config(text).upstreams["x"].base_url == read


@pytest.mark.parametrize(
    ("text", "key", "part"),
    [
        ("upstreams: [x]", "upstreams", "must be a mapping"),
        ("upstreams: {x: 'http://x/v1'}", "upstreams.x", "must be a mapping"),
        ("upstreams: {x: {kind: openai}}", "upstreams.x.base_url", "is missing"),
        ("upstreams: {x: {base_url: '10.0.0.2:8080'}}", "upstreams.x.base_url", "must be http:// or https://"),
        ("upstreams: {x: {base_url: 'ftp://10.0.0.2'}}", "upstreams.x.base_url", "must be http:// or https://"),
        ("upstreams: {x: {base_url: 'http://'}}", "upstreams.x.base_url", "with a host"),
        ("upstreams: {x: {base_url: 'http://x:99999'}}", "upstreams.x.base_url", "is not an address"),
        ("upstreams: {x: {base_url: 'http://x/v1?a=b'}}", "upstreams.x.base_url", "without ? or #"),
        (
            "server: {port: 9000}\nupstreams: {x: {base_url: 'http://localhost:9000'}}",
            "upstreams.x.base_url",
            "this hal0's own address",
        ),
        ("upstreams: {x: {base_url: 'http://x', kind: vllm}}", "upstreams.x.kind", "openai, hal0"),
        ("upstreams: {x: {base_url: 'http://x', timeout: 0}}", "upstreams.x.timeout", "number of seconds"),
        ("upstreams: {'x/y': {base_url: 'http://x'}}", "upstreams.x/y", "only hold letters"),
        ("upstreams: {'x:y': {base_url: 'http://x'}}", "upstreams.x:y", "only hold letters"),
        ("upstreams: {hal0: {base_url: 'http://x'}}", "upstreams.hal0", "already means hal0 itself"),
        (
            "slots: {big: {}}\nupstreams: {big: {base_url: 'http://x'}}",
            "upstreams.big",
            "already means a slot (line 1)",
        ),
        ("memory: {headroom: lots}", "memory.headroom", "such as 512MiB or 1GiB"),
        ("memory: {headroom: -1}", "memory.headroom", "such as 512MiB or 1GiB"),
        ("memory: {headroom: 2TiB}", "memory.headroom", "at most 1TiB"),
        ("memory: {headroom: 9999999999999999999999}", "memory.headroom", "than any computer has"),
        ("updates: weekly", "updates", "must be one of notify, off"),
        ("local_only: maybe", "local_only", "must be true or false"),
        ("slots: {s: {priority: high}}", "slots.s.priority", "whole number"),
    ],
)
def test_each_rule_names_its_key(text: str, key: str, part: str) -> None:
    problem = only_problem(text)
    assert (problem.line, problem.key) == (len(text.splitlines()), key)
    assert part in problem.message


@pytest.mark.parametrize(
    ("slot", "key", "part", "suggestion"),
    [
        ("{fallback: [lcx]}", "fallback", 'no upstream is called "lcx"', "openrouter"),
        ("{fallback: openrouter}", "fallback", "must be a list", None),
        ("{fallback: [openrouter/a/c]}", "fallback", "is not in models: of that upstream", "a/b"),
        ("{upstream: openruter/c}", "upstream", 'no upstream is called "openruter"', "openrouter"),
        ("{upstream: openrouter}", "upstream", 'such as "openrouter/MODEL"', None),
        ("{upstream: openrouter/c, model: x}", "model", "cannot stand beside upstream:", None),
        ("{upstream: openrouter/c, idle_unload: 5}", "idle_unload", "cannot stand beside upstream:", None),
        ("{upstream: openrouter/c, command: 'x {port}'}", "command", "cannot stand beside upstream:", None),
    ],
)
def test_slots_name_upstreams_that_there_are(slot: str, key: str, part: str, suggestion: str | None) -> None:
    problem = only_problem(f"{ROUTER}slots:\n  s: {slot}\n")
    assert (problem.line, problem.key) == (3, f"slots.s.{key}")
    assert part in problem.message
    if suggestion == "openrouter" and "lcx" in slot:
        suggestion = None
    assert problem.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("1GiB", 1 << 30),
        ("1.5 GiB", 3 << 29),
        ("512MiB", 512 << 20),
        ("2GB", 2 * 10**9),
        ("700m", 700 << 20),
    ],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert config(f"memory: {{headroom: {text}}}").memory.headroom == amount


class TestKeys:
    @pytest.mark.parametrize("key", ["env:NAME", "keyring:open-router", "keyring:x", SECRET, "0123", "a:b"])
    def test_what_is_written_is_kept_and_looked_up_later(self, key: str) -> None:
        read = config(f"upstreams: {{x: {{base_url: 'http://x', api_key: '{key}'}}}}").upstreams["x"]
        assert read.api_key == key and SECRET not in repr(read)

    @pytest.mark.parametrize(
        "key",
        [
            f"'{SECRET} two'",
            f"[{SECRET}]",
            f"{{{SECRET}: 1}}",
            f'"{SECRET}\\n"',
            f"'env:{SECRET}'",
            f"'keyring:{SECRET}/'",
        ],
    )
    def test_none_is_ever_shown(self, key: str) -> None:
        found = problems(f"upstreams:\n  x:\n    base_url: http://x\n    api_key: {key}\n")
        assert [(problem.line, problem.key) for problem in found] == [(4, "upstreams.x.api_key")]
        assert SECRET not in str(found)

    def test_nor_a_password_in_an_address(self) -> None:
        problem = only_problem(f"upstreams: {{x: {{base_url: 'https://me:{SECRET}@host/v1'}}}}")
        assert "write the key as api_key" in problem.message and SECRET not in str(problem)

    def test_nor_one_that_is_written_twice(self) -> None:
        text = f"upstreams: {{x: {{base_url: 'http://x', api_key: {{{SECRET}: 1, {SECRET}: 2}}}}}}"
        assert SECRET not in str(problems(text))

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            (f"upstreams: {{x: {{api_key: {SECRET}}}}}\n", "upstreams: {x: {api_key: …}}\n"),
            ("upstreams: {x: {api_key: env:NAME}}\n", "upstreams: {x: {api_key: env:NAME}}\n"),
            ("upstreams: {x: {api_key: keyring:a}}\n", "upstreams: {x: {api_key: keyring:a}}\n"),
            (f"upstreams:\n  x:\n    api_keys: [{SECRET}]\n", "upstreams:\n  x:\n    api_keys: […]\n"),
            (
                f"d: &d {{api_key: {SECRET}}}\nupstreams: {{x: {{<<: *d}}}}\n",
                "d: &d {api_key: …}\nupstreams: {x: {<<: *d}}\n",
            ),
            (f"upstreams: {{x: {{base_url: 'http://a:{SECRET}@h'}}}}\n", "upstreams: {x: {base_url: …}}\n"),
            (f"upstreams: [{{api_key: {SECRET}\n", "upstreams: [{api_key: …\n"),
        ],
    )
    def test_the_shown_file_has_none(self, text: str, shown: str) -> None:
        assert hide_keys(text) == shown

    def test_an_edit_that_fails_does_not_name_it(self) -> None:
        shared = f"a: &k {SECRET}\nupstreams: {{x: {{api_key: *k}}, y: {{api_key: *k}}}}\n"
        change = ConfigChange(("upstreams", "x", "api_key", SECRET), 1)
        with pytest.raises(ConfigErrors) as caught:
            apply_changes(shared, [change])
        assert SECRET not in caught.value.message


def test_the_file_can_be_edited() -> None:
    text = apply_changes(
        LXC,
        [
            ConfigChange(("local_only",), True),
            ConfigChange(("upstreams", "lxc", "api_key"), "env:LXC"),
            ConfigChange(("slots", "primary", "fallback"), ["lxc"]),
        ],
    )
    read = config(text)
    assert read.local_only and read.upstreams["lxc"].api_key == "env:LXC"
    assert read.slots["primary"].fallback == ("lxc",)


class TestRpc:
    def test_addresses_become_llama_servers_flag(self) -> None:
        model = config("models: {m: {file: m.gguf, rpc: ['10.0.0.3:50052', 'big.local:50052']}}").models["m"]
        assert model.flags == {"rpc": "10.0.0.3:50052,big.local:50052"}

    @pytest.mark.parametrize(
        "address", ["10.0.0.3", ":50052", "10.0.0.3:", "10.0.0.3:0", "http://x:1", "1.2.3:4"]
    )
    def test_only_hosts_with_ports(self, address: str) -> None:
        problem = only_problem(f"models: {{m: {{file: m.gguf, rpc: ['{address}']}}}}")
        assert problem.key == "models.m.rpc" and "is no host and port" in problem.message

    def test_once_is_enough(self) -> None:
        problem = only_problem("models: {m: {file: m.gguf, rpc: ['a:1'], flags: {rpc: 'b:1'}}}")
        assert "is also among flags:" in problem.message
