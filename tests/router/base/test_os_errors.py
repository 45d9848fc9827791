"""The words of a failed connection."""

from __future__ import annotations

import errno
import socket

import pytest

from router.base.os_errors import connection_words


class WindowsError(OSError):
    """As asyncio raises it there: errno is EINVAL."""

    def __init__(self, number: int) -> None:
        super().__init__(errno.EINVAL, "Windows says it in the person's language")
        self.winerror = number


@pytest.mark.parametrize(
    ("number", "words"), [(1225, "refused"), (64, "reset"), (121, "timed out"), (1232, "No route")]
)
def test_windows_codes_have_the_words_of_other_systems(number: int, words: str) -> None:
    assert words in (connection_words(WindowsError(number)) or "")


def test_a_real_refusal() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    with pytest.raises(ConnectionRefusedError) as refused:
        socket.create_connection(address, timeout=20)
    assert connection_words(refused.value) == "Connection refused"


def test_an_error_without_a_number_has_no_words() -> None:
    assert connection_words(OSError("text")) is None
