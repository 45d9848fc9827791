"""Command lines, for made-up option lists and for the real llama-server's."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from router.base.errors import BadModel, EngineMissing
from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.command import build_command, check_command, check_program
from router.engine.environment import engine_environment
from router.engine.options import EngineOptions, parse_help, read_options

SERVER = Path("/opt/llama-server")
FILE = Path("/models/m.gguf")
OWN = ["--no-ui", "--offline", "--cors-origins", "localhost", "--host", "127.0.0.1", "--port", "8101"]
TODAY = """\
-c,    --ctx-size N                     size
-fa,   --flash-attn [on|off|auto]       use
-lm,   --load-mode MODE                 model loading mode
--jinja, --no-jinja                     template engine
--swa-full                              full size
--mmproj-auto, --no-mmproj              projector
--cpu-strict <0|1>                      strict
-ncmoe, --n-cpu-moe N                   layers
-ngl,  --gpu-layers, --n-gpu-layers N   layers
--control-vector-layer-range START END
                                        range
--spec-draft-n-max N                    tokens
--draft, --draft-n, --draft-max N       the argument has been removed. use --spec-draft-n-max or
                                        --spec-ngram-mod-n-max
                                        (env: LLAMA_ARG_DRAFT_MAX)
--spec-ngram-size-n N                   the argument has been removed. use the respective one
--ui,  --webui, --no-ui, --no-webui     web UI
--embedding, --embeddings               embedding
--rerank, --reranking                   reranking
--offline                               offline
--cors-origins ORIGINS                  origins
--log-jsonl, --no-log-jsonl             JSON
--host HOST                             address
--port PORT                             port
"""
OLD = """\
--mmap, --no-mmap                       memory map
--mlock                                 lock
--draft-max N                           tokens
--no-webui                              no page
--host HOST                             address
--port PORT                             port
"""


def model(flags: dict[str, str | bool] | None = None, kind: Kind = Kind.CHAT, **fields: object) -> Model:
    return Model("x", kind, "X", **{"file": FILE, "flags": flags or {}, **fields})  # type: ignore[arg-type]


def flags_of(flags: dict[str, str | bool], options: EngineOptions | None = None) -> list[str]:
    """What stands between the model's file and hal0's own arguments."""
    argv = build_command(model(flags), options or parse_help(TODAY), SERVER, 8101)
    own = OWN if options is None else ["--no-webui", "--host", "127.0.0.1", "--port", "8101"]
    assert argv[:3] == [str(SERVER), "-m", str(FILE)]
    assert argv[-len(own) :] == own
    return argv[3 : -len(own)]


@pytest.mark.parametrize(
    ("flags", "argv"),
    [
        ({}, []),
        ({"ctx-size": "65536"}, ["--ctx-size", "65536"]),
        ({"ctx-size": "-1"}, ["--ctx-size", "-1"]),
        ({"flash-attn": True}, ["--flash-attn", "on"]),
        ({"flash-attn": False}, ["--flash-attn", "off"]),
        ({"flash-attn": "auto"}, ["--flash-attn", "auto"]),
        ({"cpu-strict": True}, ["--cpu-strict", "1"]),
        ({"jinja": True}, ["--jinja"]),
        ({"jinja": False}, ["--no-jinja"]),
        ({"jinja": "off"}, ["--no-jinja"]),
        ({"no-jinja": True}, ["--no-jinja"]),
        ({"no-jinja": False}, ["--jinja"]),
        ({"no-mmproj": True}, ["--no-mmproj"]),
        ({"swa-full": True}, ["--swa-full"]),
        ({"swa-full": "true"}, ["--swa-full"]),
        ({"swa-full": False}, []),
        ({"ncmoe": "3"}, ["--n-cpu-moe", "3"]),
        ({"n-gpu-layers": "99"}, ["--n-gpu-layers", "99"]),
        ({"control-vector-layer-range": "1,4"}, ["--control-vector-layer-range", "1", "4"]),
        ({"draft-max": "4"}, ["--spec-draft-n-max", "4"]),
        ({"mmap": True}, ["--load-mode", "mmap"]),
        ({"mmap": False}, ["--load-mode", "none"]),
        ({"no-mmap": True}, ["--load-mode", "none"]),
        ({"mlock": True}, ["--load-mode", "mmap+mlock"]),
        ({"mlock": True, "mmap": True}, ["--load-mode", "mmap+mlock"]),
        ({"mlock": True, "no-mmap": True}, ["--load-mode", "mlock"]),
        ({"mlock": False}, []),
        ({"direct-io": True}, ["--load-mode", "dio"]),
    ],
)
def test_flags_become_arguments(flags: dict[str, str | bool], argv: list[str]) -> None:
    assert flags_of(flags) == argv


@pytest.mark.parametrize(
    ("flags", "argv"),
    [
        ({"mmap": False, "mlock": True}, ["--no-mmap", "--mlock"]),
        ({"no-mmap": True}, ["--no-mmap"]),
        ({"draft-max": "4"}, ["--draft-max", "4"]),
    ],
)
def test_an_engine_that_still_has_the_old_flags_gets_them(
    flags: dict[str, str | bool], argv: list[str]
) -> None:
    assert flags_of(flags, parse_help(OLD)) == argv


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        ({"ctx-sise": "1"}, "has no flag --ctx-sise; did you mean --ctx-size?"),
        ({"zzzzzz": "1"}, "lists those it has"),
        ({"ctx-size": True}, r"--ctx-size needs a value \(N\), not true"),
        ({"ctx-size": ""}, "--ctx-size needs a value"),
        ({"control-vector-layer-range": "1"}, r"needs a value \(START END\)"),
        ({"swa-full": "7"}, "takes no value"),
        ({"spec-ngram-size-n": "7"}, "has been removed. use the respective one"),
        ({"draft-max": "7", "spec-draft-n-max": "7"}, "is now called"),
        ({"mmap": True, "load-mode": "none"}, 'now part of "load-mode"'),
        ({"jinja": True, "no-jinja": True}, "are the same"),
        ({"mmap": True, "no-mmap": True}, "are the same"),
        ({"no-flash-attn": True}, "has no flag --no-flash-attn; write flash-attn: off"),
        ({"port": "1"}, "hal0's to set"),
    ],
)
def test_a_flag_the_engine_would_refuse_is_one_sentence(flags: dict[str, str | bool], part: str) -> None:
    with pytest.raises(BadModel, match=part) as caught:
        build_command(model(flags), parse_help(TODAY), SERVER, 8101)
    assert caught.value.message.startswith('Model "x" cannot start: ')
    assert "\n" not in caught.value.message


class TestOwnArguments:
    @pytest.mark.parametrize(("kind", "flag"), [(Kind.EMBEDDING, "--embeddings"), (Kind.RERANK, "--reranking")])
    def test_the_kind_decides(self, kind: Kind, flag: str) -> None:
        assert build_command(model(kind=kind), parse_help(TODAY), SERVER, 8101)[3:] == [flag, *OWN]

    def test_an_engine_without_the_kinds_flag(self) -> None:
        with pytest.raises(BadModel, match="no --reranking"):
            build_command(model(kind=Kind.RERANK), parse_help(OLD), SERVER, 8101)

    def test_log_jsonl_only_when_asked(self) -> None:
        argv = build_command(model(), parse_help(TODAY), SERVER, 0, log_jsonl=True)
        assert argv[-5:] == ["--log-jsonl", "--host", "127.0.0.1", "--port", "0"]

    def test_a_model_without_file_or_command(self) -> None:
        with pytest.raises(BadModel, match="neither a file nor a command"):
            build_command(model(file=None), parse_help(TODAY), SERVER, 8101)


class TestOwnCommand:
    def test_the_port_is_filled_in_and_nothing_is_added(self) -> None:
        command = "whisper-server --port {port} --url=http://x:{port} -m '/a b/{port}.bin'"
        argv = build_command(model(file=None, command=command), EngineOptions([]), SERVER, 8101)
        assert argv == ["whisper-server", "--port", "8101", "--url=http://x:8101", "-m", "/a b/8101.bin"]

    def test_home_is_expanded_in_the_programs_path(self) -> None:
        argv = build_command(model(file=None, command="~/bin/w {port} ~/x"), EngineOptions([]), SERVER, 1)
        assert argv == [str(Path.home() / "bin" / "w"), "1", "~/x"]

    def test_a_bad_command_is_a_bad_model(self) -> None:
        with pytest.raises(BadModel, match=r"must contain \{port\}"):
            build_command(model(file=None, command="run"), EngineOptions([]), SERVER, 1)


class TestRealEngine:
    @pytest.fixture
    def env(self, tmp_path: Path) -> dict[str, str]:
        return engine_environment(os.environ, api_key="key", private_config=tmp_path, child_mode=True)

    @pytest.mark.parametrize(
        ("flags", "kind"),
        [
            ({}, Kind.CHAT),
            ({}, Kind.EMBEDDING),
            ({}, Kind.RERANK),
            ({"ctx-size": "4096", "flash-attn": True, "cache-type-k": "q8_0", "n-gpu-layers": "99"}, Kind.CHAT),
            ({"no-mmap": True, "mlock": True, "draft-max": "4", "cont-batching": False}, Kind.CHAT),
            ({"mmap": False}, Kind.CHAT),
            ({"mmap": True}, Kind.CHAT),
            ({"mlock": True}, Kind.CHAT),
            ({"direct-io": True}, Kind.CHAT),
            ({"chat-template-kwargs": '{"enable_thinking":false}', "parallel": "2", "seed": "-1"}, Kind.CHAT),
            ({"fit": False, "lazy-mode": True, "reasoning": False, "cpu-strict": True}, Kind.CHAT),
        ],
    )
    async def test_its_parser_takes_what_we_build(
        self, llama_server: Path, env: dict[str, str], flags: dict[str, str | bool], kind: Kind
    ) -> None:
        options = await read_options(llama_server)
        for log_jsonl in (False, True):
            argv = build_command(model(flags, kind), options, llama_server, 8101, log_jsonl=log_jsonl)
            await check_command(argv, env, model_id="x")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--foo"], "error: invalid argument: --foo"),
            (["--flash-attn", "maybe"], "unknown value for --flash-attn: 'maybe'"),
            (["--cache-type-k", "zz"], "Unsupported cache type: zz"),
            (["--ctx-size=5"], "error: invalid argument: --ctx-size=5"),
            (["--mlock"], "error: invalid argument: --mlock"),
        ],
    )
    async def test_its_own_first_error_line_is_quoted(
        self, llama_server: Path, env: dict[str, str], arguments: list[str], said: str
    ) -> None:
        with pytest.raises(BadModel) as caught:
            await check_command([str(llama_server), *arguments], env, model_id="x")
        assert said in caught.value.message
        assert caught.value.message.startswith('Model "x" cannot start: error')
        assert caught.value.message.endswith(". Correct its flags in hal0.yaml.")
        assert "\n" not in caught.value.message

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--ctx-size", "big"], '--ctx-size must be a number, not "big"'),
            (["--temp", "hot"], '--temp must be a number, not "hot"'),
            (["--parallel", "9" * 30], f"--parallel {'9' * 30} is too large a number"),
        ],
    )
    async def test_a_value_that_is_no_number_is_told_in_words(
        self, llama_server: Path, env: dict[str, str], arguments: list[str], said: str
    ) -> None:
        with pytest.raises(BadModel) as caught:
            await check_command([str(llama_server), *arguments], env, model_id="x")
        assert caught.value.message == f'Model "x" cannot start: {said}. Correct its flags in hal0.yaml.'

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--pooling", "avg"], '("avg"); it may be one of: none, mean, cls, last, rank. '),
            (["--split-mode", "rows"], '("rows"); it may be one of: none, layer, row'),
            (["--cache-type-k", "q4"], '("q4"); it may be one of: f32, f16, bf16, q8_0'),
            (["--load-mode", "mmapp"], '("mmapp"); it may be one of: auto, none, mmap'),
        ],
    )
    async def test_a_word_that_may_not_stand_there_is_told_with_those_that_may(
        self, llama_server: Path, env: dict[str, str], arguments: list[str], said: str
    ) -> None:
        with pytest.raises(BadModel) as caught:
            await check_command([str(llama_server), *arguments], env, model_id="x")
        assert said in caught.value.message


class TestPrograms:
    def test_a_program_that_is_there_may_be_found_on_the_path(self) -> None:
        check_program("cmd" if sys.platform == "win32" else "python3", model_id="speech")
        check_program(sys.executable, model_id="speech")

    def test_one_that_is_missing_or_cannot_be_run_is_told(self, tmp_path: Path) -> None:
        (plain := tmp_path / "plain.txt").touch(mode=0o600)
        for program in ("no-such-program-of-hal0", str(plain)):
            with pytest.raises(
                BadModel, match=f'program "{re.escape(program)}" was not found, or may not be run'
            ):
                check_program(program, model_id="speech")


class TestBrokenEngines:
    async def test_no_program(self, tmp_path: Path) -> None:
        with pytest.raises(EngineMissing, match="cannot be run"):
            await check_command([str(tmp_path / "none")], {})

    @pytest.mark.parametrize(
        ("body", "error", "part"),
        [
            ("echo 'error while loading shared libraries: x' >&2; exit 127", EngineMissing, "shared libraries"),
            ("kill -SEGV $$", EngineMissing, "exit code -11"),
            ("echo hello", BadModel, "hello"),
        ],
    )
    async def test_whose_fault_it_is(
        self, tmp_path: Path, body: str, error: type[Exception], part: str
    ) -> None:
        program = tmp_path / "server"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o700)
        with pytest.raises(error, match=part):
            await check_command([str(program)], {"PATH": os.environ["PATH"]}, model_id="x")


async def test_an_engine_built_without_rpc_says_so(llama_server: Path) -> None:
    """Debian's has the flag in its help all the same."""
    argv = [str(llama_server), "-m", "x.gguf", "--rpc", "10.0.0.3:50052"]
    try:
        await check_command(argv, {"PATH": os.environ["PATH"]}, model_id="x")
    except BadModel as error:
        assert "built without RPC" in error.message
