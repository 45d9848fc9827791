"""hal0's own figures in Prometheus' text format (GET /metrics); the library is imported on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from router.activity.switches import Switches
from router.activity.tallies import FIRST_BYTE, TOTAL, WAITED, Histogram, Series, Tallies, Tally
from router.state import DownloadState, SlotState, Snapshot, UpstreamState

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Samples = Iterable[tuple[tuple[str, ...], float]]


def metrics_text(snapshot: Snapshot, tallies: Tallies, switches: Switches, lost: int) -> bytes:
    """Return the metrics in Prometheus' text format. Takes milliseconds and reads /proc: not for an event
    loop."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class Own(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from _of_requests(dict(tallies.by))
            yield from _of_switches(switches)
            yield from _of_slots(snapshot)
            yield from _of_memory(snapshot)
            yield from _of_the_rest(snapshot, lost)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Own())
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _of_requests(by: Mapping[Series, Tally]) -> Iterator[Metric]:
    # In the order of Series: slot, model, path, status, code, outcome.
    labels = ("slot", "model", "path", "status", "code", "outcome")
    counted = [(tuple(map(str, series)), float(tally.requests)) for series, tally in by.items()]
    yield _counter("hal0_requests", "Requests that are over, by how they ended.", labels, counted)
    tokens: dict[tuple[str, ...], float] = {}
    histograms: dict[str, dict[tuple[str, ...], Histogram]] = {"first": {}, "total": {}, "waited": {}}
    for series, tally in by.items():
        slot, model, path = series[0], series[1], series[2]
        for kind, count in (
            ("prompt", tally.prompt),
            ("cached", tally.cached),
            ("completion", tally.completion),
        ):
            tokens[slot, model, kind] = tokens.get((slot, model, kind), 0.0) + count
        _merge(histograms["first"], (slot, model), tally.first_byte, FIRST_BYTE)
        _merge(histograms["total"], (slot, path), tally.total, TOTAL)
        _merge(histograms["waited"], (slot,), tally.waited, WAITED)
    yield _counter(
        "hal0_tokens",
        "Tokens of prompts (also those from the cache), from the cache, and generated.",
        ("slot", "model", "type"),
        tokens.items(),
    )
    for name, about, of, own in (
        ("first_token_seconds", "From a request's arrival to the first byte of its answer.", "first", "model"),
        ("request_seconds", "From a request's arrival to its end.", "total", "path"),
        ("wait_seconds", "For a turn and a load, until somebody took the request.", "waited", None),
    ):
        wanted = ("slot",) if own is None else ("slot", own)
        yield _histogram(f"hal0_{name}", about, wanted, histograms[of])


def _of_switches(switches: Switches) -> Iterator[Metric]:
    loads = dict(switches.loads).items()
    yield _counter("hal0_loads", "Loads of a model, by how they ended.", ("slot", "result"), loads)
    for name, about, counts in (
        ("switches", "Loads that took another model's place.", switches.switches),
        ("evictions", "Times a slot was emptied to make room for another one.", switches.evictions),
    ):
        yield _counter(f"hal0_{name}", about, ("slot",), _by_slot(counts))
    seconds: dict[tuple[str, ...], Histogram] = {
        (slot,): histogram for slot, histogram in dict(switches.seconds).items()
    }
    yield _histogram("hal0_load_seconds", "Of loads that succeeded.", ("slot",), seconds)


def _of_slots(snapshot: Snapshot) -> Iterator[Metric]:
    slots = snapshot.slots
    yield _gauge(
        "hal0_slot_state",
        "1 for the state a slot is in.",
        ("slot", "state"),
        (((s.name, state.value), float(s.state is state)) for s in slots for state in SlotState),
    )
    loaded = (((s.name, s.model or ""), 1.0) for s in slots if s.loaded)
    yield _gauge("hal0_slot_model", "1 for the model that answers in a slot.", ("slot", "model"), loaded)
    for name, about, samples in (
        ("in_flight", "Requests that are being answered.", ((s.name, s.in_flight) for s in slots)),
        ("queued", "Requests that wait.", ((s.name, s.queued) for s in slots)),
        (
            "tokens_per_second",
            "Of the last answer, as its engine said.",
            ((s.name, s.tokens_per_second) for s in slots if s.tokens_per_second is not None),
        ),
    ):
        yield _gauge(f"hal0_{name}", about, ("slot",), (((slot,), float(value)) for slot, value in samples))


def _of_memory(snapshot: Snapshot) -> Iterator[Metric]:
    # Two GPUs may have the same name.
    devices = [(f"{index}", device) for index, device in enumerate(snapshot.memory)]
    labels = ("device", "name")
    for name, about in (
        ("total", "Of a device."),
        ("used", "Of a device, by whomever."),
        ("used_by_slots", "Of a device."),
    ):
        samples = (((index, device.name), float(getattr(device, name))) for index, device in devices)
        yield _gauge(f"hal0_memory_{name}_bytes", about, labels, samples)
    held = (
        ((slot.name, index), float(size))
        for slot in snapshot.slots
        for (index, _device), size in zip(devices, slot.memory_by_device, strict=False)
    )
    yield _gauge("hal0_slot_memory_bytes", "Held by a slot's engine.", ("slot", "device"), held)


def _of_the_rest(snapshot: Snapshot, lost: int) -> Iterator[Metric]:
    up = (((u.name,), float(u.state is UpstreamState.OK)) for u in snapshot.upstreams)
    yield _gauge("hal0_upstream_up", "Whether a server elsewhere was well when last seen.", ("upstream",), up)
    states = [download.state for download in snapshot.downloads]
    counts = (((state.value,), float(states.count(state))) for state in DownloadState)
    yield _gauge("hal0_downloads", "Models on their way from Hugging Face.", ("state",), counts)
    running = [d for d in snapshot.downloads if d.state is DownloadState.RUNNING]
    speed = sum(download.speed or 0.0 for download in running)
    yield _gauge("hal0_download_bytes_per_second", "Of all downloads together.", (), [((), speed)])
    yield _counter("hal0_activity_lost", "Records that could not be kept on disk.", (), [((), float(lost))])
    version = [((snapshot.server.version,), 1.0)]
    yield _gauge("hal0_build_info", "1; its version is the label.", ("version",), version)


# -- families --------------------------------------------------------------------------------------------


def _counter(name: str, about: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    from prometheus_client.metrics_core import CounterMetricFamily

    family = CounterMetricFamily(name, about, labels=labels)
    for values, count in samples:
        family.add_metric(values, count)
    return family


def _gauge(name: str, about: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(name, about, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _histogram(
    name: str, about: str, labels: tuple[str, ...], found: Mapping[tuple[str, ...], Histogram]
) -> Metric:
    from prometheus_client.metrics_core import HistogramMetricFamily

    family = HistogramMetricFamily(name, about, labels=labels)
    for values, histogram in found.items():
        buckets, below = [], 0
        ends = (*(f"{bound:g}" for bound in histogram.bounds), "+Inf")
        for end, count in zip(ends, histogram.counts, strict=True):
            below += count
            buckets.append((end, float(below)))
        family.add_metric(values, buckets, histogram.total)
    return family


def _merge(
    into: dict[tuple[str, ...], Histogram],
    key: tuple[str, ...],
    histogram: Histogram,
    bounds: tuple[float, ...],
) -> None:
    into.setdefault(key, Histogram(bounds)).merge(histogram)


def _by_slot(counts: Mapping[str, int]) -> Samples:
    return [((slot,), float(count)) for slot, count in dict(counts).items()]
