"""The build that suits the GPU, chosen by what the driver says, fetched by the names that a release has."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
from pathlib import Path

import pytest

from router.engine.store import SERVER_NAME
from tests.homes import home_variables, system_variables
from tests.router.engine.fake_engines import script
from tests.router.engine.release_server import WINDOWS, pack, serving
from tests.router.engine.test_install_assets import B11433
from tests.router.memory.stub import ROOT, StubDriver

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the names are those of other computers"
)
GPU = "gpu 24576 1024 37 NVIDIA GeForce RTX 3090"
INSTALL = """
import asyncio, json, sys
from pathlib import Path
from router.engine.install import install_engine
from tests.router.engine.fake_engines import paths_in
engine = asyncio.run(install_engine(
    paths_in(Path(sys.argv[1])), source="release", on_progress=lambda p: None, release_api=sys.argv[2]))
print(json.dumps([str(engine.path), engine.build]))
"""
OS, ENDING, NAMED = ("win", "zip", "") if WINDOWS else ("ubuntu", "tar.gz", "b11433-")
RUNTIME = "cudart64_13.dll" if WINDOWS else "libcudart.so.13"


def release() -> dict[str, bytes]:
    """All files of b11433 by their names; the main archives hold a llama-server, the others a library."""
    server = pack({SERVER_NAME if WINDOWS else f"llama-b11433/{SERVER_NAME}": script("0.6.0 (build 11433, x)")})
    runtime = pack({RUNTIME: b"CUDA's"})
    return {n: runtime if n.startswith("cudart-") else server for n in B11433 if n != "nightly-tag.txt"}


def cuda(version: str) -> tuple[list[str], str]:
    main = f"llama-b11433-bin-{OS}-cuda-{version}-x64.{ENDING}"
    return [main, f"cudart-llama-{NAMED}bin-{OS}-cuda-{version}-x64.{ENDING}"], f"cuda-{version}"


OLDER = "12.4" if WINDOWS else "12.8"


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("cuda 13040 8 6", cuda("13.4")),
        ("cuda 12090 8 6", cuda(OLDER)),
        ("cuda 13040 6 1", cuda(OLDER)),
        ("cuda 12020 8 6", ([f"llama-b11433-bin-{OS}-vulkan-x64.{ENDING}"], "vulkan")),
    ],
    ids=["of now", "an older driver", "an older GPU", "a driver older than any build"],
)
async def test_the_driver_chooses(tmp_path: Path, driver: str, expected: tuple[list[str], str]) -> None:
    stub = await asyncio.to_thread(StubDriver.build, tmp_path)
    stub.say(GPU, driver)
    environment = {**system_variables(), **home_variables(tmp_path), **stub.env(), "PYTHONPATH": str(ROOT)}
    names, flavour = expected
    async with serving(files=release()) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", INSTALL, str(tmp_path), server.api), env=environment, stdout=-1
        )
        told, _ = await process.communicate()
    assert process.returncode == 0 and server.fetched == names
    path, build = json.loads(told)
    beside = tmp_path / "data" / "engines" / f"release-b11433-{flavour}" / "bin"
    assert (Path(path), build) == (beside / SERVER_NAME, 11433)
    assert (beside / RUNTIME).exists() == flavour.startswith("cuda")
