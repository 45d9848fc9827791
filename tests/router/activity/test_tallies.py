from __future__ import annotations

from router.activity.tallies import MOST_MODELS, OTHER, Histogram, Tallies
from tests.router.activity.records import record


def test_requests_are_counted_by_what_they_were() -> None:
    tallies = Tallies()
    for status in (200, 200, 404):
        tallies.add(record(status=status, code="model.not_found" if status == 404 else ""))
    counts = {(series.status, series.code): tally.requests for series, tally in tallies.by.items()}
    assert counts == {(200, ""): 2, (404, "model.not_found"): 1}
    answered = next(tally for series, tally in tallies.by.items() if series.status == 200)
    assert (answered.prompt, answered.cached, answered.completion) == (24, 8, 60)


def test_what_anybody_may_make_up_is_bounded() -> None:
    tallies = Tallies()
    for number in range(5 * MOST_MODELS):
        tallies.add(record(model=f"m{number}", upstream="far"))
        tallies.add(record(path=f"/made/up/{number}", dialect="-", model="", slot=""))
    assert len(tallies.by) == MOST_MODELS + 2
    assert {series.path for series in tallies.by} == {"/v1/chat/completions", OTHER}
    assert sum(tally.requests for tally in tallies.by.values()) == 10 * MOST_MODELS


def test_a_bucket_holds_what_is_at_most_its_end() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 3.0):
        histogram.add(value)
    assert histogram.counts == [2, 2, 1] and histogram.total == 8.0
