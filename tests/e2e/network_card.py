"""A network card, awake while its computer sleeps: brings an interface up when it hears the magic packet.

Run in the computer's network namespace: `network_card.py LISTENS_ON WAKES MAC`. Says what it heard, as hex.
"""

from __future__ import annotations

import socket
import subprocess
import sys

_ALL_FRAMES = 3
"""ETH_P_ALL (linux/if_ether.h)."""


def main(listens_on: str, wakes: str, mac: str) -> None:
    """Read whole frames, as a card does: the packet counts wherever in a frame it stands."""
    wanted = b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_FRAMES)) as card:
        card.bind((listens_on, 0))
        say("listening")
        while wanted not in (frame := card.recv(2048)):
            pass
    subprocess.run(["ip", "link", "set", wakes, "up"], check=True)
    say(frame.hex())


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
