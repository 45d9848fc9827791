from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.views.remedy import remedy_changes
from app.views.settings import (
    API_KEYS,
    HOST,
    LLAMA_SERVER,
    MODEL_DIRS,
    PORT,
    PORTS,
    WAIT,
    Form,
    changes,
    flag_json,
    form_of,
    owner,
    rebased,
    with_entry,
    without_entry,
)
from app.views.settings_document import NotReadable
from app.views.settings_draft import Draft, form_problems, key_problem, name_problem
from router.config.change import REMOVE, ConfigChange, ConfigDocument
from router.config.hidden import hide_keys
from router.config.keys import Named, Part, keys_of
from router.config.problems import ConfigProblem
from router.config.schema import Config, Kind
from router.state import ModelStatus
from tests.app.config_link import FILE, SECRET, YAML, applied, defaults, document


def edited(**edits: Any) -> list[ConfigChange]:
    """The changes for new values, by dotted key."""
    form = form_of(document())
    return changes(document(), form | {tuple(key.split(".")): value for key, value in edits.items()})


def test_the_form_shows_what_is_written() -> None:
    form = form_of(document())
    assert form[PORT] == 9000
    assert form[API_KEYS] == ("env:HAL0_KEY", SECRET)
    assert form[LLAMA_SERVER] == "~/llama/llama-server"
    assert form[MODEL_DIRS] == ("~/models", "/data/gguf")
    flags = (
        ("n_ctx", "65536"),
        ("flash-attn", "on"),
        ("cache-type-k", "q8_0"),
        ("jinja", ""),
        ("temp", "0.60"),
    )
    assert form["models", "qwen", "flags"] == flags
    assert json.loads(form["models", "qwen", "request"])["temperature"] == 0.6
    assert form["slots", "embed", "idle_unload"] == 300


@pytest.mark.parametrize("made", [document, defaults])
def test_nothing_edited_nothing_changed(made: Any) -> None:
    assert changes(made(), form_of(made())) == []


FLAGS = (("n_ctx", "65536"), ("flash-attn", "on"), ("cache-type-k", "q8_0"), ("jinja", ""), ("temp", "0.60"))
REQUEST = '{"temperature": %s, "chat_template_kwargs": {"enable_thinking": true}}'


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("server.port", 8080, [(("server", "port"), 8080)]),
        ("server.api_keys", ("env:HAL0_KEY",), [(("server", "api_keys"), ["env:HAL0_KEY"])]),
        ("engine.ports", (9101, 9102), [(("engine", "ports"), [9101, 9102])]),
        ("slots.primary.model", None, [(("slots", "primary", "model"), REMOVE)]),
        ("slots.primary.models", ("qwen",), [(("slots", "primary", "models"), ["qwen"])]),
        ("slots.embed.idle_unload", 600.0, [(("slots", "embed", "idle_unload"), 600)]),
        ("models.qwen.aliases", (), [(("models", "qwen", "aliases"), REMOVE)]),
        ("models.qwen.display_name", "Q", [(("models", "qwen", "display_name"), "Q")]),
        ("models.qwen.flags", FLAGS[1:], [(("models", "qwen", "flags", "n_ctx"), REMOVE)]),
        ("models.qwen.flags", (("n_ctx", "8192"), *FLAGS[1:]), [(("models", "qwen", "flags", "n_ctx"), 8192)]),
        ("models.qwen.flags", (*FLAGS, ("mlock", "")), [(("models", "qwen", "flags", "mlock"), True)]),
        ("models.qwen.flags", (), [(("models", "qwen", "flags"), REMOVE)]),
        ("models.qwen.request", REQUEST % "0.6", []),
        ("models.qwen.request", REQUEST % "1", [(("models", "qwen", "request", "temperature"), 1)]),
        ("models.qwen.request", "", [(("models", "qwen", "request"), REMOVE)]),
        ("models.plain.request", '{"n": true}', [(("models", "plain", "request", "n"), True)]),
    ],
)
def test_one_edit_is_one_small_change(
    key: str, value: Any, expected: list[tuple[tuple[str, ...], Any]]
) -> None:
    assert [(change.path, change.value) for change in edited(**{key: value})] == expected


def test_entries_come_and_go_as_a_whole() -> None:
    form = without_entry(form_of(document()), "slots", "embed")
    form = with_entry(form, "slots", "coder", model="plain", idle_unload=60.0)
    form = with_entry(
        form, "models", "fast", file="Fast.gguf", flags=(("ctx-size", "4096"),), request='{"n": 1}'
    )
    assert changes(document(), form) == [
        ConfigChange(("slots", "embed"), REMOVE),
        ConfigChange(("slots", "coder"), {"kind": "chat", "model": "plain", "idle_unload": 60}),
        ConfigChange(
            ("models", "fast"), {"file": "Fast.gguf", "flags": {"ctx-size": 4096}, "request": {"n": 1}}
        ),
    ]


def test_the_default_slot_is_written_out_before_it_would_vanish() -> None:
    form = with_entry(form_of(defaults()), "slots", "coder")
    assert changes(defaults(), form) == [
        ConfigChange(("slots", "primary"), {"kind": "chat", "autoload": True}),
        ConfigChange(("slots", "coder"), {"kind": "chat"}),
    ]


def test_keys_that_cannot_be_told_apart_are_left_alone() -> None:
    torn = document()
    torn = ConfigDocument(FILE, True, torn.text.replace("env:HAL0_KEY, ", ""), torn.config)
    assert form_of(torn)[API_KEYS] is None


def test_a_text_that_is_no_yaml_is_never_edited() -> None:
    broken = ConfigDocument(FILE, True, YAML.replace(SECRET, "****"), document().config)
    with pytest.raises(NotReadable, match=r"hal0\.yaml"):
        form_of(broken)


# None is a name that llama-server has: those have bounds and places of their own.
NAME = st.text("abcdefghij-.", max_size=8).map("x{}".format)
JSON = st.dictionaries(NAME, st.booleans() | st.integers(-5, 5) | st.text("ab ~:#", max_size=4), max_size=3)
FLAG = st.sampled_from(["", "on", "off", "8192", "0.5", "q8_0", "a b", "1,2", "~"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        HOST: st.sampled_from(["127.0.0.1", "0.0.0.0", "::1"]),
        PORT: st.integers(1, 8000),
        API_KEYS: st.lists(st.sampled_from(["env:HAL0_KEY", SECRET, "other"]), min_size=1).map(tuple),
        PORTS: st.tuples(st.integers(20000, 20100), st.integers(20100, 20200)),
        MODEL_DIRS: st.lists(st.sampled_from(["~/models", "/x", "sub dir"]), unique=True).map(tuple),
        WAIT: st.integers(2, 86400).map(lambda tenths: tenths / 2),
        ("slots", "primary", "autoload"): st.booleans(),
        ("slots", "primary", "model"): st.sampled_from([None, "plain", "qwen"]),
        ("slots", "embed", "switch"): st.sampled_from(["manual", "on_request"]),
        ("slots", "embed", "drain_timeout"): st.integers(0, 90).map(float),
        ("models", "plain", "display_name"): st.sampled_from([None, "ä: #1", "'x'"]),
        ("models", "plain", "aliases"): st.lists(st.sampled_from(["p1", "p2"]), unique=True).map(tuple),
        ("models", "plain", "kind"): st.sampled_from([None, "chat"]),
        ("models", "qwen", "flags"): st.dictionaries(NAME, FLAG, max_size=4).map(
            lambda flags: tuple(flags.items())
        ),
        ("models", "qwen", "request"): JSON.map(lambda value: json.dumps(value, indent=2) if value else ""),
    },
)


def meaning(form: Form) -> Form:
    """A form without differences of spelling: a flag's `on` comes back as `true`."""
    alike = dict(form)
    for key, value in form.items():
        if key[2:] == ("flags",):
            alike[key] = {name: flag_json(words) for name, words in value}
        elif key[2:] == ("request",):
            alike[key] = json.loads(value or "{}")
    return alike


@given(edits=VALUES, drop=st.sampled_from([None, "embed"]), new=st.booleans())
@settings(max_examples=60)
def test_the_router_reads_back_exactly_the_form(edits: Form, drop: str | None, new: bool) -> None:
    form = {**form_of(document()), **edits}
    if drop:
        form = without_entry(form, "slots", drop)
    if new:
        form = with_entry(form, "slots", "coder", pinned=True, models=("plain",))
    asked = changes(document(), form)
    again = document(applied(YAML, asked))
    assert meaning(form_of(again)) == meaning(form)
    assert changes(again, form_of(again)) == []
    if form == form_of(document()):
        assert asked == []


@given(edits=VALUES, outside=VALUES)
@settings(max_examples=50)
def test_what_changes_outside_and_what_is_edited_here_both_stay(edits: Form, outside: Form) -> None:
    old = form_of(document())
    new = {**old, **outside}
    mine = {**old, **edits}
    both = rebased(mine, old, new)
    for key, value in both.items():
        assert value == (mine[key] if mine[key] != old[key] else new[key])


def test_an_edit_of_a_slot_that_was_removed_outside_is_dropped_whole() -> None:
    old = form_of(document())
    mine = {**old, ("slots", "embed", "pinned"): True}
    assert rebased(mine, old, without_entry(old, "slots", "embed")) == without_entry(old, "slots", "embed")
    gone = without_entry(old, "slots", "embed")
    assert rebased(gone, old, {**old, PORT: 1}) == {**gone, PORT: 1}


@pytest.mark.parametrize(
    ("dotted", "key"),
    [
        ("slots.primary.switch", ("slots", "primary", "switch")),
        ("models.qwen.flags.ctx-size", ("models", "qwen", "flags")),
        ("server.api_keys[1]", API_KEYS),
        ("model_dirs", MODEL_DIRS),
        ("slots.primary", None),
        ("", None),
    ],
)
def test_a_problem_is_shown_at_its_setting(dotted: str, key: tuple[str, ...] | None) -> None:
    assert owner(dotted, form_of(document())) == key


# -- the draft ---------------------------------------------------------------------------------------------


def test_a_draft_counts_and_forgets_what_was_edited() -> None:
    draft = Draft(document())
    assert (draft.dirty, draft.count()) == (False, 0)
    draft.put(PORT, 8080)
    draft.add("slots", "coder")
    draft.remove("models", "plain")
    assert (draft.dirty, draft.count()) == (True, 3)
    draft.put(PORT, 9000)
    assert draft.count() == 2
    draft.discard()
    assert not draft.dirty


def test_refusals_stay_until_their_setting_is_changed() -> None:
    draft = Draft(document())
    told = [
        ConfigProblem("hal0.yaml", 3, "server.port", "is not a port", None),
        ConfigProblem("hal0.yaml", 9, "models.qwen.flags.flash-atn", "is no flag", "flash-attn"),
        ConfigProblem("hal0.yaml", 0, "", "cannot be written", None),
        ConfigProblem("hal0.yaml", 0, "extra", "is unknown", None),
    ]
    draft.refuse(told)
    assert draft.problems() == {
        PORT: "Is not a port.",
        ("models", "qwen", "flags"): "Is no flag. Did you mean “flash-attn”?",
        (): "Cannot be written.\nextra: Is unknown.",
    }
    draft.put(PORT, 1)
    assert PORT not in draft.problems()


def test_the_network_needs_a_key() -> None:
    form = {**form_of(document()), HOST: "0.0.0.0"}
    assert form_problems(form) == {}
    assert "add an API key" in form_problems({**form, API_KEYS: ()})[HOST]
    assert form_problems({**form, API_KEYS: (), HOST: "localhost"}) == {}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("file", "", "Enter the GGUF file"),
        ("flags", (("a", "1"), ("a", "2")), "twice"),
        ("request", "{", "line 1, column 2"),
        ("request", "[1]", "JSON object"),
        ("request", '{"x": NaN}', "JSON object"),
    ],
)
def test_mistakes_in_a_model_are_seen_before_saving(field: str, value: Any, told: str) -> None:
    key = ("models", "qwen", field)
    assert told in form_problems({**form_of(document()), key: value})[key]


@pytest.mark.parametrize(
    ("section", "name", "fine"),
    [
        ("slots", "coder", True),
        ("slots", "primary", False),
        ("slots", "thinking", False),
        ("slots", "a b", False),
        ("slots", "", False),
        ("models", "org/name:Q4", True),
        ("models", "a b", False),
        ("models", "embed", False),
    ],
)
def test_a_name_means_one_thing(section: str, name: str, fine: bool) -> None:
    assert (name_problem(form_of(document()), section, name) is None) is fine


def test_new_keys() -> None:
    assert key_problem((), "hal0-abc") is None
    for bad in ("", "two words", "ä"):
        assert key_problem((), bad) is not None
    assert key_problem(("x",), "x") is not None


def test_what_a_model_lacked_is_put_where_it_stands_in_the_file() -> None:
    qwen = ModelStatus("qwen", "Qwen", Kind.CHAT, file="/m/Qwen.gguf")
    asked = remedy_changes(document(), qwen, ("ctx-size=32768", "cache-type-v=q8_0"))
    assert asked == [
        ConfigChange(("models", "qwen", "flags", "n_ctx"), 32768),
        ConfigChange(("models", "qwen", "flags", "cache-type-v"), "q8_0"),
    ]


def test_a_model_that_is_not_named_yet_is_named_for_it() -> None:
    found = ModelStatus("found", "Found", Kind.CHAT, file="/m/Found.gguf")
    assert remedy_changes(document(), found, ("ctx-size=4096",)) == [
        ConfigChange(("models", "found"), {"file": "/m/Found.gguf", "flags": {"ctx-size": 4096}})
    ]


# -- what follows from router.config.schema -----------------------------------------------------------------


def test_every_key_is_a_setting_with_its_default() -> None:
    form = with_entry(with_entry(form_of(defaults()), "slots", "s"), "models", "m")
    for section, row in keys_of(Config).items():
        match row.key.type:
            case Part(of):
                found = {(section, name) for name in keys_of(of)}
            case Named(of) if section != "upstreams":  # those have no page
                found = {(section, section[0], name) for name in keys_of(of)}
            case Named():
                continue
            case _:
                found = {(section,)}
        assert found <= form.keys()
    assert changes(defaults(), form_of(defaults())) == []
    assert form["slots", "s", "drain_timeout"] == 30 and form["memory", "headroom"] == 512
    assert form["models", "m", "flags"] == () and form["models", "m", "request"] == ""


def test_lists_are_shown_as_they_are_written() -> None:
    made = document(YAML.replace("port: 9000", "port: 9000, allowed_hosts: [PC.local]"))
    assert form_of(made)["server", "allowed_hosts"] == ("PC.local",)
    assert form_of(document())["server", "allowed_hosts"] == ()


def test_rpc_is_not_among_the_flags() -> None:
    made = document("models: {m: {file: m.gguf, rpc: ['10.0.0.3:50052']}}")
    form = form_of(made)
    assert form["models", "m", "rpc"] == ("10.0.0.3:50052",) and form["models", "m", "flags"] == ()


def test_a_secret_variable_stays_while_another_one_is_written() -> None:
    text = YAML.replace("env: {CUDA_VISIBLE_DEVICES: 1}", "env: {GPU: 0, TOKEN: sesame-4711}")
    made = ConfigDocument(FILE, True, hide_keys(text), document(text).config)
    key = ("models", "qwen", "env")
    form = form_of(made)
    assert form[key] == (("GPU", "0"), ("TOKEN", "…"))
    assert changes(made, form) == []
    found = changes(made, form | {key: (("TOKEN", "…"), ("NEW", ""))})
    assert found == [ConfigChange((*key, "GPU"), REMOVE), ConfigChange((*key, "NEW"), "")]
    assert changes(made, form | {key: ()}) == [ConfigChange(key, REMOVE)]


SHARED = """\
vars: {far: lxc, big: 4096, ttl: 60}
models:
  qwen: {file: a.gguf, flags: {ctx-size: "${big}"}, request: {logit_bias: {"5": "${big}", "6": 1}}}
slots:
  primary: {idle_unload: "${ttl}", fallback: ["${far}"]}
  coder: {}
together: [[primary], [coder]]
upstreams: {lxc: {base_url: http://10.0.0.2:8080}}
"""


def test_references_to_variables_stay_where_something_else_is_edited() -> None:
    shown = document(SHARED)
    form = form_of(shown)
    assert form["vars",] == (("far", "lxc"), ("big", "4096"), ("ttl", "60"))
    assert form["models", "qwen", "flags"] == (("ctx-size", "${big}"),)
    assert form["slots", "primary", "idle_unload"] == 60
    edits = {
        ("vars",): (("far", "lxc"), ("big", "8192"), ("ttl", "60")),
        ("models", "qwen", "request"): '{"logit_bias": {"5": 4096, "6": 2}}',
        ("slots", "primary", "fallback"): ("lxc", "lxc/other"),
        ("together",): (("primary", "coder"),),
    }
    after = applied(SHARED, changes(shown, form | edits))
    for old, new in (
        ("big: 4096", "big: 8192"),
        ('"6": 1', '"6": 2'),
        ('["${far}"]', '["${far}", lxc/other]'),
        ("[[primary], [coder]]", "[[primary, coder]]"),
    ):
        assert after.count(new) == 1, after
        after = after.replace(new, old)
    assert after == SHARED
