"""The collector leaves alone what was there at the start, and finds garbage made since."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc, weakref
from app.system.heap import settle_heap

class Node:
    def __init__(self):
        self.me = self

before = Node()
settle_heap()
after, told = Node(), []
weakref.finalize(before, told.append, "before")
weakref.finalize(after, told.append, "after")
assert not any(one is before for one in gc.get_objects())
del before, after
gc.collect()
assert told == ["after"], told
"""


def test_what_was_there_is_not_looked_through_again() -> None:
    # In a process of its own: what pytest holds is not to be frozen.
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
