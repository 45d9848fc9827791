from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from router.wire.rename import Rename

STREAM = (
    'data: {"model":"modèle","choices":[{"delta":{"content":"\\"model\\":\\"modèle\\""}}]}\n\n'
    'data: {"choices":[],"model":"modèle"}\n\ndata: [DONE]\n\n{"model":"modèle"}'
).encode()


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_every_name_is_found_however_the_bytes_are_cut(cuts: list[int]) -> None:
    rename = Rename("modèle", "modèle-précis")
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [rename.feed(STREAM[a:b]) for a, b in pairwise(places)]
    renamed = b"".join(pieces) + rename.finish()
    assert renamed == STREAM.replace('"model":"modèle"'.encode(), '"model":"modèle-précis"'.encode())
    assert renamed.count("précis".encode()) == 3, "what the model wrote is not touched"
