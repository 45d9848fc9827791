"""`llama-server --help`, as text and from the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.base.errors import EngineFailed, EngineMissing
from router.engine.options import parse_help, read_options, run_briefly

HELP = """\
----- common params -----

-h,    --help, --usage                  print usage and exit
-c,    --ctx-size N                     size of the prompt context (default: 0, 0 = loaded from model)
                                        (env: LLAMA_ARG_CTX_SIZE)
-fa,   --flash-attn [on|off|auto]       set Flash Attention use ('on', 'off', or 'auto', default: 'auto')
-kvo,  --kv-offload, -nkvo, --no-kv-offload
                                        whether to enable KV cache offloading (default: enabled)
--no-host                               bypass host buffer
-lzm,  --lazy-mode MODE                 on-demand reading (default: auto)
                                        - on: read the rows of such tensors
                                        - auto: on, but only for tensors larger than 4 GiB
                                        - off: always keep them resident
--cpu-strict <0|1>                      use strict CPU placement (default: 0)
-ot,   --override-tensor <tensor name pattern>=<buffer type>,...
                                        override tensor buffer type
--control-vector-layer-range START END
                                        layer range
--mmproj-auto, --no-mmproj, --no-mmproj-auto
                                        whether to use multimodal projector file
--draft, --draft-n, --draft-max N       the argument has been removed. use --spec-draft-n-max or
                                        --spec-ngram-mod-n-max
----- sampling params -----

--temp, --temperature N                 temperature (default: 0.80)
"""


class TestParsing:
    options = parse_help(HELP)

    def test_every_entry_and_nothing_else(self) -> None:
        assert len(self.options.options) == 12

    @pytest.mark.parametrize(
        ("name", "names", "negated", "hint"),
        [
            ("help", ("-h", "--help", "--usage"), (), None),
            ("c", ("-c", "--ctx-size"), (), "N"),
            ("flash-attn", ("-fa", "--flash-attn"), (), "[on|off|auto]"),
            ("no-kv-offload", ("-kvo", "--kv-offload"), ("-nkvo", "--no-kv-offload"), None),
            ("nkvo", ("-kvo", "--kv-offload"), ("-nkvo", "--no-kv-offload"), None),
            ("no-host", ("--no-host",), (), None),
            ("ot", ("-ot", "--override-tensor"), (), "<tensor name pattern>=<buffer type>,..."),
            ("no-mmproj", ("--mmproj-auto",), ("--no-mmproj", "--no-mmproj-auto"), None),
            ("temp", ("--temp", "--temperature"), (), "N"),
        ],
    )
    def test_names(self, name: str, names: tuple[str, ...], negated: tuple[str, ...], hint: str | None) -> None:
        option = self.options.find(name)
        assert option is not None
        assert (option.names, option.negated, option.value_hint) == (names, negated, hint)

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("flash-attn", ("on", "off", "auto")),
            ("lazy-mode", ("on", "auto", "off")),
            ("cpu-strict", ("0", "1")),
            ("override-tensor", ()),
            ("ctx-size", ()),
        ],
    )
    def test_the_words_a_value_may_be(self, name: str, words: tuple[str, ...]) -> None:
        option = self.options.find(name)
        assert option is not None
        assert option.choices == words

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("flash-attn", ("on", "off")),
            ("lazy-mode", ("on", "off")),
            ("cpu-strict", ("1", "0")),
            ("ctx-size", None),
            ("kv-offload", None),
        ],
    )
    def test_the_words_for_true_and_false(self, name: str, words: tuple[str, str] | None) -> None:
        option = self.options.find(name)
        assert option is not None
        assert option.on_off == words

    def test_how_many_values_follow(self) -> None:
        names = ("help", "ctx-size", "control-vector-layer-range", "override-tensor")
        assert [option.values for name in names if (option := self.options.find(name))] == [0, 1, 2, 1]

    def test_a_removed_option_is_found_but_not_had(self) -> None:
        option = self.options.find("draft")
        assert option is not None
        assert option.removed
        assert not self.options.has("draft")
        assert not self.options.has("never-was")
        assert self.options.has("ctx-size")

    @pytest.mark.parametrize(
        ("written", "near"), [("ctx-sise", "ctx-size"), ("flash_attn", "flash-attn"), ("zzzz", None)]
    )
    def test_the_nearest_name(self, written: str, near: str | None) -> None:
        assert self.options.nearest(written) == near

    def test_continuation_lines_belong_to_the_description(self) -> None:
        option = self.options.find("c")
        assert option is not None
        assert option.description.endswith("(env: LLAMA_ARG_CTX_SIZE)")

    def test_text_that_is_no_help(self) -> None:
        assert parse_help("usage: cat [FILE]\n  -x\n-, a dash\n").options == ()


class TestRealEngine:
    async def test_its_whole_help_is_understood(self, llama_server: Path) -> None:
        _, text = await run_briefly([str(llama_server), "--help"], os.environ)
        options = parse_help(text)
        listed = [line for line in text.splitlines() if line.startswith("-") and not line.startswith("-----")]
        assert len(options.options) == len(listed) > 200
        spellings = [name for option in options.options for name in (*option.names, *option.negated)]
        assert len(spellings) == len(set(spellings))
        for name in ("model", "host", "port", "ctx-size", "offline", "cors-origins", "embeddings", "reranking"):
            assert options.has(name), name
        flash = options.find("fa")
        assert flash is not None
        assert flash.on_off == ("on", "off")

    async def test_the_answer_is_kept(self, llama_server: Path) -> None:
        assert await read_options(llama_server) is await read_options(llama_server)


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return path


class TestOtherPrograms:
    async def test_a_changed_file_is_asked_again(self, tmp_path: Path) -> None:
        program = script(tmp_path / "server", "echo '--port N    port'")
        before = await read_options(program)
        script(program, "echo '--port N    port'; echo '--new    flag'")
        after = await read_options(program)
        assert (before.has("new"), after.has("new")) == (False, True)

    async def test_a_missing_program(self, tmp_path: Path) -> None:
        with pytest.raises(EngineMissing, match="no llama-server at"):
            await read_options(tmp_path / "nothing")

    async def test_a_file_that_cannot_be_run(self, tmp_path: Path) -> None:
        file = tmp_path / "server"
        file.write_text("not a program")
        with pytest.raises(EngineMissing, match="cannot be run: Permission denied"):
            await read_options(file)

    @pytest.mark.parametrize("body", ["echo '--other N    x'", "echo '--port N    x'; exit 3"])
    async def test_another_program(self, tmp_path: Path, body: str) -> None:
        with pytest.raises(EngineFailed, match="did not list its options"):
            await read_options(script(tmp_path / "server", body))

    async def test_one_that_hangs_is_stopped(self, tmp_path: Path) -> None:
        program = script(tmp_path / "server", f"echo $$ > {tmp_path}/pid; exec sleep 1000")
        with pytest.raises(EngineFailed, match=r"did not answer within 0\.5 s"):
            await run_briefly([str(program)], {"PATH": os.environ["PATH"]}, 0.5)
        pid = int((tmp_path / "pid").read_text())
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
