"""Row 19: the reason is told, whatever the shape of the body it comes in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.base.error_text import SAID, error_text
from router.base.errors import EngineRefused

NGINX = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center>"
)
CLOUDFLARE = b"""<!DOCTYPE html><!--[if lt IE 7]> <html class="no-js ie6"> <![endif]--><head>
<title>api.example.com | 524: A timeout occurred</title></head><body><h1>x</h1></body></html>"""
SHAPES: list[tuple[object, str]] = [
    ({"detail": [{"loc": ["body", "messages", 0], "msg": "field required"}]}, "messages.0: field required"),
    (
        {
            "detail": [
                {"type": "missing", "loc": ["body", "a"], "msg": "A."},
                {"loc": ["query", "b"], "msg": "B"},
            ]
        },
        "a: A.; query.b: B",
    ),
    ({"detail": "Not authenticated"}, "Not authenticated"),
    ({"detail": {"error": "nested", "code": 3}}, "nested"),
    ({"detail": []}, ""),
    ({"error": "model not loaded"}, "model not loaded"),
    ({"error": {"message": "Too long"}}, "Too long"),
    ({"error": {"message": ["one", "two"]}}, "one; two"),
    ({"error": {"message": {"detail": "deep"}}}, "deep"),
    ({"error": {"code": 1013}}, "code 1013"),
    ({"error": {"type": "rate_limit_error", "message": ""}}, "rate_limit_error"),
    ({"error": True, "message": "said"}, "said"),
    ({"error": None, "message": "said"}, "said"),
    ({"error": "Not Found", "message": "No handler", "status": 404, "path": "/v1"}, "Not Found: No handler"),
    ({"error": "invalid_grant", "error_description": "Expired"}, "invalid_grant: Expired"),
    (
        {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error":{"message":"Busy"}}'}}},
        "Provider returned error: Busy",
    ),
    ({"error": {"message": "P", "metadata": {"raw": "overloaded", "provider_name": "x"}}}, "P: overloaded"),
    ({"message": "Internal"}, "Internal"),
    ({"Message": "User is not authorized"}, "User is not authorized"),
    (
        [{"error": {"code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT"}}],
        "API key not valid",
    ),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "Overloaded"),
    ({"__type": "com.amazon#ThrottlingException", "message": "Too many"}, "Too many"),
    ({"__type": "com.amazon#ThrottlingException"}, "ThrottlingException"),
    ({"title": "Out of credit", "detail": "Balance is 30", "status": 403}, "Out of credit: Balance is 30"),
    ({"title": "Out of credit"}, "Out of credit"),
    ({"error": "Input too long", "error_type": "validation"}, "Input too long"),
    ({"error": {"message": "Failed to call", "failed_generation": "<x>"}}, "Failed to call: <x>"),
    ({"error": '{"message": "in a string"}'}, "in a string"),
    ({"error": {"message": 'Error code: 400 - {"error": {"message": "Bad"}}'}}, "Error code: 400: Bad"),
    ({"success": False, "errors": [{"code": 7000, "message": "No route"}]}, "No route"),
    ({"object": "error", "message": "max context is 4096", "code": 40303}, "max context is 4096"),
    ({"errors": ["a", "b", "c", "d"]}, "a; b; c"),
    ({"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2"}}}, "Invalid ApiKey"),
    ({"code": 1211, "msg": "Model does not exist", "success": False}, "Model does not exist"),
    ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "login fail"),
    ({"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "too big"}]}}, "n: too big"),
    ({"error": ["Error in `parameters`"], "warnings": ["x"]}, "Error in `parameters`"),
    ("Just words.\nOn two lines.", "Just words. On two lines."),
    (NGINX, "502 Bad Gateway"),
    (CLOUDFLARE, "api.example.com | 524: A timeout occurred"),
    (b"<html><body><h1>It&#39;s down</h1></body></html>", "It's down"),
    (b"<html><body>Go <b>away</b></body></html>", "Go away"),
    (b'<?xml version="1.0"?><Error><Code>X</Code><Message>Denied</Message></Error>', "Denied"),
    (b'data: {"error": {"message": "streamed"}}\n\n', "streamed"),
    (b'event: error\ndata: {"type":"error","error":{"message":"streamed"}}\n\n', "streamed"),
    (b'\xef\xbb\xbf{"error": "with a BOM"}', "with a BOM"),
    (b"\xff\xfe bad", "�� bad"),
    (b'"only a string"', "only a string"),
    (b'{"error": "cut', '{"error": "cut'),
    (b"upstream connect error", "upstream connect error"),
    (b"", ""),
    (b"null", ""),
    (None, ""),
    (17, ""),
    ("\x1b[31mred", "[31mred"),
]


@pytest.mark.parametrize(("body", "sentence"), SHAPES, ids=lambda value: str(value)[:60])
def test_the_telling_sentence(body: object, sentence: str) -> None:
    assert error_text(body) == sentence
    if isinstance(body, dict | list):
        assert error_text(json.dumps(body).encode()) == sentence


def test_it_is_bounded() -> None:
    assert len(error_text({"error": "x" * 9999})) == SAID
    deep: object = "x"
    for _ in range(500):
        deep = {"error": deep}
    assert error_text(deep) == ""
    assert error_text(b"[" * 100_000) != "anything but an exception"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "loc", "msg", "metadata", "raw"]), inner
        )
    ),
    max_leaves=12,
)


@given(VALUES | st.binary(max_size=80))
def test_any_body_ends_in_one_short_line(body: object) -> None:
    said = error_text(body)
    assert len(said) <= SAID and "\n" not in said and said == said.strip()


@pytest.mark.parametrize(("body", "sentence"), SHAPES, ids=lambda value: str(value)[:60])
def test_engines_errors_are_told_by_the_same_function(body: object, sentence: str) -> None:
    error = EngineRefused.from_body(422, body)
    assert error.status == 422 and error.message == (sentence or "The engine refused the request; see its log.")
