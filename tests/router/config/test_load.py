"""hal0.yaml as a whole: what is accepted, what the defaults are, and how errors are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.base.paths import Paths
from router.config.default import default_model_dirs
from router.config.load import (
    ConfigErrors,
    ParsedConfig,
    check_references,
    load_config,
    parse_config,
    parse_file,
)
from router.config.schema import Config, EngineConfig, Kind, LimitsConfig, ServerConfig, SwitchPolicy
from tests.homes import home_variables
from tests.router.config.reading import EXAMPLE, FOLDER, PATHS, SOURCE, config, only_problem, parse, problems


def test_every_key_of_the_format_is_accepted() -> None:
    read = config(EXAMPLE)

    assert read.server == ServerConfig("127.0.0.1", 8080, ())
    assert read.engine == EngineConfig(None, (8101, 8199))
    assert read.model_dirs == (Path.home() / "models",)
    model = read.models["qwen3.6-27b-thinking"]
    assert (model.file, model.kind, model.aliases) == ("Qwen3.6-27B-Q4_K_M.gguf", Kind.CHAT, ("thinking",))
    assert model.display_name == "Qwen3.6 27B thinking"
    assert model.flags == {"ctx-size": "65536", "flash-attn": True, "cache-type-k": "q8_0"}
    assert model.request == {
        "temperature": 0.6,
        "top_p": 0.95,
        "chat_template_kwargs": {"enable_thinking": True},
    }
    primary = read.slots["primary"]
    assert (primary.kind, primary.model, primary.models) == (Kind.CHAT, model.id, (model.id,))
    assert (primary.autoload, primary.switch, primary.pinned) == (True, SwitchPolicy.ON_REQUEST, False)
    assert (primary.idle_unload, primary.drain_timeout) == (0.0, 30.0)
    assert (read.slots["embed"].kind, read.slots["embed"].model) == (Kind.EMBEDDING, "nomic-embed")
    assert read.slots["stt"].command == "whisper-server --host 127.0.0.1 --port {port} -m /models/whisper.bin"
    assert read.slots["stt"].health == "/health"
    assert read.limits == LimitsConfig(10, 120.0)
    assert read.source == SOURCE


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "---\n", "~\n", "server:\nmodels:\nslots:\nlimits: ~\n"]
)
def test_an_empty_file_means_the_defaults(text: str) -> None:
    read = config(text)

    assert (read.server, read.engine, read.limits) == (ServerConfig(), EngineConfig(), LimitsConfig())
    assert list(read.slots) == ["primary"]
    assert read.slots["primary"].autoload
    assert read.slots["primary"].kind is Kind.CHAT


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    downloads = tmp_path / "data" / "models"
    downloads.mkdir(parents=True)
    paths = Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))

    read = load_config(paths.config_file, paths)

    assert downloads in read.model_dirs
    assert all(folder.is_dir() for folder in read.model_dirs)
    assert list(read.slots) == ["primary"]
    assert read.source is None


def test_an_account_without_a_home_folder_has_its_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(Path, "home", no_home)
    paths = Paths(tmp_path / "hal0.yaml", *[tmp_path] * 4)
    assert default_model_dirs(paths) == (tmp_path / "models",)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "hal0.yaml"
    file.write_bytes(b"\xef\xbb\xbfserver: {port: 9000}\r\n")
    assert load_config(file, PATHS).server.port == 9000


@pytest.mark.parametrize(
    ("raw", "line", "part"),
    [
        (b"server: {port: 9000}\nname: \xff\n", 2, "not UTF-8"),
        (b"x: " + b"a" * 1_000_001, 0, "too large"),
        (b"- a\n- b\n", 1, "must be a mapping"),
        (b"just words\n", 1, "must be a mapping"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, raw: bytes, line: int, part: str) -> None:
    file = tmp_path / "hal0.yaml"
    file.write_bytes(raw)
    with pytest.raises(ConfigErrors, match=part) as caught:
        load_config(file, PATHS)
    assert [problem.line for problem in caught.value.problems] == [line]


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="cannot be read"):
        parse_file(tmp_path, PATHS)


def test_all_problems_come_at_once_in_line_order_with_the_nearest_name() -> None:
    found = problems(
        "slots:\n"
        "  primary:\n"
        "    swich: manual\n"
        "    kind: chta\n"
        "server: {prot: 1}\n"
        "limits:\n"
        "  queue: -1\n"
        "limts: {}\n"
    )
    assert [(problem.line, problem.key, problem.suggestion) for problem in found] == [
        (3, "slots.primary.swich", "switch"),
        (4, "slots.primary.kind", "chat"),
        (5, "server.prot", "port"),
        (7, "limits.queue", None),
        (8, "limts", "limits"),
    ]


@pytest.mark.parametrize(
    ("text", "key", "part", "suggestion"),
    [
        ("port: 8080", "port", "belongs under server:", None),
        ("headroom: 1GiB", "headroom", "belongs under memory:", None),
        ("server: {ports: [1, 2]}", "server.ports", "belongs under engine:", None),
        ("modelDirs: [a]", "modelDirs", "is not a setting", "model_dirs"),
        ("model-dirs: [a]", "model-dirs", "is not a setting", "model_dirs"),
        ("LIMITS: {}", "LIMITS", "is not a setting", "limits"),
        ("slots: {a: {idleUnload: 5}}", "slots.a.idleUnload", "is not a setting", "idle_unload"),
        ("slots: {a: {ngl: 99}}", "slots.a.ngl", "write n-gpu-layers under flags: of a model", None),
        ("slots: {a: {request: {}}}", "slots.a.request", "belongs under models.NAME:", None),
        ("upstreams: {a: {url: 'http://a', base_url: 'http://a'}}", "upstreams.a.url", "write base_url:", None),
        ("slots: {a: {idle_timeout: 5m}}", "slots.a.idle_timeout", "write idle_unload: of the slot", None),
        ("slots: {a: {ttl: 300}}", "slots.a.ttl", "write idle_unload: of the slot", None),
        ("models: {a: {file: x, ctx_size: 1}}", "models.a.ctx_size", "write ctx-size under flags:", None),
        ("models: {a: {file: x, -c: 1}}", "models.a.-c", "write ctx-size under flags:", None),
        ("models: {a: {file: x, idle_unload: 1}}", "models.a.idle_unload", "under slots.NAME:", None),
        ("models: {a: {file: x, cmd: y}}", "models.a.cmd", "file: of a model", None),
        ("models: {a: {file: x, flags: {kind: chat}}}", "models.a.flags.kind", "under models.NAME:", None),
        ("models: {a: {file: x, flags: {idle_unload: 1}}}", "models.a.flags.idle_unload", "slots.NAME:", None),
        ("services: {}", "services", "docker-compose", None),
        ("OLLAMA_HOST: x", "OLLAMA_HOST", "under server:", None),
    ],
)
def test_a_key_that_is_right_elsewhere_says_where(
    text: str, key: str, part: str, suggestion: str | None
) -> None:
    """Row 28: another depth, another spelling, another program."""
    (found,) = [problem for problem in problems(text) if problem.key == key]
    assert part in found.message and found.suggestion == suggestion, found


@pytest.mark.parametrize(
    "text",
    [
        r'model_dirs: ["C:\new\models"]',
        r'models: {m: {file: "D:\temp\bar.gguf"}}',
        r'models: {m: {file: "C:\m"}}',
    ],
)
def test_a_windows_path_in_double_quotes_is_told_to_take_single_ones(text: str) -> None:
    assert "use single quotes for Windows paths" in only_problem(text).message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_file_in_another_encoding_is_told_so(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "hal0.yaml").write_bytes("models: {\u00fc: {file: a}}\n".encode(encoding))
    with pytest.raises(ConfigErrors, match="is not UTF-8 text"):
        parse_file(tmp_path / "hal0.yaml", PATHS)


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("server:\n\u00a0\u00a0port: 9000\n", 2, "invisible character (U+00A0)"),
        ("server:\n  port:\u00a09000\n", 2, "invisible character (U+00A0)"),
        ("models:\n  a\u200b:\n    file: a.gguf\n", 2, "invisible character (U+200B)"),
        ("models:\n  a:\n    file: \u201ca.gguf\u201d\n", 3, "typographic quotation marks"),
    ],
)
def test_what_a_page_or_a_word_processor_puts_in_is_named(text: str, line: int, part: str) -> None:
    problem = only_problem(text)
    assert (problem.line, part in problem.message) == (line, True)


def test_such_characters_inside_a_name_or_in_quotes_are_kept() -> None:
    """Japanese file names have wide spaces, and emoji are joined by a character of no width."""
    shown = config('models:\n  a: {file: a.gguf, display_name: "\U0001f469\u200d\U0001f4bb"}\n').models["a"]
    assert shown.display_name == "\U0001f469\u200d\U0001f4bb"
    wide = config("models:\n  a: {file: /a\u3000b/c.gguf}\n").models["a"]
    assert wide.file == "/a\u3000b/c.gguf"
    files = config("models:\n  a: {file: a\u00a0b.gguf}\n  b: {file: '\u201cb\u201d.gguf'}\n").models
    assert [model.file for model in files.values()] == ["a\u00a0b.gguf", "\u201cb\u201d.gguf"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("models:\n  a: a.gguf\n", "write {file: a.gguf}"),
        ("slots:\n  primary: qwen\n", "write {model: qwen}"),
        ("models:\n  - file: a.gguf\n", "write each as NAME:"),
    ],
)
def test_a_value_or_a_list_in_the_place_of_a_section_says_what_to_write(text: str, part: str) -> None:
    assert part in only_problem(text).message


def test_a_place_for_anchors() -> None:
    text = "x-usual: &usual {ctx-size: 4096}\nmodels:\n  a: {file: a.gguf, flags: {<<: *usual, temp: 1}}\n"
    assert config(text).models["a"].flags == {"ctx-size": "4096", "temp": "1"}
    assert "is not a setting" in only_problem("server: {x-usual: 1}\n").message


def test_one_problem_is_one_sentence_and_several_are_listed() -> None:
    with pytest.raises(ConfigErrors) as one:
        parse_config("slots:\n  primary: {swich: manual}\n", SOURCE, PATHS)
    assert one.value.message.startswith("hal0.yaml:2: slots.primary.swich: is not a setting")
    assert one.value.message.endswith('(did you mean "switch"?).')
    assert "\n" not in one.value.message
    assert (one.value.status, one.value.code) == (400, "config.invalid")

    with pytest.raises(ConfigErrors) as three:
        parse_config("a: 1\nb: 2\nc: 3\n", SOURCE, PATHS)
    lines = three.value.message.splitlines()
    assert lines[0] == "hal0.yaml has 3 problems:"
    assert [line.partition(": ")[0] for line in lines[1:]] == ["hal0.yaml:1", "hal0.yaml:2", "hal0.yaml:3"]
    assert [entry["key"] for entry in three.value.details["problems"]] == ["a", "b", "c"]


SRV_MODELS = FOLDER / "/srv/models"  # on Windows: of the drive that hal0.yaml is on


def test_model_folders_are_absolute_and_relative_to_the_file() -> None:
    read = config("model_dirs: [gguf, ~/more, /srv/models, gguf]\n")
    assert read.model_dirs == (FOLDER / "gguf", Path.home() / "more", SRV_MODELS)


def test_model_folders_must_be_a_list_of_text() -> None:
    assert "must be a list" in only_problem("model_dirs: ~/models/x\n").message
    assert only_problem("model_dirs:\n  - a\n  - [b]\n").line == 3
    assert "home folder" in only_problem("model_dirs: [~nobody-has-this-name/x]\n").message


def test_a_structural_problem_does_not_hide_the_others() -> None:
    found = problems("server: {port: 1, port: 2}\nlimits: {queue: many}\n")
    assert [problem.key for problem in found] == ["server.port", "limits.queue"]


class TestReferences:
    def test_named_models_aliases_and_scanned_ids_are_known(self) -> None:
        assert check_references(parse(EXAMPLE), {"nomic-embed"}) == ()

    def test_an_unknown_model_is_told_with_its_line_and_the_nearest_id(self) -> None:
        (problem,) = check_references(parse(EXAMPLE), ["nomic-embed-text", "other"])
        assert problem.key == "slots.embed.model"
        assert problem.line == 1 + EXAMPLE.splitlines().index(
            "  embed:   {kind: embedding, model: nomic-embed}"
        )
        assert problem.suggestion == "nomic-embed-text"
        assert '"nomic-embed"' in problem.message

    def test_each_entry_of_models_is_checked(self) -> None:
        found = check_references(parse("slots:\n  a:\n    models:\n      - x\n      - y\n"), ["x"])
        assert [(problem.line, problem.key) for problem in found] == [(3, "slots.a.models")]

    def test_the_defaults_refer_to_nothing(self) -> None:
        assert check_references(ParsedConfig(Config(), {}), []) == ()


def test_more_folders_beside_the_usual_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 41: `default` stands for them, also for later ones; `./default` is a folder of that name."""
    home = tmp_path / "home"
    for name, value in home_variables(home).items():
        monkeypatch.setenv(name, value)
    read = lambda: config("model_dirs: [default, /srv/models, ./default]\n").model_dirs  # noqa: E731
    assert read() == (SRV_MODELS, FOLDER / "default")
    (home / ".lmstudio" / "models").mkdir(parents=True)
    assert read() == (home / ".lmstudio" / "models", SRV_MODELS, FOLDER / "default")
