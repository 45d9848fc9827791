"""A real install: real mirror, real signatures, real packages, and the result serves a real model."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from router.base.errors import InstallFailed
from router.config.schema import EngineConfig
from router.engine.environment import scrubbed
from router.engine.find import EngineSource, find_engine, list_engines
from router.engine.install import InstallProgress, install_engine
from router.engine.install.apt import acquire_settings, private_apt
from router.engine.install.debian import install_debian
from router.engine.install.elf import find_patchelf
from tests.router.engine.fake_engines import partials, paths_in

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs Debian's apt-get")
DEMO = Path(__file__).parents[3] / "resources" / "hal0-demo.gguf"


async def test_debian_install_serves_a_model_and_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = paths_in(tmp_path / "with a space")
    steps: list[InstallProgress] = []
    # The first use of a thread imports the pool, which reads files.
    await asyncio.to_thread(paths.create)
    with blockbuster_ctx("router"):
        engine = await install_engine(paths, source="debian", on_progress=steps.append)

    folder = engine.path.parents[1]
    assert engine.source is EngineSource.DATA
    assert engine.build is not None
    assert folder == paths.data / "engines" / f"debian-{engine.build}"
    assert "Unpacking" in [s.step for s in steps]
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    assert engine in await asyncio.to_thread(list_engines, EngineConfig(), paths)
    chosen = EngineConfig(llama_server=engine.path)
    assert (await asyncio.to_thread(find_engine, chosen, paths)).version == engine.version
    assert partials(paths) == []
    _runs_with_its_own_libraries(folder, engine.path)
    await _becomes_ready(engine.path, tmp_path)

    with blockbuster_ctx("router"):
        again = await install_engine(paths, source="debian", on_progress=steps.append)
    assert again == engine
    assert partials(paths) == []


def _runs_with_its_own_libraries(folder: Path, server: Path) -> None:
    patchelf = find_patchelf()
    assert Path(patchelf.interpreter(server)).parent == folder / "lib"
    for library in (folder / "lib").iterdir():
        assert patchelf.rpath(library) in ("", "$ORIGIN")


async def _becomes_ready(server: Path, folder: Path) -> None:
    """Its child protocol says `ready` only with a CPU backend found and the model loaded."""
    process = await asyncio.create_subprocess_exec(
        *(server, "-m", DEMO, "--host", "127.0.0.1", "--port", "0"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**scrubbed(os.environ), "LLAMA_SERVER_ROUTER_PORT": "1", "XDG_CONFIG_HOME": str(folder)},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        async with asyncio.timeout(30):
            lines = [line async for line in _until_ready(process.stdout)]
            process.stdin.close()
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b'"ready"' in lines[-1]


async def _until_ready(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    async for line in stream:
        yield line
        if b'"state":"ready"' in line:
            return


async def test_without_a_debian_mirror_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.engine.install.debian.read", lambda: [])
    with pytest.raises(InstallFailed, match="no Debian mirror"):
        await install_debian(tmp_path, lambda _progress: None)


async def test_a_mirror_without_the_packages_fails_for_each_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.engine.install.debian.debian_mirrors", lambda _s: [f"file:{tmp_path}/nowhere"])
    with pytest.raises(InstallFailed, match=r"^sid: apt-get ended with code 100: E: .* testing: apt-get"):
        await install_engine(paths_in(tmp_path), source="debian", on_progress=lambda _progress: None)
    assert partials(paths_in(tmp_path)) == []


def test_our_apt_uses_no_folder_and_no_hook_of_the_system(tmp_path: Path) -> None:
    settings = ['Acquire::http::Proxy "http://proxy.example:3128";']
    apt = private_apt(
        tmp_path / "apt", mirror="http://m.example/debian", suite="sid", architecture="amd64", settings=settings
    )
    dump = subprocess.run(
        ["apt-config", "dump"], env=apt.environment, capture_output=True, text=True, check=True
    )
    shell = subprocess.run(
        ["apt-config", "shell", "LISTS", "Dir::State::lists/f", "STATUS", "Dir::State::status/f"],
        env=apt.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Post-Invoke" not in dump.stdout
    assert settings[0] in dump.stdout
    assert shell.stdout.count(str(tmp_path)) == 2


def test_only_settings_for_reaching_the_network_are_taken_over() -> None:
    dump = """\
APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::Check-Valid-Until "false";
Acquire::AllowInsecureRepositories "true";
Acquire::IndexTargets::deb::DEP-11::MetaKey "x";
Acquire::Languages "de";
"""
    assert acquire_settings(dump) == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::Check-Valid-Until "false";',
    ]
