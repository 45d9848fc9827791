"""Request bodies: what is read, what is refused, and what the engine gets."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest

from router.base.errors import BadRequest
from router.wire.openai import JsonCall, RequestRules, engine_body, parse_call


@pytest.mark.parametrize(
    ("raw", "model", "stream"),
    [
        (b"{}", None, False),
        (b'{"model": "primary"}', "primary", False),
        (b'{"model": ""}', None, False),
        (b'{"model": null, "stream": true}', None, True),
        (b'{"stream": "true"}', None, False),
        (b'{"stream": 1}', None, False),
        (b'{"stream": null}', None, False),
        (b' \n{"model": "a"}\r\n', "a", False),
        (b'\xef\xbb\xbf{"model": "a"}', "a", False),
        (b'{"model": "a", "model": "b"}', "b", False),
        ('{"model": "Ünïcode 模型"}'.encode(), "Ünïcode 模型", False),
        (b'{"model": "\\ud800"}', "\ud800", False),
        (b'{"model": "a/b:c@d"}', "a/b:c@d", False),
    ],
)
def test_calls(raw: bytes, model: str | None, stream: bool) -> None:
    call = parse_call(raw)
    assert (call.model, call.stream) == (model, stream)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b"null",
        b'"text"',
        b"42",
        b"{} {}",
        b"{'model': 'a'}",
        b'{"model": "a",}',
        b'{"model": 7}',
        b'{"model": ["a"]}',
        b'{"model": {"id": "a"}}',
        b'{"model": false}',
        b'{"model": "\xff"}',
        b'{"temperature": NaN}',
        b'{"temperature": Infinity}',
        b'{"temperature": [-Infinity]}',
        b'{"seed": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"model": "unfinished',
        b"\x00",
    ],
)
def test_what_is_no_call_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_call(raw)
    assert refused.value.message.endswith(".") and len(refused.value.message) < 300


def test_a_wrong_model_names_the_field() -> None:
    with pytest.raises(BadRequest) as refused:
        parse_call(b'{"model": 7}')
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("body", "defaults", "sent"),
    [
        ({"temperature": 0.1}, {"temperature": 0.9, "top_k": 5}, {"temperature": 0.1, "top_k": 5}),
        ({"temperature": None}, {"temperature": 0.9}, {"temperature": None}),
        (
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False, "depth": {"a": 1}}},
            {"chat_template_kwargs": {"enable_thinking": True, "depth": {"a": 1}}},
        ),
        ({"stop": ["a"]}, {"stop": ["b", "c"]}, {"stop": ["a"]}),
        ({"lora": "none"}, {"lora": {"id": 1}}, {"lora": "none"}),
        ({"lora": {"id": 2}}, {"lora": "none"}, {"lora": {"id": 2}}),
        ({"seed": 10**30}, {}, {"seed": 10**30}),
        ({"text": "ü \u2028 \ud800"}, {}, {"text": "ü \u2028 \ud800"}),
    ],
)
def test_defaults_fill_in_what_the_client_left_open(
    body: dict[str, Any], defaults: dict[str, Any], sent: dict[str, Any]
) -> None:
    call = JsonCall({"model": "primary", **body}, "primary", False)
    frozen = MappingProxyType(defaults)
    assert json.loads(engine_body(call, "alpha", frozen)) == {"model": "alpha", **sent}
    assert call.body["model"] == "primary" and "top_k" not in call.body, "the call is not changed"


@pytest.mark.parametrize("kind", ["9", "-1", "1.5", "1e12"])
def test_a_trigger_that_would_abort_the_engine_is_refused(kind: str) -> None:
    with pytest.raises(BadRequest, match="there are only 0") as refused:
        parse_call(f'{{"grammar_triggers": [{{"type": {kind}, "value": "x"}}]}}'.encode())
    assert refused.value.param == "grammar_triggers"


@pytest.mark.parametrize("triggers", ["3", "null", "[3]", "[{}]", '[{"type": "word"}]', '[{"type": 3}]'])
def test_other_triggers_are_the_engines_business(triggers: str) -> None:
    assert parse_call(raw := f'{{"grammar_triggers": {triggers}}}'.encode()).body == json.loads(raw)


@pytest.mark.parametrize(
    ("body", "rules", "sent"),
    [
        ({"top_k": 9, "seed": 1}, RequestRules(strip=("top_k", "mirostat")), {"seed": 1}),
        ({"top_k": 9}, RequestRules({"top_k": 5}, ("top_k",)), {"top_k": 5}),
        ({"top_k": 9}, RequestRules({"top_k": 5}, ("top_k",), {"top_k": 7}), {"top_k": 7}),
        ({"top_k": None}, RequestRules(force={"top_k": 7}), {"top_k": 7}),
        ({"max_completion_tokens": 9}, RequestRules(force={"max_tokens": 2}), {"max_tokens": 2}),
        ({"max_output_tokens": 9, "n_predict": 9}, RequestRules(force={"n_predict": 2}), {"max_tokens": 2}),
        ({"max_tokens": 9}, RequestRules({"n_predict": 2}), {"max_tokens": 9}),
        ({"seed": 1}, RequestRules({"n_predict": 2}), {"seed": 1, "n_predict": 2}),
        (
            {"chat_template_kwargs": {"enable_thinking": True, "depth": 2}},
            RequestRules(force={"chat_template_kwargs": {"enable_thinking": False}}),
            {"chat_template_kwargs": {"enable_thinking": False, "depth": 2}},
        ),
    ],
)
def test_fields_are_taken_out_and_forced(
    body: dict[str, Any], rules: RequestRules, sent: dict[str, Any]
) -> None:
    call = JsonCall({"model": "primary", **body}, "primary", False)
    assert json.loads(engine_body(call, "alpha", rules)) == {"model": "alpha", **sent}
    assert call.body == {"model": "primary", **body}, "the call is not changed"


def test_what_hal0_itself_needs_wins_over_the_rules() -> None:
    rules = RequestRules({}, ("stream_options",), {"stream_options": {"include_usage": False, "more": 1}})
    needed = {"stream": True, "stream_options": {"include_usage": True}}
    sent = json.loads(engine_body(parse_call(b"{}"), "alpha", rules, needed))
    assert sent == {"model": "alpha", "stream": True, "stream_options": {"include_usage": True, "more": 1}}


def test_what_no_rule_changes_goes_on_byte_for_byte() -> None:
    call = parse_call(b'{"model":"alpha",  "seed": 1}')
    assert engine_body(call, "alpha", RequestRules(strip=("top_k",))) is call.raw


def test_defaults_cannot_name_the_model() -> None:
    assert json.loads(engine_body(parse_call(b"{}"), "alpha", {"model": "other"}))["model"] == "alpha"


def test_a_number_json_cannot_say_is_refused() -> None:
    with pytest.raises(BadRequest, match="cannot be handed on"):
        engine_body(parse_call(b'{"temperature": 1e999}'), "alpha", {})


@pytest.mark.parametrize("depth", range(880, 1020, 2))
def test_no_depth_of_nesting_is_a_bug(depth: int) -> None:
    """Reading and writing have their own limits; between them lies no crash."""
    try:
        body = engine_body(parse_call(b'{"a":' * depth + b"1" + b"}" * depth), "alpha", {"x": 1})
    except BadRequest:
        return
    assert body.count(b"{") == depth
