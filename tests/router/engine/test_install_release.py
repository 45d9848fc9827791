from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from router.base.errors import InstallFailed
from router.base.paths import Paths
from router.base.tasks import spawn
from router.config.schema import EngineConfig
from router.engine.find import list_engines
from router.engine.install import InstallProgress, install_engine
from router.engine.install.release import parse_release
from router.engine.probe import EngineBuild
from router.engine.store import SERVER_NAME
from tests.router.engine.fake_engines import partials, paths_in, script
from tests.router.engine.release_server import NAME, WINDOWS, Fault, ReleaseServer, archive, serving


@pytest.fixture(autouse=True)
def nothing_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("HAL0_LLAMA_SERVER", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with blockbuster_ctx("router"):
        yield


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path)


def quiet(_progress: InstallProgress) -> None:
    """Progress nobody looks at."""


async def install(paths: Paths, server: ReleaseServer) -> EngineBuild:
    return await install_engine(paths, source="release", on_progress=quiet, release_api=server.api)


async def found(paths: Paths) -> list[EngineBuild]:
    return await asyncio.to_thread(list_engines, EngineConfig(), paths)


def engine_names(paths: Paths) -> list[str]:
    return [f.name for f in (paths.data / "engines").iterdir() if f.name != ".lock"]


async def test_the_build_that_the_latest_release_points_to_is_installed(paths: Paths) -> None:
    steps: list[InstallProgress] = []
    async with serving() as server:
        engine = await install_engine(paths, source="release", on_progress=steps.append, release_api=server.api)
    assert (engine.version, engine.build) == ("0.6.0 (build 11433)", 11433)
    assert engine.path == paths.data / "engines" / "release-b11433-cpu" / "bin" / SERVER_NAME
    assert (engine.path.parent / ("llama.dll" if WINDOWS else "libllama.so")).is_file()
    assert await found(paths) == [engine]
    assert engine_names(paths) == ["release-b11433-cpu"]
    loaded = [s.done_bytes for s in steps if s.done_bytes is not None]
    assert loaded == sorted(loaded)
    assert loaded[-1] == len(server.content)
    assert {s.total_bytes for s in steps if s.done_bytes is not None} == {len(server.content)}


async def test_an_installed_build_is_preferred_again_without_a_download(paths: Paths) -> None:
    async with serving() as server:
        first = await install(paths, server)
        current = paths.data / "engines" / "current"
        await asyncio.to_thread(current.write_text, "another")
        assert await install(paths, server) == first
        assert server.downloads == 1
    assert not current.exists()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.WRONG_DIGEST, "is not what llama.cpp published"),
        (Fault.NO_DIGEST, "tells no checksum"),
        (Fault.CUT, "broke off"),
        (Fault.RATE_LIMIT, "no more requests"),
        (Fault.NO_BINARIES, "has no build for"),
    ],
)
async def test_a_failed_install_leaves_nothing(paths: Paths, fault: Fault, reason: str) -> None:
    async with serving(fault=fault) as server:
        with pytest.raises(InstallFailed, match=reason):
            await install(paths, server)
        assert server.downloads == (1 if fault in (Fault.WRONG_DIGEST, Fault.CUT) else 0)
    assert engine_names(paths) == []


async def test_an_archive_that_leads_outside_leaves_nothing(paths: Paths, tmp_path: Path) -> None:
    async with serving(archive(evil=True)) as server:
        with pytest.raises(InstallFailed, match="could not be unpacked"):
            await install(paths, server)
    assert engine_names(paths) == []
    assert not await asyncio.to_thread(lambda: list(tmp_path.rglob("evil")))


async def test_an_engine_that_does_not_run_here_is_taken_back(paths: Paths) -> None:
    async with serving(archive(script(code=1))) as server:
        with pytest.raises(InstallFailed, match=r"does not run here.*code 1"):
            await install(paths, server)
    assert engine_names(paths) == []


async def test_a_cancelled_install_leaves_nothing_and_frees_the_lock(paths: Paths) -> None:
    async with serving(fault=Fault.STALL) as server:
        installing = spawn(install(paths, server), name="install")
        await asyncio.wait_for(server.stalled.wait(), 20)
        assert len(partials(paths)) == 1
        installing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await installing
    assert engine_names(paths) == []
    async with serving() as server:
        assert (await install(paths, server)).build == 11433


async def test_a_second_install_waits_its_turn_and_disturbs_nothing(paths: Paths) -> None:
    async with serving(fault=Fault.STALL) as server:
        installing = spawn(install(paths, server), name="install")
        await asyncio.wait_for(server.stalled.wait(), 20)
        with pytest.raises(InstallFailed, match="Another hal0 is installing"):
            await install(paths, server)
        assert await found(paths) == []
        assert len(partials(paths)) == 1
        installing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await installing


async def test_a_killed_install_cannot_be_found_and_is_cleaned_up(paths: Paths, tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from router.engine.install import install_engine
from tests.router.engine.fake_engines import paths_in
asyncio.run(install_engine(
    paths_in(Path(sys.argv[1])), source="release", on_progress=lambda p: None, release_api=sys.argv[2]))
"""
    async with serving(fault=Fault.STALL) as server:
        root = str(Path(__file__).parents[3])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, str(tmp_path), server.api), env={**os.environ, "PYTHONPATH": root}
        )
        await asyncio.wait_for(server.stalled.wait(), 30)
        process.kill()
        await process.wait()
    assert len(partials(paths)) == 1
    assert await found(paths) == []
    assert engine_names(paths) == []


async def test_when_everything_fails_every_reason_is_told(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # neither apt-get nor a compiler
    async with serving(fault=Fault.RATE_LIMIT) as server:
        with pytest.raises(InstallFailed) as caught:
            await install_engine(paths, on_progress=quiet, release_api=server.api)
    assert "llama.cpp's releases: GitHub answers no more requests" in caught.value.message
    assert "PyPI: Building llama.cpp from PyPI needs a C++ compiler" in caught.value.message


async def test_nobody_listening_is_told_in_one_sentence(paths: Paths) -> None:
    async with serving() as server:
        api = server.api
    with pytest.raises(InstallFailed, match="GitHub could not be reached"):
        await install_engine(paths, source="release", on_progress=quiet, release_api=api)


@pytest.mark.parametrize(
    "raw", [[], {}, {"tag_name": "../x", "assets": []}, {"tag_name": "b1", "assets": [{"name": NAME}]}]
)
def test_what_is_no_release_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match=r"release|tag"):
        parse_release(raw)
