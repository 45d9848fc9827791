"""Nothing in the parent's environment changes what an engine does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from router.config.schema import Config, ServerConfig, UpstreamConfig
from router.engine.environment import engine_environment, scrubbed, secret_variables
from router.engine.options import run_briefly

KEPT = {
    "PATH": "/bin",
    "HOME": "/home/x",
    "CUDA_VISIBLE_DEVICES": "1",
    "GGML_CUDA_ENABLE_UNIFIED_MEMORY": "1",
    "HIP_VISIBLE_DEVICES": "0",
    "VK_ICD_FILENAMES": "x",
    "LD_LIBRARY_PATH": "/opt/cuda/lib64",
    "SYSTEMROOT": r"C:\Windows",
    "LANG": "de_DE.UTF-8",
}

CONFIG_HOME = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"


def environment(base: dict[str, str], *, child_mode: bool = False) -> dict[str, str]:
    return engine_environment(base, api_key="key", private_config=Path("/private"), child_mode=child_mode)


def test_what_the_engine_needs_stays() -> None:
    assert KEPT.items() <= environment(KEPT).items()


@pytest.mark.parametrize(
    "name",
    [
        *("LLAMA_ARG_CTX_SIZE", "LLAMA_ARG_HOST", "LLAMA_API_KEY", "LLAMA_CACHE", "LLAMA_LOG_VERBOSITY"),
        *("llama_arg_port", "LLAMA_SERVER_ROUTER_PORT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HAL0_CONFIG"),
        *("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy", "MODEL_ENDPOINT", "_PYI_ARCHIVE_FILE"),
    ],
)
def test_hidden_inputs_and_secrets_are_dropped(name: str) -> None:
    assert "leak" not in environment({name: "leak"}).values()


def test_the_variables_that_hold_hal0s_own_keys_are_dropped() -> None:
    """Those that hal0.yaml names, and any that holds one of the keys clients come with."""
    config = Config(
        server=ServerConfig(api_keys=("sk-client", "sk-other")),
        upstreams={
            "cloud": UpstreamConfig("cloud", "http://x/v1", api_key="env:OPENROUTER_API_KEY"),
            "ring": UpstreamConfig("ring", "http://y/v1", api_key="keyring:RING"),
            "bare": UpstreamConfig("bare", "http://z/v1"),
        },
    )
    base = {"OPENROUTER_API_KEY": "sk-or", "MY_KEY": "sk-client", "RING": "kept", "EMPTY": "", "PATH": "/bin"}
    hidden = secret_variables(config, base)
    assert hidden == {"OPENROUTER_API_KEY", "MY_KEY"}
    found = engine_environment(base, api_key="key", private_config=Path("/p"), child_mode=False, hidden=hidden)
    assert not {"sk-or", "sk-client"} & set(found.values())
    assert (found["RING"], found["EMPTY"], found["PATH"]) == ("kept", "", "/bin")


def test_what_hal0_sets() -> None:
    base = {CONFIG_HOME: "/home/x/.config"}
    private = str(Path("/private"))
    set_by_hal0 = {"LLAMA_API_KEY": "key", CONFIG_HOME: private, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert environment(base) == set_by_hal0
    assert environment({"CUDA_DEVICE_ORDER": "FASTEST_FIRST"})["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"
    assert environment(base, child_mode=True) == {**environment(base), "LLAMA_SERVER_ROUTER_PORT": "1"}
    assert base == {CONFIG_HOME: "/home/x/.config"}


def test_a_bundle_gives_the_persons_library_path_back() -> None:
    inside = {"LD_LIBRARY_PATH": "/tmp/_MEI1", "LD_LIBRARY_PATH_ORIG": "/opt/cuda/lib64"}
    assert scrubbed(inside, bundled=True) == {"LD_LIBRARY_PATH": "/opt/cuda/lib64"}
    assert scrubbed({"LD_LIBRARY_PATH": "/tmp/_MEI1"}, bundled=True) == {}
    assert scrubbed({"LD_LIBRARY_PATH": "/opt"}, bundled=False) == {"LD_LIBRARY_PATH": "/opt"}


class TestRealEngine:
    """A value that llama-server's parser refuses shows whether it was looked at."""

    async def parses(self, llama_server: Path, env: dict[str, str]) -> bool:
        code, output = await run_briefly([str(llama_server), "--version"], env)
        return code == 0 and "version:" in output

    async def test_flags_in_the_environment_have_no_effect(self, llama_server: Path, tmp_path: Path) -> None:
        hostile = {**os.environ, "LLAMA_ARG_CTX_SIZE": "not-a-number"}
        assert not await self.parses(llama_server, hostile)
        clean = engine_environment(hostile, api_key="k", private_config=tmp_path, child_mode=True)
        assert await self.parses(llama_server, clean)

    async def test_a_persons_config_file_has_no_effect(self, llama_server: Path, tmp_path: Path) -> None:
        config = tmp_path / "config" / "llama.cpp" / "config.ini"
        config.parent.mkdir(parents=True)
        config.write_text("ctx-size = not-a-number\n")
        hostile = {**os.environ, CONFIG_HOME: str(tmp_path / "config")}
        assert not await self.parses(llama_server, hostile)
        private = tmp_path / "private"
        clean = engine_environment(hostile, api_key="k", private_config=private, child_mode=False)
        assert await self.parses(llama_server, clean)
