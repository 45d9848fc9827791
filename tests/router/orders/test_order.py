"""Orders as requests, and back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from router.base.errors import BadRequest
from router.config.change import REMOVE, ConfigChange
from router.orders.kinds import (
    Cancel,
    DeleteModel,
    Download,
    EditConfig,
    Forget,
    Load,
    ReadActivity,
    ReadEngineLog,
    ReadOffer,
    UnloadAll,
)
from router.orders.order import Order, decode, encode
from router.state import DownloadOrder

HOSTILE = ["my slot", "a/b", "ä", "../../x", "new\nline", "%2F", "{slot}"]


def back(order: Order[Any], path: dict[str, str]) -> Order[Any]:
    """What a server makes of the request that `order` is, with these parts in its path."""
    call = encode(order)
    parts = urlsplit(call.target)
    assert unquote(parts.path) == order.endpoint.path.format(**path)
    told = dict(parse_qsl(parts.query)) if call.body is None else json.loads(json.dumps(call.body))
    return decode(type(order), path, told)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_sent_is_what_is_taken(name: str) -> None:
    changes = (ConfigChange(("a", name), None), ConfigChange(("c",), REMOVE), ConfigChange(("d",), [1]))
    orders: list[tuple[Order[Any], dict[str, str]]] = [
        (Load(name, name, force=True), {"slot": name}),
        (Load(name, name), {"slot": name}),
        (Load(name, name, flags=(name, "threads=4")), {"slot": name}),
        (Cancel(name), {"slot": name}),
        (ReadEngineLog(name), {"slot": name}),
        (ReadOffer(name), {}),
        (Download(DownloadOrder.PAUSE, name), {"step": DownloadOrder.PAUSE}),
        (EditConfig(changes), {}),
        (DeleteModel(name), {}),
        (UnloadAll(), {}),
        (Forget(), {}),
        (Forget(name), {}),
    ]
    for order, path in orders:
        assert back(order, path) == order
        assert encode(order).target.count("/") == order.endpoint.path.count("/")


def test_what_is_missing_or_wrong_is_asked_for_by_name() -> None:
    for told, param in (({}, "model"), ({"model": 7}, "model"), ({"model": "m", "force": 1}, "force")):
        with pytest.raises(BadRequest) as caught:
            decode(Load, {"slot": "s"}, told)
        assert caught.value.param == param
    with pytest.raises(BadRequest, match="Say which repository") as caught:
        decode(ReadOffer, {}, {"reference": "a/b"})
    assert caught.value.param == "ref"


def test_the_filters_of_a_question_stand_in_its_query() -> None:
    assert encode(ReadActivity()).target == "/api/activity"
    asked = ReadActivity("my slot", failed=True, before=7, limit=500)
    assert encode(asked).target == "/api/activity?slot=my+slot&failed=true&before=7&limit=500"
    with pytest.raises(BadRequest, match="whole number"):
        decode(ReadActivity, {}, {"since": "7"})
