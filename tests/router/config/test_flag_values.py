"""Numbers, lists and paths among the flags: right, or refused with line, key and the right spelling."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from router.config.flag_paths import missing_files
from router.config.flag_values import LISTS, NUMBER_LISTS, NUMBERS
from router.config.flags import PATH_FLAGS, flag_name, managed_reason
from router.engine.options import EngineOptions, read_options
from tests.homes import home_variables
from tests.router.config.reading import FOLDER, config, only_problem, problems


def flags(text: str) -> Mapping[str, str | bool]:
    return config(f"models:\n  m:\n    file: m.gguf\n    flags: {{{text}}}\n").models["m"].flags


def refusal(text: str, key: str) -> str:
    problem = only_problem(f"models:\n  m:\n    file: m.gguf\n    flags:\n      {text}\n")
    assert (problem.line, problem.key) == (5, f"models.m.flags.{key}")
    return problem.message


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        *(("32k", "32768"), ("32K", "32768"), ("32 k", "32768"), ("32Ki", "32768"), ("'32k'", "32768")),
        *(("1m", "1048576"), ("65_536", "65536"), ("0x800", "2048"), ("'0x800'", "2048"), ("+5", "5")),
        *(("' 4096 '", "4096"), ("007", "007"), ("'65536'", "65536")),
    ],
)
@pytest.mark.parametrize("key", ["ctx-size", "batch-size", "n_predict", "LLAMA_ARG_UBATCH", "ctxSize", "-c"])
def test_a_size_that_can_only_mean_one_number_is_understood_everywhere(
    key: str, written: str, understood: str
) -> None:
    """Row 14."""
    assert flags(f"{key}: {written}") == {flag_name(key): understood}


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("timeout: 10m", {"timeout": "600"}),
        ("timeout: 90 s", {"timeout": "90"}),
        ("timeout: 600", {"timeout": "600"}),
        ("ctk: Q8_0", {"cache-type-k": "q8_0"}),
        ("pooling: Mean", {"pooling": "mean"}),
        ("split_mode: Row", {"split-mode": "row"}),
        ("ngl: All", {"n-gpu-layers": "all"}),
        ("chat-template: ChatML", {"chat-template": "ChatML"}),
    ],
)
def test_times_and_words_are_understood(written: str, understood: dict[str, str]) -> None:
    """llama-server would wait ten million seconds, and compares its words letter by letter."""
    assert flags(written) == understood


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("'65,536'", "would only read 65; write 65536"),
        ("65.536", "would only read 65; write 65536"),
        ("65 536", "write 65536"),
        ("65'536", "write 65536"),
        ("1e5", "write 100000"),
        ("32768.0", "write 32768"),
        ("0o17", "write 15"),
        ("017", "write 17"),
        ("32k tokens", "write 32768"),
        *((text, "must be a whole number of at least 0") for text in ("-1", "0x", "1.5.2", "1:30")),
        *((text, "must be a whole number of at least 0") for text in ("nan", ".inf", "32kB", "8GiB")),
        *((text, "must be a whole number of at least 0") for text in ("yes", "off", "true", "2026-11-27")),
        *(
            (f"{text}", "must be a whole number of at least 0")
            for text in ("k", "-5k", "9999999999", "4294967296")
        ),
        ("1" + "0" * 30, "must be a whole number"),
        ("1" + "0" * 300, "must be a whole number"),
        ("'\u0663\u0662'", "write 32"),
        ("[1, 2]", "not a list"),
        ("{a: 1}", "not a mapping"),
        ("~", "nothing stands there"),
        ("", "nothing stands there"),
        ('""', "must be a whole number"),
    ],
)
def test_what_llama_server_would_cut_short_is_refused_with_the_right_spelling(written: str, part: str) -> None:
    """Row 14: line, key, what would have been read, what to write."""
    assert part in refusal(f"ctx-size: {written}", "ctx-size")


@pytest.mark.parametrize(
    ("flag", "part"),
    [
        ("temp: '0,7'", "would only read 0; write 0.7"),
        ("temp: 1.5.2", "must be a number of at least 0"),
        ("temp: -1", "must be a number of at least 0"),
        ("temp: nan", "must be a number"),
        ("temp: 1e400", "must be"),
        ("temp: \u22120.5", "must be a number"),
        ("yarn-ext-factor: \u22121", "write -1"),
        ("top_p: 95", "from 0 to 1"),
        ("batch-size: 0", "at least 1"),
        ("batch-size: 2KB", "write 2048"),
        ("parallel: 1000", "from -1 to 256"),
        ("np: 0", "but not 0"),
        ("ngl: max", "or auto or all"),
        ("n-gpu-layers: on", 'or auto or all, not "on"'),
        ("seed: 5000000000", "from -1 to 4294967295"),
        ("cache-ram: lots", "or an amount such as 8GiB"),
        ("cache-ram: 8k", "or an amount such as 8GiB"),
        ("tensor-split: 3;1", "must be a number"),
        ("tensor-split: [3, x]", "must be a number"),
        ("dry-sequence-breaker: [a, b]", "takes one value, not a list"),
    ],
)
def test_each_kind_of_number_has_its_bounds(flag: str, part: str) -> None:
    """Row 14: also fractions, words and lists; `batch-size: 0` and negative contexts abort llama-server."""
    assert part in refusal(flag, flag.partition(":")[0])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("temp: '0.8 '", {"temp": "0.8"}),
        ("temp: .7", {"temp": ".7"}),
        ("ngl: all", {"n-gpu-layers": "all"}),
        ("ngl: -1", {"n-gpu-layers": "-1"}),
        ("cache-ram: 8GiB", {"cache-ram": "8192"}),
        ("cache-ram: 512", {"cache-ram": "512"}),
        ("cache-ram: -1", {"cache-ram": "-1"}),
        ("fit-target: [1GiB, 512]", {"fit-target": "1024,512"}),
        ("tensor-split: '3,1'", {"tensor-split": "3,1"}),
        ("samplers: [top_k, temperature]", {"samplers": "top_k;temperature"}),
        ("ot: ['a=CPU', 'b=CPU']", {"override-tensor": "a=CPU,b=CPU"}),
        ("control-vector-layer-range: [1, 4]", {"control-vector-layer-range": "1,4"}),
        ("num_ctx: 8k", {"ctx-size": "8192"}),
        ("ctx-size: 0", {"ctx-size": "0"}),
        ("no-webui: on, offline: true, ui: off", {}),
    ],
)
def test_what_is_right_stays(written: str, expected: dict[str, str]) -> None:
    """Row 14."""
    assert flags(written) == expected


def test_every_wrong_number_is_told_at_once() -> None:
    """Rows 14 and 28."""
    text = "models:\n  m:\n    file: m.gguf\n    flags:\n      ctx-size: 65,536\n      temp: 0,7\n      b: -1\n"
    assert [(problem.line, problem.key) for problem in problems(text)] == [
        (5, "models.m.flags.ctx-size"), (6, "models.m.flags.temp"), (7, "models.m.flags.b"),
    ]  # fmt: skip


class TestWhatTheKindSays:
    """`embeddings: on` is what hal0 does by itself for a model of that kind."""

    @pytest.mark.parametrize(
        ("kind", "flag", "kept"),
        [
            ("kind: embedding,", "embeddings: on", {}),
            ("kind: embedding,", "embedding:", {}),
            ("kind: rerank,", "reranking: true", {}),
            ("kind: chat,", "embeddings: off", {}),
            ("", "embeddings: on", {"embeddings": True}),  # seen when the file is known
        ],
    )
    def test_what_it_says_anyway_is_no_problem(self, kind: str, flag: str, kept: dict[str, bool]) -> None:
        text = f"models:\n  m: {{file: m.gguf, {kind} flags: {{{flag}}}}}\n"
        assert config(text).models["m"].flags == kept

    @pytest.mark.parametrize("flag", ["embeddings: on", "reranking: on", "host: off", "embeddings: 7"])
    def test_what_contradicts_it_is(self, flag: str) -> None:
        text = f"models:\n  m: {{file: m.gguf, kind: chat, flags: {{{flag}}}}}\n"
        assert "hal0's to set" in only_problem(text).message


def request(text: str) -> str:
    """What is wrong with a default for every request."""
    problem = only_problem(f"models:\n  m:\n    file: m.gguf\n    request:\n      {text}\n")
    assert (problem.line, problem.key) == (5, f"models.m.request.{text.partition(':')[0]}")
    return problem.message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("temperature: 0,7", "write 0.7"),
        ("temperature: '0.7'", "write 0.7, without quotes"),
        ("temperature: -1", "at least 0"),
        ("temperature: yes", 'must be a number of at least 0, not "yes"'),
        ("top_k: [40]", "not a list"),
        ("top_k: 40.5", "must be a whole number"),
        ("max_tokens: 1e4", "write 10000"),
        ("cache_prompt: 1", "must be true or false"),
        ("chat_template_kwargs: thinking", "must be a mapping"),
        ("top-p: 0.9", "write top_p"),
        ("temp: 0.7", "write temperature"),
        ("repetition_penalty: 1.1", "write repeat_penalty"),
        ("num_ctx: 8192", "write ctx-size under flags:"),
        ("ctx-size: 8192", "write ctx-size under flags:"),
    ],
)
def test_a_default_for_requests_that_the_engine_would_refuse_or_ignore_is_told(text: str, part: str) -> None:
    """Row 14: `request:` in JSON's types."""
    assert part in request(text)


def test_right_defaults_for_requests_stay() -> None:
    text = "request: {temperature: 0.60, top_k: 20, max_tokens: 4k, seed: -1, stop: [a], whatever: [1, '2']}"
    assert config(f"models:\n  m: {{file: m.gguf, {text}}}\n").models["m"].request == {
        "temperature": 0.6, "top_k": 20, "max_tokens": 4096, "seed": -1, "stop": ["a"], "whatever": [1, "2"],
    }  # fmt: skip


@pytest.mark.parametrize("section", ["flags: {temp: 0,7}", "request: {temperature: 0,7}"])
def test_a_comma_that_ends_a_value_is_told(section: str) -> None:
    """Row 14: for YAML that is `temp: 0`, and a key called 7."""
    found = only_problem(f"models:\n  m: {{file: m.gguf, {section}}}\n")
    assert found.key.endswith(".7") and "with a point" in found.message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("limits: {wait: 2m}", 'not the text "2m"; write 120'),
        ("slots: {a: {idle_unload: 1.5 h}}", "write 5400"),
        ("slots: {a: {drain_timeout: 30s}}", "write 30"),
        ("slots: {a: {idle_unload: '1,5'}}", "write 1.5"),
        ("slots: {a: {idle_unload: nan}}", "must be a number of seconds"),
        ("slots: {a: {priority: 1:30}}", "must be a whole number"),
        ("limits: {queue: 1k}", "write 1024"),
        ("server: {port: 8,080}", "is not a setting"),
        ("server: {port: '8,080'}", "write 8080"),
        ("memory: {headroom: '1,5GiB'}", "write 1.5GiB"),
        ("memory: {headroom: 512}", "is an amount of 512 bytes; write 512MiB"),
        ("memory: {headroom: 0.5}", "is an amount of 0 bytes; write 0.5MiB"),
    ],
)
def test_other_numbers_say_the_right_spelling_too(text: str, part: str) -> None:
    """Row 14."""
    assert any(part in problem.message for problem in problems(text)), problems(text)


class TestPaths:
    """Row 24."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name, value in home_variables(tmp_path).items():
            monkeypatch.setenv(name, value)
        for name in ("a.gguf", "b.gguf", "a,b.gguf", "x=y {z}.gguf", "co:lon.gguf"):
            (tmp_path / name).touch()
        return tmp_path

    def read(self, folder: Path, text: str) -> Mapping[str, str | bool]:
        written = f"model_dirs: [{folder}]\nmodels:\n  m: {{file: a.gguf, flags: {{{text}}}}}\n"
        return config(written).models["m"].flags

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("lora-scaled: 'a.gguf:0.5'", "{0}/a.gguf:0.5"),
            ("lora-scaled: '~/a.gguf:0.5, b.gguf:-1'", "{0}/a.gguf:0.5,{0}/b.gguf:-1"),
            ("lora-scaled: ['a.gguf:0.5', 'a,b.gguf:1']", '{0}/a.gguf:0.5,"{0}/a,b.gguf:1"'),
            ("lora-scaled: {a.gguf: 0.5, b.gguf: 1}", "{0}/a.gguf:0.5,{0}/b.gguf:1"),
            ("control_vector_scaled: 'a.gguf:.8'", "{0}/a.gguf:.8"),
            ("lora: 'a,b.gguf'", '"{0}/a,b.gguf"'),
            ("lora: 'a.gguf, b.gguf'", "{0}/a.gguf,{0}/b.gguf"),
            ("lora: ['a,b.gguf', b.gguf]", '"{0}/a,b.gguf",{0}/b.gguf'),
            ("mmproj: 'a,b.gguf'", "{0}/a,b.gguf"),
            ("mmproj: 'x=y {{z}}.gguf'", "{0}/x=y {{z}}.gguf"),
            ("mmproj: 'co:lon.gguf'", "{0}/co:lon.gguf"),
            ("mm: '~/a.gguf'", "{0}/a.gguf"),
        ],
    )
    def test_every_flag_that_takes_a_path_resolves_it(self, folder: Path, written: str, expected: str) -> None:
        (value,) = self.read(folder, written.replace("{{", "{").replace("}}", "}")).values()
        assert str(value).replace(os.sep, "/") == expected.format(folder.as_posix())

    @pytest.mark.parametrize(
        ("written", "part"),
        [
            ("lora-scaled: a.gguf", "must be FILE:SCALE"),
            ("lora-scaled: 'a.gguf:0,5'", "must be FILE:SCALE"),
            ("lora-scaled: 'a.gguf:half'", "the scale after the last colon must be a number"),
            ("lora-scaled: 'C:\\x.gguf:0.5'", "the path itself holds a colon"),
            ("lora-scaled: 'co:lon.gguf:0.5'", "the path itself holds a colon"),
            ("mmproj: [a.gguf, b.gguf]", "must be a path, not a list"),
            ("mmproj: ", "must be a path, not nothing"),
            ("mmproj: off", "must be a path"),
            ("lora: [~]", "each entry must be a path"),
        ],
    )
    def test_what_cannot_be_a_path_is_told(self, written: str, part: str) -> None:
        assert part in refusal(written, written.partition(":")[0])

    def test_what_is_missing_is_found_again_in_what_the_engine_is_given(self, folder: Path) -> None:
        read = self.read(folder, "lora-scaled: ['a,b.gguf:1', 'gone.gguf:1'], mmproj: 'no,such', lora: b.gguf")
        missing = [(name, path.name) for name, path in missing_files(read)]
        assert missing == [("lora-scaled", "gone.gguf"), ("mmproj", "no,such")]

    def test_files_that_the_engine_makes_are_not_missed(self) -> None:
        assert missing_files({"log-prompts-dir": "/nowhere/x", "lookup-cache-dynamic": "/nowhere/y"}) == []

    def test_a_relative_path_starts_at_the_configuration(self) -> None:
        assert flags("slot-save-path: saved") == {"slot-save-path": str(FOLDER / "saved")}


class TestTheEngine:
    """What llama-server says of its options (`--help`) agrees with our tables."""

    @pytest.fixture
    async def options(self, llama_server: Path) -> EngineOptions:
        return await read_options(llama_server)

    async def test_every_number_is_known(self, options: EngineOptions) -> None:
        for option in options.options:
            name = flag_name(option.long)
            if option.number and not managed_reason(name):
                assert name in NUMBERS, option.names
        for name in (*NUMBERS, *NUMBER_LISTS, *LISTS):
            assert options.find(name) is not None, name

    async def test_every_path_is_known(self, options: EngineOptions) -> None:
        hints = re.compile(r"(FNAME|FILE|PATH|DIR|JINJA_TEMPLATE_FILE)(:SCALE,\.\.\.)?")
        for option in options.options:
            name = flag_name(option.long)
            if option.value_hint and hints.fullmatch(option.value_hint) and not managed_reason(name):
                flag = PATH_FLAGS[name]
                assert flag.scaled == ("SCALE" in option.value_hint), name
                assert flag.several == ("comma-separated" in option.description), name

    async def test_every_list_is_known(self, options: EngineOptions) -> None:
        for option in options.options:
            name = flag_name(option.long)
            listed = ",..." in (option.value_hint or "") or "comma-separated" in option.description
            if listed and not managed_reason(name):
                assert name in LISTS or name in NUMBER_LISTS or PATH_FLAGS[name].several, name

    async def test_every_variable_of_its_environment_is_a_spelling(self, options: EngineOptions) -> None:
        """Row 28: `LLAMA_ARG_CTX_SIZE`, as docker-compose files have it."""
        for option in options.options:
            if found := re.search(r"\(env: (LLAMA_ARG_\w+)\)", option.description):
                assert options.find(flag_name(found[1])) is option, found[1]
