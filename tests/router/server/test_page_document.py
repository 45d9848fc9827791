"""The page's document: whole in itself, and a state that cannot break out of it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from typing import Any

import pytest

from resources import page_folder
from router.server.routes.page_document import Document, joined
from router.server.routes.page_files import read_files

HOSTILE = {"models": ["</script><script>hacked=1</script>", "<!--<script>", "\u2028é😀"], "slots": []}


@pytest.fixture(scope="module")
def document() -> Document:
    files = read_files(page_folder())
    return joined(files["index.html"].body.decode(), {name: file.body for name, file in files.items()})


def elements(html: str, name: str) -> list[tuple[str, str]]:
    """(attributes, text) of each, as a parser sees it: a script ends at the first of its end tags."""
    return re.findall(rf"<{name}\b([^>]*)>(.*?)</{name}", html, re.DOTALL)


@pytest.mark.parametrize("state", [None, {}, HOSTILE, {"many": list(range(100_000))}])
def test_packed_it_is_the_same(document: Document, state: Any) -> None:
    packed = document.gzipped(state)
    one = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # of a single member: browsers read no second one
    assert one.decompress(packed) == document.plain(state) == gzip.decompress(packed)
    assert one.eof and not one.unused_data


def test_nothing_has_to_be_asked_for_before_it_runs(document: Document) -> None:
    html = document.plain(HOSTILE).decode()
    assert not re.search(r"<link[^>]*stylesheet|<script[^>]*src=", html)
    for name, sources in (("script", document.scripts), ("style", document.styles)):
        inline = [text for attributes, text in elements(html, name) if "application/json" not in attributes]
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
        assert [f"'sha256-{one}'" for one in hashes] == list(sources) and sources


def test_the_state_stands_before_the_script_and_stays_what_it_is(document: Document) -> None:
    html = document.plain(HOSTILE).decode()
    (attributes, text), (no_attributes, script) = elements(html, "script")
    assert 'id="state"' in attributes and json.loads(text) == HOSTILE and "<" not in text
    assert no_attributes == "" and "globalThis.hal0" in script
    assert 'id="state"' not in document.plain(None).decode()
