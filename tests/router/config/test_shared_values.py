"""`vars:` of hal0.yaml: what they become, and what is told of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from router.config.change import REMOVE, ConfigChange
from router.config.edit import apply_changes
from router.config.hidden import hide_keys
from router.config.json_schema import json_schema
from tests.router.config.reading import config, only_problem, parse, problems
from tests.router.config.test_json_schema import refused

FILE = """\
vars:
  big: 131072
  warm: 0.7
  on_gpu: true
  folder: /data/models
  name: qwen  # the name is short
  file: ${folder}/${name}.gguf
models:
  qwen:
    file: ${file}
    aliases: ["${name}-big", other]
    flags:
      ctx-size: ${big}
      flash-attn: ${on_gpu}
      lora: ["${folder}/a.gguf", "/b.gguf"]  # both
    request: {temperature: "${warm}", stop: ["$${name}"], logit_bias: {"5": "${big}"}}
    env: {HF_HOME: "${folder}/hf"}
slots:
  primary: {model: "${name}", idle_unload: "${big}"}
model_dirs: ["${folder}"]
"""


def test_they_are_put_in_with_their_types() -> None:
    read = config(FILE)
    model = read.models["qwen"]
    assert model.file == "/data/models/qwen.gguf" and model.aliases == ("qwen-big", "other")
    assert model.flags["ctx-size"] == "131072" and model.flags["flash-attn"] is True
    absolute = [str(Path(name).absolute()) for name in ("/data/models/a.gguf", "/b.gguf")]
    assert model.flags["lora"] == ",".join(absolute)
    assert model.request["temperature"] == 0.7 and model.request["logit_bias"] == {"5": 131072}
    assert model.request["stop"] == ["${name}"], "a second $ says: the text itself"
    assert model.env == {"HF_HOME": "/data/models/hf"}
    assert read.slots["primary"].model == "qwen" and read.slots["primary"].idle_unload == 131072.0
    assert read.model_dirs == (Path("/data/models").absolute(),)
    assert read.vars["file"] == "/data/models/qwen.gguf" and read.vars["on_gpu"] is True
    assert parse(FILE).hints == ()


@pytest.mark.parametrize(
    ("text", "line", "key", "told"),
    [
        ("vars: {big: 1}\nlimits: {queue: '${bgi}'}", 2, "limits.queue", "is no variable ${bgi}; name it"),
        ("limits:\n  queue: ${big}", 2, "limits.queue", "there is no variable ${big}"),
        ("models:\n  a:\n    file: ${gone}", 3, "models.a.file", "there is no variable ${gone}"),
        ("vars: {a: x}\nmodels:\n  a: {file: f, aliases: ['${b}']}", 3, "models.a.aliases[0]", "no variable"),
        ("vars:\n  a: ${b}\n  b: ${c}!\n  c: ${a}", 2, "vars.a", "refers to itself (a → b → c → a)"),
        ("vars: {a: 'x${a}'}", 1, "vars.a", "refers to itself (a → a)"),
        ("vars: {a: x}\nmodels:\n  '${a}': {file: f}", 3, "models.${a}", "into values, not into names"),
        ("vars: {a: [1]}", 1, "vars.a", "must be a text, a number, true or false, not a list"),
        ("vars: {a: }", 1, "vars.a", "not nothing"),
        ("vars: {1a: 2}", 1, "vars.1a", "is no name of a variable"),
        ("vars: [a]", 1, "vars", "must be a mapping of names to values, not a list"),
        ("vars: {a: word}\nlimits: {queue: '${a}'}", 2, "limits.queue", 'not the text "word" of ${a}'),
        ("vars: {a: '5'}\nlimits: {queue: '${a}'}", 2, "limits.queue", "write it without quotes"),
        ("vars: {a: k4711}\nserver: {api_keys: ['${a}']}", 2, "server.api_keys", "write env:NAME"),
        ("vars: {a: 1}\nlimits: {queue: ${a}}", 2, "", 'a variable stands in quotes, "${name}"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_once_with_its_line(text: str, line: int, key: str, told: str) -> None:
    found = only_problem(text)
    assert (found.line, found.key) == (line, key) and told in found.message, str(found)
    assert "k4711" not in str(found)


def test_the_nearest_one_is_named() -> None:
    assert only_problem("vars: {big: 1}\nlimits: {queue: '${bgi}'}").suggestion == "${big}"


def test_a_key_may_hold_what_looks_like_one() -> None:
    text = "server: {api_keys: ['x${unknown}y']}\nvars: {a: 1}\nlimits: {queue: '${a}'}"
    assert config(text).server.api_keys == ("x${unknown}y",)
    assert "unknown" not in hide_keys(text)


def test_one_that_nothing_refers_to_is_a_hint() -> None:
    read = parse("vars:\n  a: 1\n  b: 2\nx-y: ${z}\nlimits: {queue: '${a}'}")
    (hint,) = read.hints
    assert (hint.line, hint.key) == (3, "vars.b") and "is used nowhere" in hint.message


def test_those_that_repeat_others_do_not_grow_for_ever() -> None:
    text = "vars:\n  a0: " + "x" * 100 + "".join(f"\n  a{n}: ${{a{n - 1}}}${{a{n - 1}}}" for n in range(1, 40))
    assert any("is longer than 20000 characters" in problem.message for problem in problems(text))


# -- edits ----------------------------------------------------------------------------------------------------


def edited(*changes: tuple[str, object]) -> str:
    """FILE after `changes` of what is at a dotted path."""
    return apply_changes(FILE, [ConfigChange(tuple(path.split(".")), value) for path, value in changes])


FLAGS = {"ctx-size": 131072, "flash-attn": True, "lora": ["/data/models/a.gguf", "/b.gguf"]}


def test_what_means_the_same_stays_as_it_is_written() -> None:
    model = config(FILE).models["qwen"]
    assert edited(
        ("models.qwen.file", "/data/models/qwen.gguf"),
        ("models.qwen.flags", FLAGS),
        ("models.qwen.request", dict(model.request)),
        ("slots.primary.idle_unload", 131072),
        ("model_dirs", ["/data/models"]),
        ("vars.file", "/data/models/qwen.gguf"),
    ) == FILE  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("models.qwen.flags.ctx-size", 4096, "ctx-size: ${big}", "ctx-size: 4096"),
        ("models.qwen.flags.parallel", 4, 'gguf"]  # both\n', 'gguf"]  # both\n      parallel: 4\n'),
        ("models.qwen.aliases", ["qwen-big", "other", "new"], '-big", other]', '-big", other, new]'),
        ("models.qwen.aliases", ["other", "qwen-big"], '["${name}-big", other]', '[other, "${name}-big"]'),
        ("vars.big", 65536, "big: 131072", "big: 65536"),
        ("slots.primary", {"model": "qwen", "idle_unload": 60}, '"${big}"}\nmodel_dirs', '60}\nmodel_dirs'),
        ("models.qwen.request.temperature", 0.2, '"${warm}"', "0.2"),
    ],
)  # fmt: skip
def test_only_what_is_changed_is_rewritten(path: str, value: object, old: str, new: str) -> None:
    after = edited((path, value))
    assert FILE.count(old) == 1
    wanted = FILE.replace(old, new)
    assert after.replace("'", '"') == wanted, after


def test_an_entry_can_be_removed_around_them() -> None:
    after = apply_changes(FILE, [ConfigChange(("models", "qwen", "flags", "flash-attn"), REMOVE)])
    assert after == FILE.replace("      flash-attn: ${on_gpu}\n", "")


# -- the schema, and anything at all ---------------------------------------------------------------------------


def test_editors_mark_nothing() -> None:
    assert refused(FILE) == []
    assert (
        refused("vars: {a: 1}\nengine: {ports: ['${a}', 9000]}\nmemory: {headroom: '${a}'}\nupdates: '${a}'")
        == []
    )
    assert refused("vars: {a: [1]}") and refused("vars: {a b: 1}")
    assert refused("limits: {queue: '$${a}'}"), "that is a text"
    assert json_schema()["properties"]["vars"]["description"]


PIECES = st.text("ab${}$c", max_size=8)


@given(st.dictionaries(st.sampled_from("abc"), PIECES, max_size=3), PIECES)
def test_any_text_is_read_or_told_of(shared: dict[str, str], text: str) -> None:
    """Whatever refers to whatever: it ends, and a file without problems holds no reference any more."""
    lines = [f"  {name}: '{value}'" for name, value in shared.items()]
    file = "\n".join(["vars:", *lines, "models:", f"  m: {{file: f, display_name: 'x{text}'}}"])
    if not problems(file):
        shown = config(file).models["m"].display_name or ""
        plain = text.replace("$${", "")
        assert ("${" in shown) <= ("$${" in file or not any(f"${{{n}}}" in plain for n in shared))
