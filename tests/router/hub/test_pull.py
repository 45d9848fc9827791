"""Pulls from a local hub with the real huggingface_hub: whole, cut, paused, damaged, refused."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from router.base.errors import PullFailed
from router.catalog.scan import scan_folders
from router.hub import store
from router.hub.names import parse_reference
from router.hub.pull import Paused, Plan, Pull, PullProgress, Step
from router.memory.forecast.needs import Fit
from tests.hub_server import HubServer
from tests.router.hub import models

REPO = "org/tiny-GGUF"
DELAYS = (0.01,) * 5
Puller = Callable[..., Pull]


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


@pytest.fixture
def pull(hub: HubServer, downloads: Path) -> Puller:
    def make(reference: str = REPO, **kw: object) -> Pull:
        return Pull(parse_reference(reference), downloads, endpoint=hub.url, delays=DELAYS, **kw)  # type: ignore[arg-type]

    return make


def fetched(puller: Pull, steps: list[PullProgress] | None = None) -> Path:
    plan = puller.plan()
    return puller.run(plan, (steps if steps is not None else []).append)


def names(downloads: Path) -> list[str]:
    """What a scan offers, with the reason where it is not whole."""
    return [found.problem or found.id for found in scan_folders([downloads])]


def parts(downloads: Path) -> list[Path]:
    return sorted(downloads.rglob("*.part"))


def test_a_quantisation_is_fetched_with_its_mmproj_and_proven(
    hub: HubServer, downloads: Path, pull: Puller
) -> None:
    small, big = models.model(1), models.model(2)
    hub.add(
        REPO,
        {"m-Q4_K_M.gguf": small, "m-Q8_0.gguf": big, "mmproj-F16.gguf": models.mmproj(), "README.md": b"x"},
    )
    steps: list[PullProgress] = []
    path = fetched(pull(f"{REPO}:q8_0"), steps)
    assert path == downloads / "org" / "tiny-GGUF" / "Q8_0" / "m-Q8_0.gguf"
    assert path.read_bytes() == big
    (found,) = scan_folders([downloads])
    assert (found.id, found.problem) == ("m-Q8_0", None)
    assert found.flags == {"mmproj": str(path.parent / "mmproj-F16.gguf")}
    done = [step.done_bytes for step in steps if step.step is Step.DOWNLOADING]
    assert done == sorted(done) and done[-1] == len(big) + len(models.mmproj())
    assert steps[-1].total_bytes == done[-1] and steps[-1].speed
    if sys.platform != "win32":
        assert (path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077) == (0, 0)
    assert not any((downloads / ".incoming").iterdir())


def test_two_quantisations_lie_side_by_side(hub: HubServer, downloads: Path, pull: Puller) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model(1), "m-Q8_0.gguf": models.model(2)})
    fetched(pull(f"{REPO}:Q4_K_M"))
    fetched(pull(f"{REPO}:Q8_0"))
    assert names(downloads) == ["m-Q4_K_M", "m-Q8_0"]


def test_size_and_fit_are_known_before_anything_is_fetched(hub: HubServer, pull: Puller) -> None:
    data = models.model(ARCH__attention__head_count=8, tokenizer__ggml__tokens=["x" * 30] * 100_000)
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    plan = pull().plan()
    assert plan.fetch_bytes == len(data) and plan.chosen.label == "Q4_K_M" and plan.warning is None
    assert plan.fit is not None and plan.fit.fits == Fit.FITS
    assert plan.fit.needs > len(data) and 0 < plan.fit.free <= plan.fit.total
    asked = [request.range for request in hub.downloads]
    assert asked == ["bytes=0-4194303"], "one window of the file is enough for its header"


def test_what_is_no_model_for_this_engine_is_told(hub: HubServer, pull: Puller) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model(ARCH__block_count=None)})
    plan = pull().plan()
    assert plan.fit is None and plan.warning is not None and "made for another program" in plan.warning


def test_a_cut_line_is_gone_on_with_where_it_broke(hub: HubServer, downloads: Path, pull: Puller) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    hub.cuts = [2 << 20, 1 << 20]
    hub.seen.clear()
    assert puller.run(plan).read_bytes() == data
    first, second, third = hub.sent_from("m-Q4_K_M.gguf")
    assert first == 0 < second <= 2 << 20 and second < third <= 3 << 20
    assert names(downloads) == ["m-Q4_K_M"]


def test_a_line_that_stays_dead_keeps_what_came(hub: HubServer, downloads: Path, pull: Puller) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    hub.cuts = [3 << 20, *(0,) * 10]
    with pytest.raises(PullFailed, match="broke off; check the network and try again"):
        puller.run(plan)
    assert names(downloads) == []
    (part,) = parts(downloads)
    kept = part.stat().st_size
    assert 0 < kept <= 3 << 20 and data.startswith(part.read_bytes())
    hub.cuts.clear()
    hub.seen.clear()
    again = pull()
    plan = again.plan()
    assert plan.done_bytes == kept
    assert again.run(plan).read_bytes() == data
    assert hub.sent_from("m-Q4_K_M.gguf")[-1] == kept


def test_a_pull_is_paused_from_another_thread_and_gone_on_with(
    hub: HubServer, downloads: Path, pull: Puller
) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    with pytest.raises(Paused):
        puller.run(plan, lambda step: puller.pause() if step.done_bytes >= 2 << 20 else None)
    (waiting,) = store.unfinished(downloads)
    assert (waiting.reference, waiting.total_bytes) == (f"{REPO}:Q4_K_M", len(data))
    assert 2 << 20 <= waiting.done_bytes < len(data)
    assert names(downloads) == []
    assert fetched(pull()).read_bytes() == data
    assert store.unfinished(downloads) == []


def test_while_it_comes_no_scan_sees_it(hub: HubServer, downloads: Path, pull: Puller) -> None:
    hub.add(REPO, models.shards("m-Q4_K_M", 3) | {"mmproj-f16.gguf": models.mmproj()})
    puller = pull()
    plan = puller.plan()
    seen: list[list[str]] = []
    path = puller.run(plan, lambda _step: seen.append(names(downloads)))
    assert len(seen) >= 4 and all(listed == [] for listed in seen)
    (found,) = scan_folders([downloads])
    assert (found.id, found.path, found.problem) == ("m-Q4_K_M", path, None)
    assert found.size_bytes == sum(len(data) for data in models.shards("m-Q4_K_M", 3).values())


def test_a_held_download_is_invisible_and_belongs_to_one(hub: HubServer, downloads: Path, pull: Puller) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    hub.hold_after = 3 << 20
    done: list[Path] = []
    worker = threading.Thread(target=lambda: done.append(puller.run(plan)))
    worker.start()
    assert hub.held.wait(10)
    assert names(downloads) == []
    with pytest.raises(PullFailed, match="another hal0"):
        pull().run(plan)
    hub.release.set()
    worker.join(20)
    assert done[0].read_bytes() == data


def test_a_wrong_checksum_throws_the_file_away(hub: HubServer, downloads: Path, pull: Puller) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    hub.corrupt.add("m-Q4_K_M.gguf")
    with pytest.raises(PullFailed, match="not what its checksum promises, so it was thrown away"):
        puller.run(plan)
    assert parts(downloads) == [] and names(downloads) == []
    hub.corrupt.clear()
    assert fetched(pull()).read_bytes() == data


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux's always full device")  # noqa: PTH110
def test_a_full_disk_is_one_sentence_and_can_be_gone_on_with(
    hub: HubServer, downloads: Path, pull: Puller
) -> None:
    """The kernel's own ENOSPC: the part is a link to the device that is always full."""
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    sha256 = hashlib.sha256(data).hexdigest()
    folder = downloads / ".incoming" / "org--tiny-GGUF--Q4_K_M" / "set"
    folder.mkdir(parents=True)
    part = folder / f"m-Q4_K_M.gguf.{sha256[:12]}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(PullFailed) as told:
        puller.run(plan)
    cause = told.value.__cause__
    assert isinstance(cause, OSError) and cause.errno == errno.ENOSPC
    assert told.value.message == (
        f"The disk with {folder} is full: make room and pull again; it continues where it stopped."
    )
    part.unlink()
    part.write_bytes(data[:1234])
    hub.seen.clear()
    assert fetched(pull()).read_bytes() == data
    assert hub.sent_from("m-Q4_K_M.gguf")[-1] == 1234


def test_a_disk_without_room_is_told_before_anything_comes(
    hub: HubServer, downloads: Path, pull: Puller, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model()})
    puller = pull()
    plan = puller.plan()
    # No disk here is known to be nearly full: the spare room is asked for as more than any disk has.
    monkeypatch.setattr("router.hub.fit.SPARE", 1 << 60)
    hub.seen.clear()
    with pytest.raises(PullFailed, match=r"has .* GB free, but 5.2 MB are still to come: make room"):
        puller.run(plan)
    assert hub.seen == []


def test_a_server_that_ignores_ranges_is_served_anew(hub: HubServer, downloads: Path, pull: Puller) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    puller = pull()
    plan = puller.plan()
    hub.cuts = [2 << 20]
    hub.ignores_ranges = True
    assert puller.run(plan).read_bytes() == data


def test_a_part_of_a_version_that_is_gone_is_not_gone_on_with(
    hub: HubServer, downloads: Path, pull: Puller
) -> None:
    repo = hub.add(REPO, {"m-Q4_K_M.gguf": models.model(1)})
    puller = pull()
    plan = puller.plan()
    with pytest.raises(Paused):
        puller.run(plan, lambda step: puller.pause() if step.done_bytes >= 1 << 20 else None)
    repo.files["m-Q4_K_M.gguf"] = models.model(2)
    path = fetched(pull())
    assert path.read_bytes() == models.model(2)
    assert sorted(file.name for file in path.parent.iterdir()) == [".hal0.json", "m-Q4_K_M.gguf"]


def test_a_newer_version_takes_the_place_of_the_old(hub: HubServer, downloads: Path, pull: Puller) -> None:
    repo = hub.add(REPO, {"m-Q4_K_M.gguf": models.model(1)})
    fetched(pull())
    repo.files["m-Q4_K_M.gguf"] = models.model(2)
    assert fetched(pull()).read_bytes() == models.model(2)
    assert names(downloads) == ["m-Q4_K_M"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(hub: HubServer, pull: Puller, status: int) -> None:
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    hub.busy = [(status, None), (status, "0")]
    assert fetched(pull()).read_bytes() == data


def test_a_server_that_asks_for_a_long_wait_is_told(hub: HubServer, pull: Puller) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model()})
    hub.busy = [(429, "3600")]
    with pytest.raises(PullFailed, match="takes no more requests for now"):
        pull().plan()


def test_a_repository_that_is_not_there(hub: HubServer, pull: Puller) -> None:
    with pytest.raises(PullFailed, match=f"{hub.url} has no model org/none, or does not show it to you"):
        pull("org/none").plan()


def test_a_server_that_is_not_there(pull: Puller, tmp_path: Path) -> None:
    puller = Pull(parse_reference(REPO), tmp_path, endpoint="http://127.0.0.1:9", delays=(0.0,))
    with pytest.raises(PullFailed, match=r"could not be reached .*; check the network"):
        puller.plan()


def test_a_gated_model_says_what_to_do(hub: HubServer, pull: Puller, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model()}, token="hf_right", gated=True)
    with pytest.raises(PullFailed) as told:
        pull().plan()
    assert told.value.message == (
        f"{REPO} is gated: accept its terms at {hub.url}/{REPO} in your browser, then run `hf auth login` or "
        "set HF_TOKEN, and try again."
    )
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(PullFailed, match="with the account your token belongs to"):
        pull().plan()


def test_the_token_is_taken_from_its_own_place_and_goes_nowhere_else(
    hub: HubServer, private_home: Path, pull: Puller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data}, token="hf_secret", gated=True)
    (private_home / "token").write_text("hf_secret")
    path = fetched(pull())
    assert path.read_bytes() == data
    assert {seen.authorization for seen in hub.seen if not seen.cdn} == {"Bearer hf_secret"}
    assert {seen.authorization for seen in hub.downloads} == {None}
    assert "hf_secret" not in caplog.text
    assert "hf_secret" not in (path.parent / ".hal0.json").read_text()


def test_the_server_is_what_huggingface_hub_takes_for_the_hub(hub: HubServer, tmp_path: Path) -> None:
    """The local hub is held against the real client's own download, checksum headers and all."""
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

    data = models.model()
    hub.add(REPO, {"m-Q4_K_M.gguf": data})
    api = HfApi(endpoint=hub.url)
    path = api.hf_hub_download(REPO, "m-Q4_K_M.gguf", local_dir=tmp_path / "there")
    assert Path(path).read_bytes() == data
    told = get_hf_file_metadata(hf_hub_url(REPO, "m-Q4_K_M.gguf", endpoint=hub.url), endpoint=hub.url)
    assert (told.etag, told.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_nothing_is_fetched_twice(hub: HubServer, pull: Puller) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model()})
    path = fetched(pull())
    hub.seen.clear()
    plan: Plan = pull().plan()
    assert plan.here == path and hub.downloads == []


def test_without_a_network_a_question_is_answered_soon_and_in_words(tmp_path: Path, private_home: Path) -> None:
    """It was silent for half a minute, then said `[Errno -2]`."""
    told: list[tuple[str, float]] = []
    puller = Pull(
        parse_reference(REPO),
        tmp_path,
        endpoint="http://nowhere.invalid",
        ask_delays=(0.0,),
        on_wait=lambda message, seconds: told.append((message, seconds)),
    )
    with pytest.raises(PullFailed) as caught:
        puller.plan()
    assert caught.value.message == (
        "http://nowhere.invalid could not be reached (its name was not found: this computer seems to be "
        "offline); check the network."
    )
    assert told == [], "it is not tried again: nothing would be there a second later"
    refused = Pull(parse_reference(REPO), tmp_path, endpoint="http://127.0.0.1:9", ask_delays=())
    with pytest.raises(PullFailed, match=r"could not be reached \(Connection refused\); check the network\."):
        refused.plan()
