"""Flag names: one spelling for each flag, and the ones hal0 keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config.flags import LONG_NAMES, MANAGED, PATH_FLAGS, flag_name, managed_reason
from router.engine.options import read_options


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("ctx-size", "ctx-size"),
        ("ctx_size", "ctx-size"),
        ("--ctx-size", "ctx-size"),
        ("n_ctx", "ctx-size"),
        ("n-ctx", "ctx-size"),
        ("-c", "ctx-size"),
        ("c", "ctx-size"),
        (" c ", "ctx-size"),
        ("CTX_SIZE", "ctx-size"),
        ("NGL", "n-gpu-layers"),
        ("C", "C"),  # --cpu-mask: short names are case sensitive
        ("n_gpu_layers", "n-gpu-layers"),
        ("gpu-layers", "n-gpu-layers"),
        ("ngl", "n-gpu-layers"),
        ("fa", "flash-attn"),
        ("flash_attn", "flash-attn"),
        ("np", "parallel"),
        ("ctk", "cache-type-k"),
        ("ctv", "cache-type-v"),
        ("b", "batch-size"),
        ("ub", "ubatch-size"),
        ("t", "threads"),
        ("m", "model"),
        ("top_p", "top-p"),
        ("brand-new-flag", "brand-new-flag"),
    ],
)
def test_one_spelling(raw: str, name: str) -> None:
    assert flag_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        *("m", "model", "hf", "host", "--port", "api_key", "api-key-file", "ssl-key-file", "ssl_cert_file"),
        *("log-disable", "log_file", "no-log-prefix", "log-jsonl", "webui", "no_ui", "embedding", "rerank"),
        *("alias", "models-dir", "no-models-autoload", "version", "usage", "sleep-idle-seconds", "offline"),
    ],
)
def test_what_hal0_sets_itself_is_refused_with_a_reason(raw: str) -> None:
    assert managed_reason(flag_name(raw))


@pytest.mark.parametrize(
    "raw", ["no-host", "mmproj", "mlock", "verbose", "log-prompts-dir", "slots", "threads-http"]
)
def test_what_a_person_may_set(raw: str) -> None:
    assert managed_reason(flag_name(raw)) is None


def test_every_long_name_is_settled() -> None:
    assert {name: flag_name(name) for name in LONG_NAMES.values()} == {n: n for n in LONG_NAMES.values()}


async def test_the_tables_agree_with_the_engine(llama_server: Path) -> None:
    """Each spelling in our table must be the same option for llama-server, where it knows it at all."""
    options = await read_options(llama_server)
    for spelling, name in LONG_NAMES.items():
        option = options.find(name)
        assert option is not None, name
        if (found := options.find(spelling)) is not None:
            assert found is option, spelling
    assert [name for name in (*MANAGED, *PATH_FLAGS) if options.find(name) is None] == []
