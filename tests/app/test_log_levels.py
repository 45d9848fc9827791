"""`HAL0_LOG`: which parts of hal0 write how much."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from app import cli
from app.system.log_levels import ENV, set_levels

NAMES = ("", "app", "router", "router.slots", "router.hub")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in NAMES}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_one_part_is_seen_inside_while_the_rest_stays_quiet() -> None:
    set_levels("router.slots = debug, router.hub=ERROR")
    assert logging.getLogger("router.slots.scheduler").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("router.state").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("router.hub.pull").isEnabledFor(logging.WARNING)


def test_a_bare_level_is_for_all_of_hal0_and_for_nobody_else() -> None:
    set_levels("debug")
    assert logging.getLogger("router.state").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("app.desktop").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("asyncio").isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("wrong", ["loud", "router=loud", "=", "router", "debug;info"])
def test_what_is_no_level_is_said_and_ignored(wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    set_levels(f"{wrong},router.slots=debug")
    assert logging.getLogger("router.slots").isEnabledFor(logging.DEBUG)
    assert [record.args for record in caplog.records] and wrong in caplog.text


@pytest.mark.parametrize("argv", ["serve --verbose", "--verbose serve", "--verbose", "tray --verbose"])
def test_verbose_is_the_same_as_debug(argv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV, "")
    seen: list[str | None] = []

    def run(_arguments: object) -> int:
        seen.append(os.environ.get(ENV))
        return 0

    monkeypatch.setattr(cli, "_serve", run)
    monkeypatch.setattr(cli, "_tray", run)
    assert cli.main(argv.split()) == 0
    assert seen == ["debug"]
