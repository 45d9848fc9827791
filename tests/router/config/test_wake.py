"""`wake` and `wake_address` of an upstream: what may be written."""

from __future__ import annotations

import pytest

from router.config.wake import broadcast, mac_address


@pytest.mark.parametrize("text", ["aa:bb:cc:dd:ee:0f", "AA-BB-CC-DD-EE-0F", "AABBCCDDEE0F"])
def test_a_hardware_address_is_one_in_every_spelling(text: str) -> None:
    assert mac_address(text) == "aa:bb:cc:dd:ee:0f"


@pytest.mark.parametrize(
    "text", ["", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:ff:00", "gg:bb:cc:dd:ee:ff", "10.0.0.2"]
)
def test_another_text_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="hardware address"):
        mac_address(text)


def test_where_the_packet_goes() -> None:
    assert broadcast("192.168.1.255") == ("192.168.1.255", 9)
    assert broadcast("127.0.0.1:4000") == ("127.0.0.1", 4000)


@pytest.mark.parametrize("text", ["bigpc.local", "192.168.1", "10.0.0.255:", "10.0.0.255:70000", "::1"])
def test_what_is_no_such_address(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        broadcast(text)
