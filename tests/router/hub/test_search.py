"""hal0's own list, judged by a computer's memory, and searching a hub."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing

import pytest

from router.base.errors import PullFailed
from router.hub.api import Hub
from router.hub.retry import DELAYS, Retrier
from router.hub.search import find, parse_rows
from router.hub.suggestions import listed_models, suggest
from router.memory.measure.pools import Pool
from tests.hub_server import HubServer
from tests.router.hub import models

GB = 1 << 30
KINDS = ("chat", "coder", "vision", "embedding", "rerank")


def gpu(gibibytes: float) -> Sequence[Pool]:
    free = int(gibibytes * GB)
    return (Pool("card", True, free, 0), Pool("RAM", False, 64 * GB, 4 * GB))


def ask(hub: HubServer | str, words: str) -> object:
    endpoint = hub if isinstance(hub, str) else hub.url
    return find(Hub(endpoint), words, Retrier(threading.Event()))


def test_the_list_has_every_kind_smallest_first_and_all_that_a_forecast_reads() -> None:
    listed = listed_models()
    assert tuple(dict.fromkeys(item.kind for item in listed)) == KINDS
    for kind in KINDS:
        sizes = [item.size_bytes for item in listed if item.kind == kind]
        assert sizes == sorted(sizes)
    for item in listed:
        header = item.header
        assert header.block_count and header.head_counts_kv and header.key_length and header.context_length
        assert header.vocabulary_size and item.why.endswith(".") and item.licence


@pytest.mark.parametrize(
    ("gibibytes", "best"),
    [
        (0.2, None),
        (2, "Qwen/Qwen3-0.6B-GGUF:Q8_0"),
        (8, "Qwen/Qwen3-8B-GGUF:Q4_K_M"),
        (24, "unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF:Q4_K_M"),
    ],
)
def test_of_each_kind_the_largest_that_fits_is_the_best(gibibytes: float, best: str | None) -> None:
    found = [item for item in suggest(pools=gpu(gibibytes)) if item.kind == "chat"]
    assert [item.reference for item in found if item.best] == ([best] if best else [])


def test_a_suggestion_is_judged_as_the_model_itself_will_be() -> None:
    (found,) = (item for item in suggest(("8b", "chat"), pools=gpu(8)) if "Qwen3-8B" in item.reference)
    # 36 layers of 8 heads, 128 wide each for keys and values of two bytes, are 144 KiB a token.
    assert (found.room.context_trained, found.room.is_gpu) == (40960, True)
    assert found.room.needs == pytest.approx(found.size_bytes + found.room.context * 144 * 1024, rel=0.1)


def test_words_choose_among_the_suggestions() -> None:
    assert {item.kind for item in suggest(("embedding",), pools=gpu(8))} == {"embedding"}
    assert suggest(("nothing", "like", "this"), pools=gpu(8)) == ()


def test_a_search_tells_most_downloaded_first_what_is_gated_and_which_quantisations(hub: HubServer) -> None:
    files = {"tiny-Q4_K_M.gguf": models.model(), "tiny-Q8_0.gguf": models.model(), "README.md": b"#"}
    gguf = {"total": 600_000_000, "architecture": "qwen3", "context_length": 40960}
    hub.add("org/tiny-GGUF", files, downloads=10, licence="apache-2.0", gguf=gguf)
    hub.add("meta/Tiny-Gated-GGUF", {"g-Q4_0.gguf": models.model()}, downloads=99, gated=True, token="hf_x")
    hub.add("org/tiny", {"model.safetensors": b"no gguf"}, downloads=500)
    hub.add("org/other-GGUF", {"o-Q4_0.gguf": models.model()}, downloads=1000)
    findings = find(Hub(hub.url), "  tiny ", Retrier(threading.Event()))
    gated, plain = findings.repositories
    assert (gated.repo, gated.gated, gated.downloads) == ("meta/Tiny-Gated-GGUF", True, 99)
    assert (plain.repo, plain.gated, plain.licence) == ("org/tiny-GGUF", False, "apache-2.0")
    assert (plain.parameters, plain.architecture, plain.context_trained) == (600_000_000, "qwen3", 40960)
    assert plain.quantisations == ("Q4_K_M", "Q8_0")
    assert hub.downloads == [], "no file was asked for"


def test_without_words_nobody_is_asked(hub: HubServer) -> None:
    assert find(Hub(hub.url), " ", Retrier(threading.Event())).suggestions
    assert hub.seen == []


def test_the_local_hub_answers_the_real_client_alike(hub: HubServer) -> None:
    from huggingface_hub import HfApi

    hub.add("org/a-GGUF", {"a-Q4_0.gguf": models.model()}, downloads=1)
    hub.add("org/b-GGUF", {"b-Q4_0.gguf": models.model()}, downloads=2, gguf={"total": 7})
    listed = HfApi(endpoint=hub.url).list_models(
        search="gguf", filter="gguf", sort="downloads", limit=9, expand=["downloads", "gguf", "siblings"]
    )
    rows = [(info.id, info.downloads, info.gguf) for info in listed]
    assert rows == [("org/b-GGUF", 2, {"total": 7}), ("org/a-GGUF", 1, None)]


def test_who_has_no_network_learns_it_at_once() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(PullFailed) as told:
            ask(endpoint, "qwen")
    assert time.monotonic() - began < sum(DELAYS) / 2, "it was not tried again and again"
    assert told.value.message == (f"{endpoint} could not be reached (Connection refused); check the network.")


def test_what_answers_in_the_hubs_place_is_told(hub: HubServer) -> None:
    hub.sign_in_page = True
    with pytest.raises(PullFailed, match=f"What answers at {hub.url} is not Hugging Face; check HF_ENDPOINT"):
        ask(hub, "qwen")


def test_odd_rows_do_no_harm() -> None:
    rows = [
        {"id": "a/b", "downloads": None, "gguf": "?", "tags": 3, "siblings": [{"rfilename": 1}, 2]},
        {"id": 7},
        {"id": "a/only-mmproj", "siblings": [{"rfilename": "mmproj-f16.gguf"}]},
    ]
    (found,) = parse_rows(rows)
    assert (found.repo, found.downloads, found.quantisations) == ("a/b", 0, ())
