"""The child protocol's lines, and everything that only looks like one."""

from __future__ import annotations

import json

import pytest

from router.engine.child import STATE_PREFIX, ChildState, parse_child_line


def line(message: object) -> str:
    return STATE_PREFIX + json.dumps(message)


def loading(stages: object, current: object, value: object) -> str:
    return line({"state": "loading", "payload": {"stages": stages, "current": current, "value": value}})


def ready(meta: object) -> str:
    return line({"state": "ready", "payload": {"id": "x", "meta": meta}})


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (line({"state": "ready", "payload": {"model": "x"}}), ChildState("ready")),
        (ready({"n_ctx": 2048, "n_ctx_train": 8192}), ChildState("ready", context_length=2048)),
        (ready({"n_ctx": 0}), ChildState("ready")),
        (ready({"n_ctx": True}), ChildState("ready")),
        (ready({"n_ctx": "2048"}), ChildState("ready")),
        (ready([]), ChildState("ready")),
        (line({"state": "sleeping"}), ChildState("sleeping")),
        (line({"state": "loading", "payload": None}), ChildState("loading")),
        (loading(["text_model"], "text_model", 0.29), ChildState("loading", 0.29)),
        (loading(["text_model", "mmproj"], "text_model", 0.5), ChildState("loading", 0.25)),
        (loading(["text_model", "mmproj"], "mmproj", 0.5), ChildState("loading", 0.75)),
        (loading(["text_model"], "text_model", 7), ChildState("loading", 1.0)),
        (loading(["text_model"], "text_model", -1), ChildState("loading", 0.0)),
        (loading(["text_model"], "text_model", float("nan")), ChildState("loading", 0.0)),
        (loading(["text_model"], "text_model", "0.3"), ChildState("loading")),
        (loading(["text_model"], "vocoder", 0.3), ChildState("loading")),
        (loading([], None, 0.3), ChildState("loading")),
        (loading("text_model", "text_model", 0.3), ChildState("loading")),
        (line({"state": "ready", "payload": [1]}), ChildState("ready")),
    ],
)
def test_states(text: str, state: ChildState) -> None:
    assert parse_child_line(text) == state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.00.001 I srv main: loading model",
        " " + line({"state": "ready"}),
        STATE_PREFIX,
        STATE_PREFIX + "{",
        line({"payload": {}}),
        line("ready"),
        line(["ready"]),
        STATE_PREFIX + "[" * 16_000,
        STATE_PREFIX + '{"state": "loading", "payload": ' + '{"a":' * 8_000,
        loading(["text_model"], "text_model", 10**400),
        STATE_PREFIX + '{"state": "loading", "payload": {"value": ' + "9" * 5000 + "}}",
    ],
)
def test_what_is_no_state_is_an_ordinary_line(text: str) -> None:
    assert parse_child_line(text) is None
