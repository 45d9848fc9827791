"""`wake` and `wake_address` of an upstream: what may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config.load import parse_config
from router.config.wake import broadcast, mac_address


@pytest.mark.parametrize(
    "text",
    ["aa:bb:cc:dd:ee:0f", "AA-BB-CC-DD-EE-0F", "AABBCCDDEE0F", "aabb.ccdd.ee0f", "Aa.bB.cc.dd.ee.0F"],
)
def test_a_hardware_address_is_one_in_every_spelling(text: str) -> None:
    assert mac_address(text) == "aa:bb:cc:dd:ee:0f"


@pytest.mark.parametrize(
    "text", ["", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:ff:00", "gg:bb:cc:dd:ee:ff", "10.0.0.2"]
)
def test_another_text_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="hardware address"):
        mac_address(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("00:00:00:00:00:00", "stands for none"),
        ("ff-ff-ff-ff-ff-ff", "everybody"),
        ("01:00:5e:00:00:fb", "a group"),
        ("33:33:00:00:00:01", "a group"),
    ],
)
def test_an_address_that_no_card_has_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        mac_address(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("001122334455", "00:11:22:33:44:55"),  # an octal number for YAML
        ("12e345678901", "12:e3:45:67:89:01"),  # a float
        ("10:11:22:33:44:55", "10:11:22:33:44:55"),  # a time of day and more, in base 60
        ("aabb.ccdd.eeff", "aa:bb:cc:dd:ee:ff"),
    ],
)
def test_an_address_that_yaml_takes_for_a_number_is_read_as_it_stands(written: str, read: str) -> None:
    text = f"upstreams: {{big: {{base_url: 'http://10.0.4.11:8080', kind: hal0, wake: {written}}}}}"
    assert parse_config(text, Path("/hal0.yaml")).upstreams["big"].wake == read


def test_where_the_packet_goes() -> None:
    assert broadcast("192.168.1.255") == ("192.168.1.255", 9)
    assert broadcast("127.0.0.1:4000") == ("127.0.0.1", 4000)


@pytest.mark.parametrize("text", ["bigpc.local", "192.168.1", "10.0.0.255:", "10.0.0.255:70000", "::1"])
def test_what_is_no_such_address(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        broadcast(text)
