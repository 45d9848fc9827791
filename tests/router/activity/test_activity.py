"""What is told of all records together, and what was deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.activity.activity import Activity
from router.activity.database import Query
from router.activity.record import Outcome
from router.activity.recording import Recording
from router.config.schema import ActivityConfig
from router.state import StateStore


@pytest.fixture
async def activity(tmp_path: Path) -> AsyncIterator[Activity]:
    made = Activity(tmp_path / "activity.db", ActivityConfig(keep=10))
    made.start(StateStore())
    yield made
    await made.close()


def ask(activity: Activity, count: int = 1) -> None:
    for _ in range(count):
        recording = Recording("r", "127.0.0.1", "curl", "/v1/models", "openai")
        recording.broke = Outcome.LEFT
        activity.end(recording)


async def test_a_listing_says_what_follows_and_how_many_there_are(activity: Activity) -> None:
    ask(activity, 3)
    first = await activity.listing(Query(limit=2))
    assert (len(first.records), first.keep, first.kept, first.forgotten) == (2, 10, 3, 0)
    rest = await activity.listing(Query(limit=2, before=first.next))
    assert len(rest.records) == 1 and rest.next is None


async def test_whoever_listens_is_told_up_to_which_record_all_are_deleted(activity: Activity) -> None:
    heard: list[int] = []
    end = activity.when_forgotten(lambda: heard.append(activity.forgotten))
    ask(activity, 3)
    newest = (await activity.listing(Query())).records[0].id
    await activity.clear()
    assert heard == [newest]
    ask(activity)
    left = await activity.listing(Query())
    assert left.forgotten == newest < left.records[0].id
    end()
    await activity.clear()
    assert len(heard) == 1


async def test_what_was_kept_before_the_start_is_deleted_too(tmp_path: Path) -> None:
    before = Activity(tmp_path / "activity.db", ActivityConfig(keep=10))
    before.start(StateStore())
    ask(before)
    newest = (await before.listing(Query())).records[0].id
    await before.close()
    after = Activity(tmp_path / "activity.db", ActivityConfig(keep=10))
    after.start(StateStore())
    await after.clear()
    assert after.forgotten == newest
    await after.close()


async def test_to_keep_none_deletes_what_was_kept(activity: Activity) -> None:
    heard = asyncio.Event()
    activity.when_forgotten(heard.set)
    ask(activity)
    newest = (await activity.listing(Query())).records[0].id
    activity.use(ActivityConfig(keep=0))
    assert heard.is_set() and activity.forgotten == newest
    found = await activity.listing(Query())
    assert (found.records, found.keep, found.kept) == ((), 0, 0)
