"""Whether there is a display is known before Qt is asked."""

from __future__ import annotations

import socket
import sys

import pytest

from app.system.display import X_FIRST_PORT, has_display

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="X11 and Wayland are Linux's")


@pytest.mark.parametrize(
    "env", [{"WAYLAND_DISPLAY": "wayland-0"}, {"QT_QPA_PLATFORM": "offscreen"}, {"DISPLAY": "/private/x:odd"}]
)
def test_what_is_not_x11_is_believed(env: dict[str, str]) -> None:
    assert has_display(env)


@pytest.mark.parametrize("env", [{}, {"DISPLAY": ""}, {"QT_QPA_PLATFORM": "xcb"}])
def test_without_any_there_is_none(env: dict[str, str]) -> None:
    assert not has_display(env)


@pytest.mark.parametrize("display", [":64999", "unix:64999.0", "127.0.0.1:59000"])
def test_an_address_nobody_listens_at_is_no_display(display: str) -> None:
    """A DISPLAY left behind by a closed session: Qt would abort the process."""
    assert not has_display({"DISPLAY": display})


def test_a_forwarded_display_answers_over_tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1] - X_FIRST_PORT
        assert has_display({"DISPLAY": f"127.0.0.1:{number}.0"})
