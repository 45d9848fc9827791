"""Windows' own ways of ending, of refusing files, and of naming them."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from app.views.menu import Action, Command, Row, menu_spec
from router.wire.snapshot_read import parse_snapshot
from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import WAIT_SECONDS, Hal0

if sys.platform != "win32":
    pytest.skip("Windows' own", allow_module_level=True)
from tests.e2e.windows_events import (
    CTRL_BREAK,
    CTRL_CLOSE,
    DOWN,
    RETURN,
    click_in_tray,
    console_event,
    end_session,
    menus_of,
    press,
    windows_of,
)

LOG_BYTES = 5 * 1024 * 1024
ON_WINE = hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def local(hal0: Hal0) -> Path:
    return hal0.home / "AppData" / "Local" / "hal0"


async def ended(hal0: Hal0) -> int:
    assert hal0.process is not None
    return await asyncio.to_thread(hal0.process.wait, WAIT_SECONDS)


def pid(hal0: Hal0) -> int:
    assert hal0.process is not None
    return hal0.process.pid


@pytest.mark.parametrize("event", [CTRL_CLOSE, CTRL_BREAK], ids=["closed", "Ctrl+Break"])
async def test_the_end_of_its_console_ends_it_well(hal0: Hal0, event: int) -> None:
    engines = hal0.engines()
    console_event(pid(hal0), event)
    assert await ended(hal0) == 0, "what Windows ends has another code"
    assert engines and not any(engine.is_running() for engine in engines)


@pytest.fixture
async def tray(make_hal0: Callable[[str], Hal0]) -> Hal0:
    """Its tray on Windows' own platform, with alpha ready."""
    running = make_hal0(SLOTS)
    running.env["QT_QPA_PLATFORM"] = "windows"
    await running.start("tray", "--hidden")
    await running.until_ready("alpha")
    return running


async def test_logging_off_ends_the_tray_well(tray: Hal0) -> None:
    engines = tray.engines()
    assert windows_of(pid(tray))
    answers = await asyncio.to_thread(end_session, pid(tray))
    assert set(answers) == {1}, "it does not hold Windows up"
    assert engines and not any(engine.is_running() for engine in engines), "gone when Windows has its answer"
    assert await ended(tray) == 0


async def until_menus(hal0: Hal0, count: int) -> int:
    """Wait until that many menus are open, and return the window of one."""
    async with asyncio.timeout(WAIT_SECONDS):
        while len(open_ := menus_of(pid(hal0))) < count:
            await asyncio.sleep(0.05)
    return open_[0]


def downs(rows: Sequence[Row], wanted: Row) -> int:
    """How often Down is pressed until it is on `wanted`: Windows goes through what is greyed, too."""
    return sum(not row.separator for row in rows[: rows.index(wanted) + 1])


async def test_the_menu_of_its_icon_switches_the_model(tray: Hal0) -> None:
    click_in_tray(pid(tray))
    menu = await until_menus(tray, 1)
    rows = menu_spec(parse_snapshot(await tray.state()), time.time()).rows
    of_slot = next(row for row in rows if row.key == "slot:primary")
    beta = next(row for row in of_slot.rows if row.command == Command(Action.LOAD, "primary", "beta"))
    press(menu, *[DOWN] * downs(rows, of_slot), RETURN)
    await until_menus(tray, 2)
    press(menu, *[DOWN] * (downs(of_slot.rows, beta) - 1), RETURN)
    await tray.until_ready("beta")
    assert await tray.chat() == BETA


async def test_a_console_that_is_closed_ends_its_tray_well(tray: Hal0) -> None:
    engines = tray.engines()
    console_event(pid(tray), CTRL_CLOSE)
    assert await ended(tray) == 0
    assert engines and not any(engine.is_running() for engine in engines)


async def test_what_somebody_reads_for_a_moment_is_saved_all_the_same(hal0: Hal0) -> None:
    """A virus scanner, a backup, an editor: nobody can put another file in the place of one that is open."""
    (selection,) = local(hal0).glob("selection*")
    with selection.open("rb"):
        assert (await hal0.post("/api/slots/primary/load", {"model": "beta"}))[0] == 200
        await asyncio.sleep(0.2)
    async with asyncio.timeout(WAIT_SECONDS):
        while b"beta" not in selection.read_bytes():
            await asyncio.sleep(0.05)
    assert await hal0.stop() == 0
    await hal0.start()
    await hal0.until_ready("beta")
    assert await hal0.chat() == BETA


async def test_a_log_that_is_open_elsewhere_grows_and_is_renamed_the_next_time(
    make_hal0: Callable[[str], Hal0],
) -> None:
    hal0 = make_hal0(SLOTS)
    log = local(hal0) / "Logs" / "hal0.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"of yesterday\n" * (LOG_BYTES // 13))
    with log.open("rb"):
        await hal0.start()
        assert await hal0.chat() == ALPHA
        assert await hal0.stop() == 0
        assert log.stat().st_size > LOG_BYTES and not log.with_name("hal0.log.1").exists()
    await hal0.start()
    await hal0.until_ready("alpha")
    assert await hal0.stop() == 0
    assert b"of yesterday" not in log.read_bytes()
    assert log.with_name("hal0.log.1").stat().st_size > LOG_BYTES


Serve = Callable[[Path], Awaitable[Hal0]]


@pytest.fixture
async def serve(tmp_path: Path, llama_server: Path, model_folder: Path) -> AsyncIterator[Serve]:
    """`await serve(folder)`: serving, with alpha in that folder."""
    made: list[Hal0] = []

    async def start(models: Path) -> Hal0:
        models.mkdir(parents=True)  # noqa: ASYNC240
        shutil.copy(model_folder / "alpha.gguf", models / "alpha.gguf")
        made.append(Hal0.prepare(tmp_path, llama_server, f'model_dirs: ["{models.as_posix()}"]\n{SLOTS}'))
        await made[0].start()
        await made[0].until_ready("alpha")
        return made[0]

    yield start
    for hal0 in made:
        await hal0.close()


@pytest.mark.skipif(ON_WINE, reason="Wine tells no real path of more than 260 characters (ERROR_MORE_DATA)")
async def test_a_model_may_have_a_path_of_more_than_260_characters(tmp_path: Path, serve: Serve) -> None:
    models = tmp_path.joinpath(*(f"{'a long name, as repositories have them':-<60}{n}" for n in range(5)))
    assert len(str(models)) > 300
    assert await (await serve(models)).chat() == ALPHA


@pytest.mark.skipif("HAL0_TEST_DRIVE" not in os.environ, reason="there is no second drive to write to")
async def test_models_may_lie_on_another_drive(tmp_path: Path, serve: Serve) -> None:
    drive = Path(os.environ["HAL0_TEST_DRIVE"])
    assert drive.drive != tmp_path.drive
    above = Path(tempfile.mkdtemp(dir=drive))
    models = above / "models"
    try:
        hal0 = await serve(models)
        assert await hal0.chat() == ALPHA
        listed = await asyncio.to_thread(hal0.cli, "model", "ls", "--json")
        assert Path(json.loads(listed.stdout)["models"][0]["path"]) == models / "alpha.gguf"
        await hal0.close()
    finally:
        shutil.rmtree(above)
