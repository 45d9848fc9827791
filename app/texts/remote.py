"""What people read of hal0s elsewhere, and of one that another process runs here."""

from __future__ import annotations

from app.link.link import Attached
from app.texts.common import APP, SEPARATOR
from app.texts.translate import tr

SERVE = f"{APP} serve"

CONNECTED = tr("Connected")
NO_CONTACT = tr("No contact")
CONNECTING = tr("Connecting…")
WAKING = tr("Waking up…")
NOT_ASKED = tr("Not asked")
LOCAL_ONLY = tr("local only")

START_HERE = tr("Start here")
START_HERE_TIP = tr("Stop waiting for the other hal0 and run one in this program.")
CLOSE_TRAY = tr("Close the tray (hal0 serve keeps running)")
NOTHING_KNOWN = tr("The slots are unknown until there is contact again.")


def attached_to(attached: Attached) -> str:
    """`attached to hal0 serve (process 4711)`"""
    if attached.pid is None:
        return tr("attached to {program}").format(program=SERVE)
    return tr("attached to {program} (process {pid})").format(program=SERVE, pid=attached.pid)


def attached_line(attached: Attached) -> str:
    """Return what the window says of it; the error says the rest while there is no contact."""
    if attached.lost:
        return tr("Lost contact with {program}. This window reconnects as soon as it answers again.").format(
            program=SERVE
        )
    return tr("This window is {attached}. Quitting closes only the window and the tray.").format(
        attached=attached_to(attached)
    )


def group_line(name: str, link: str, facts: str) -> str:
    """`bigpc · Connected · VRAM 12/24 GiB used`"""
    return SEPARATOR.join(part for part in (name, link, facts) if part)
