"""What is left out on Windows is there, and has a reason."""

from __future__ import annotations

import pytest

from tests.not_on_windows import NOT_ON_WINDOWS, ROOT, reason


@pytest.mark.parametrize("name", NOT_ON_WINDOWS)
def test_each_of_them_is_there(name: str) -> None:
    file, *parts = name.split("::")
    assert (ROOT / file).exists()
    if parts:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert all(f" {part.partition('[')[0]}" in text for part in parts)
    assert reason(name) == NOT_ON_WINDOWS[name]


def test_one_with_a_similar_name_runs() -> None:
    assert reason("tests/page") and reason("tests/page/test_chat.py::test_x[1]")
    assert reason("tests/page_more/test_x.py") is None
    assert reason("tests/router/base/test_files.py::test_a_new_file_and_its_folders_are_private_2") is None
