"""`models` and `slots`, one rule at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config.schema import SwitchPolicy
from tests.router.config.reading import FOLDER, SOURCE, config, only_problem, parse, problems


def slot(body: str) -> str:
    return f"slots:\n  primary: {{{body}}}\n"


def model(body: str) -> str:
    return f"models:\n  m: {{file: m.gguf, {body}}}\n"


@pytest.mark.parametrize(
    ("text", "key", "part"),
    [
        (slot("switch: off"), "slots.primary.switch", 'on_request, manual, not "off"'),
        (slot("switch: on-request"), "slots.primary.switch", "on_request"),
        (slot("kind: []"), "slots.primary.kind", "not a list"),
        (slot("autoload: 1"), "slots.primary.autoload", "true or false"),
        (slot("autoload: 'true'"), "slots.primary.autoload", "write it without quotes"),
        (slot("idle_unload: -1"), "slots.primary.idle_unload", "from 0"),
        (slot("drain_timeout: -0.5"), "slots.primary.drain_timeout", "from 0"),
        (slot("drain_timeout: true"), "slots.primary.drain_timeout", "number of seconds"),
        (slot("model: [a]"), "slots.primary.model", "must be text"),
        (slot("models: a"), "slots.primary.models", "must be a list"),
        (slot("models: []"), "slots.primary.models", "empty list"),
        (slot("model: a, models: [b]"), "slots.primary.model", "not in models:"),
        (slot("command: 'run --port {port}', models: [a]"), "slots.primary.models", "beside command:"),
        (slot("command: 'run --port {port}', model: a"), "slots.primary.model", "beside command:"),
        (slot("command: 'run --port 80'"), "slots.primary.command", "must contain {port}"),
        (slot("command: 'run {port} {host}'"), "slots.primary.command", "{host} is not a placeholder"),
        (slot("command: '{port}'"), "slots.primary.command", "begin with the program"),
        (slot("""command: "run '{port}" """), "slots.primary.command", "no closing quotation"),
        (slot("stop: docker stop x"), "slots.primary.stop", "beside command: alone"),
        (slot("command: 'run {port}', stop: 'kill {id}'"), "slots.primary.stop", "{id} is not a placeholder"),
        (slot("command: 'run {port}', stop: '{pid}'"), "slots.primary.stop", "begin with the program"),
        (slot("health: health"), "slots.primary.health", 'begins with "/"'),
        ("slots:\n  a/b: {}\n", "slots.a/b", "letters, digits"),
        ("slots:\n  a:b: {}\n", "slots.a:b", "letters, digits"),
        ("slots:\n  primary: chat\n", "slots.primary", "must be a mapping"),
        ("models:\n  m: m.gguf\n", "models.m", "must be a mapping"),
        ("models:\n  m: {}\n", "models.m.file", "is missing"),
        ("models:\n  m: {file: ''}\n", "models.m.file", "must be text, not empty"),
        ("models:\n  m m: {file: x}\n", "models.m m", "must not hold spaces"),
        (model("kind: embeding"), "models.m.kind", "must be one of"),
        (model("aliases: [a b]"), "models.m.aliases", "must not hold spaces"),
        (model("aliases: ['']"), "models.m.aliases", "each entry must be text"),
        (model("aliases: [a, a]"), "models.m.aliases", "already an alias"),
        (model("aliases: [m]"), "models.m.aliases", "already the model"),
        (model('display_name: "a\\nb"'), "models.m.display_name", "on one line"),
        (model("flags: [ctx-size]"), "models.m.flags", "must be a mapping"),
        (model("flags: --ctx-size 4096 -ngl 99 -fa"), "models.m.flags", "99, flash-attn: true}"),
        (model("flags: [--ctx-size, 4096, --temp=0.7]"), "models.m.flags", "{ctx-size: 4096, temp: 0.7}"),
        (model("flags: [ctx-size: 4096, temp: 1]"), "models.m.flags", "write {ctx-size: 4096, temp: 1}"),
        (model("flags: --host 0.0.0.0 -s -1"), "models.m.flags", "write {seed: -1}"),
        (model("flags: {'--ctx-size=4096': true}"), "models.m.flags.--ctx-size=4096", "write ctx-size: 4096"),
        (model("flags: {-ngl 99: }"), "models.m.flags.-ngl 99", "write n-gpu-layers: 99"),
        (model("flags: {stop: x}"), "models.m.flags.stop", "write stop under request: of the model"),
        (model("flags: {mmproj: no}"), "models.m.flags.mmproj", "write no-mmproj: true"),
        (model("flags: {c: 1, n_ctx: 2}"), "models.m.flags.n_ctx", 'the same flag as "c" on line 2'),
        (model("flags: {port: 1}"), "models.m.flags.port", "hal0 chooses the engine's address"),
        (model("flags: {ctx-size: [[1]]}"), "models.m.flags.ctx-size", "may only hold text and numbers"),
        (model("flags: {json-schema: {a: 1e999}}"), "models.m.flags.json-schema", "too large"),
        (model("request: {stream: true}"), "models.m.request.stream", "only come from the client"),
        (model("request: {a: [1, {b: 1e999}]}"), "models.m.request.a", "too large"),
        (model("request: {strip: [top_k, model]}"), "models.m.request.strip", "only come from the client"),
        (model("request: {strip: [top-k]}"), "models.m.request.strip", "write top_k"),
        (model("request: {strip: top_k}"), "models.m.request.strip", "must be a list"),
        (
            model("request: {force: {stream: true}}"),
            "models.m.request.force.stream",
            "only come from the client",
        ),
        (model("request: {force: {top_k: '5'}}"), "models.m.request.force.top_k", "without quotes"),
        (model("request: {force: [top_k]}"), "models.m.request.force", "must be a mapping"),
        (model("metadata: 5"), "models.m.metadata", "must be a mapping"),
        (model("metadata: {a: [1e999]}"), "models.m.metadata.a", "too large"),
        (model("capabilities: [Vision]"), "models.m.capabilities", "in small letters"),
        (model("limit: -1"), "models.m.limit", "from 0"),
        (model("request: 5"), "models.m.request", "must be a mapping"),
    ],
)
def test_each_rule_names_its_key(text: str, key: str, part: str) -> None:
    problem = only_problem(text)
    assert (problem.line, problem.key) == (2, key)
    assert part in problem.message


@pytest.mark.parametrize(
    ("written", "suggestion"), [("on-request", "on_request"), ("On_Request", "on_request"), ("manul", "manual")]
)
def test_the_nearest_policy_is_suggested(written: str, suggestion: str) -> None:
    assert only_problem(slot(f"switch: {written}")).suggestion == suggestion


class TestNames:
    def test_a_slot_may_not_be_called_like_a_model(self) -> None:
        problem = only_problem("models:\n  primary: {file: x}\nslots:\n  primary: {}\n")
        assert (problem.line, problem.key) == (4, "slots.primary")
        assert '"primary" is already the model "primary" (line 2)' in problem.message

    def test_a_slot_may_not_be_called_like_an_alias(self) -> None:
        problem = only_problem("models:\n  m: {file: x, aliases: [fast]}\nslots:\n  fast: {}\n")
        assert 'already an alias of "m"' in problem.message

    def test_two_models_may_not_share_an_alias(self) -> None:
        problem = only_problem("models:\n  a: {file: x, aliases: [z]}\n  b: {file: x, aliases: [z]}\n")
        assert (problem.line, problem.key) == (3, "models.b.aliases")

    def test_an_alias_may_not_be_another_models_id(self) -> None:
        assert (
            'the model "b"' in only_problem("models:\n  a: {file: x, aliases: [b]}\n  b: {file: x}\n").message
        )

    def test_a_duplicate_key_names_both_lines(self) -> None:
        problem = only_problem("models:\n  a: {file: x}\n  b: {file: x}\n  a: {file: y}\n")
        assert (problem.line, problem.key) == (4, "models.a")
        assert "lines 2 and 4" in problem.message

    def test_names_are_text_as_written(self) -> None:
        read = config(
            "models:\n  27: {file: 1.0, aliases: [on, 1e3], display_name: No}\nslots:\n  off: {model: 27}\n"
        )
        assert read.models["27"].aliases == ("on", "1e3")
        assert (read.models["27"].file, read.models["27"].display_name) == ("1.0", "No")
        assert read.slots["off"].model == "27"


class TestSlots:
    def test_an_alias_becomes_the_models_id(self) -> None:
        text = (
            "models:\n  m: {file: x, aliases: [fast]}\nslots:\n  a: {model: fast, models: [m, fast, other]}\n"
        )
        assert (config(text).slots["a"].model, config(text).slots["a"].models) == ("m", ("m", "other"))

    def test_models_left_out_means_all(self) -> None:
        assert config("slots: {a: {model: x}}").slots["a"].models is None

    @pytest.mark.parametrize("field", ["model: e", "models: [e]"])
    def test_a_named_model_of_another_kind_is_refused(self, field: str) -> None:
        problem = only_problem(f"models:\n  e: {{file: x, kind: embedding}}\nslots:\n  a: {{{field}}}\n")
        assert '"e" is a model for embedding, and this slot is for chat' in problem.message

    def test_values(self) -> None:
        read = config(
            slot("switch: manual, pinned: yes, autoload: on, idle_unload: 600, drain_timeout: 0")
        ).slots
        primary = read["primary"]
        assert (primary.switch, primary.pinned, primary.autoload) == (SwitchPolicy.MANUAL, True, True)
        assert (primary.idle_unload, primary.drain_timeout) == (600.0, 0.0)

    def test_a_command_over_several_lines(self) -> None:
        text = "slots:\n  stt:\n    kind: stt\n    command: >\n      whisper-server\n      --port {port}\n"
        assert config(text).slots["stt"].command == "whisper-server --port {port}"


class TestAnchors:
    TEXT = """\
models:
  base: &base
    file: x.gguf
    flags: &flags {ctx-size: 4096, flash-attn: on}
  long:
    <<: *base
    flags: {<<: *flags, ctx-size: 65536}
"""

    def test_merge_keys_work_and_own_values_win(self) -> None:
        read = config(self.TEXT)
        assert read.models["long"].file == "x.gguf"
        assert read.models["long"].flags == {"ctx-size": "65536", "flash-attn": True}
        assert read.models["base"].flags["ctx-size"] == "4096"

    def test_the_first_of_several_merged_mappings_wins(self) -> None:
        text = "limits: {<<: [{queue: 1}, {queue: 2, wait: 9}]}"
        assert (config(text).limits.queue, config(text).limits.wait) == (1, 9.0)

    def test_a_mistake_in_what_is_shared_is_told_where_it_stands(self) -> None:
        text = """\
x-usual:
  flags: &flags
    ctx-size: 4096
    n-gpu-layers: -5x
  env: &env {GPUS: "0,1", LLAMA_ARG_PORT: 1}
models:
  a:
    file: a.gguf
    flags: *flags
  b:
    file: b.gguf
    flags: {<<: *flags, ctx-size: 1.5}
    env: *env
"""
        found = [(problem.line, problem.key) for problem in problems(text)]
        assert found == [
            (4, "models.a.flags.n-gpu-layers"),
            (4, "models.b.flags.n-gpu-layers"),
            (5, "models.b.env.LLAMA_ARG_PORT"),
            (12, "models.b.flags.ctx-size"),
        ]

    def test_only_mappings_can_be_merged(self) -> None:
        assert "<< can only merge mappings" in only_problem("limits: {<<: 5}").message


class TestFlags:
    def test_numbers_and_words_stay_as_written(self) -> None:
        text = "flags: {temp: 0.60, rope-freq-base: 1e6, tensor-split: '3,1', seed: 007, ts: 12:30}"
        found = only_problem(model(text))
        assert 'same flag as "tensor-split"' in found.message
        read = config(model(text.replace(", ts: 12:30", ", split-mode: none, device: 12:30"))).models["m"].flags
        assert read == {
            "temp": "0.60",
            "rope-freq-base": "1e6",
            "tensor-split": "3,1",
            "seed": "007",
            "split-mode": "none",
            "device": "12:30",
        }

    def test_what_the_engines_number_parser_cannot_read_is_rewritten(self) -> None:
        flags = config(model("flags: {ctx-size: 65_536, batch-size: 0x800}")).models["m"].flags
        assert flags == {"ctx-size": "65536", "batch-size": "2048"}

    def test_lists_bare_flags_and_json(self) -> None:
        text = (
            "flags: {ts: [3, 1.5], swa-full: , cb: no, chat-template-kwargs: {enable_thinking: false, n: [1]}}"
        )
        assert config(model(text)).models["m"].flags == {
            "tensor-split": "3,1.5",
            "swa-full": True,
            "cont-batching": False,
            "chat-template-kwargs": '{"enable_thinking":false,"n":[1]}',
        }

    def test_path_flags_are_absolute(self, tmp_path: Path) -> None:
        (tmp_path / "proj.gguf").touch()
        text = f"model_dirs: [{tmp_path}]\n" + model("flags: {mm: proj.gguf, lora: 'near.gguf,~/far.gguf'}")
        flags = config(text).models["m"].flags
        assert flags["mmproj"] == str(tmp_path / "proj.gguf")
        assert flags["lora"] == f"{FOLDER / 'near.gguf'},{Path.home() / 'far.gguf'}"

    def test_an_endless_path_is_only_not_found(self) -> None:
        flags = config(model(f"flags: {{mmproj: {'x' * 5000}}}")).models["m"].flags
        assert str(flags["mmproj"]).startswith(str(SOURCE.parent))


def test_several_problems_in_one_model_all_appear() -> None:
    found = problems("models:\n  m:\n    flags: {host: x, api_key: y}\n    knd: chat\n")
    assert [problem.key for problem in found] == [
        "models.m.file",
        "models.m.flags.host",
        "models.m.flags.api_key",
        "models.m.knd",
    ]


def test_request_is_passed_on_as_it_is() -> None:
    text = model("request: {stop: [a, 'on'], logit_bias: {5: 1e-3}, cache_prompt: on, n: ~}")
    assert parse(text).config.models["m"].request == {
        "stop": ["a", "on"],
        "logit_bias": {"5": 0.001},
        "cache_prompt": True,
        "n": None,
    }
