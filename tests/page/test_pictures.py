"""The pictures of the page for people who look can be drawn."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "page_pictures.py"


def drawn_in(folder: Path) -> dict[str, bytes]:
    return {file.stem.removeprefix("activity"): file.read_bytes() for file in folder.glob("*.png")}


async def test_a_picture_is_drawn_in_every_look(tmp_path: Path) -> None:
    drawing = runpy.run_path(str(SCRIPT))
    await drawing["draw_all"](tmp_path, ["activity"])
    drawn = drawn_in(tmp_path)
    assert drawn.keys() == drawing["LOOKS"].keys()
    assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())
    assert len(set(drawn.values())) == len(drawn), "light, dark and narrow are not the same"
