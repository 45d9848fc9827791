"""TOML: what is changed is changed, and every other line stays."""

from __future__ import annotations

import pytest

from app.connect import toml_text

CODEX = """\
# Codex, as I like it
model = "gpt-5"  # the big one
approval_policy = "on-request"

[model_providers.mine]
name = "Mine"

# of the projects
[projects."/home/me"]
trust_level = "trusted"
"""


def test_a_value_at_the_top_keeps_its_comment() -> None:
    text = toml_text.set_value(CODEX, ("model",), "primary")
    assert text == CODEX.replace('"gpt-5"', '"primary"')


def test_a_new_value_stands_above_the_tables() -> None:
    text = toml_text.set_value(CODEX, ("model_provider",), "hal0")
    before = 'approval_policy = "on-request"\n'
    assert text == CODEX.replace(before, before + 'model_provider = "hal0"\n')
    assert toml_text.set_value("", ("a",), 1) == "a = 1\n"
    assert toml_text.set_value("[t]\nx = 1\n", ("a",), True) == "a = true\n\n[t]\nx = 1\n"
    assert toml_text.set_value("# head\n", ("a",), 1) == "# head\na = 1\n"


def test_a_table_is_added_replaced_and_taken_out() -> None:
    path = ("model_providers", "hal0")
    added = toml_text.set_value(CODEX, path, {"name": "hal0", "base_url": "http://x/v1"})
    assert added == CODEX + '\n[model_providers.hal0]\nname = "hal0"\nbase_url = "http://x/v1"\n'
    assert toml_text.set_value(added, path, {"name": "h"}) == CODEX + '\n[model_providers.hal0]\nname = "h"\n'
    assert toml_text.remove(added, path) == CODEX
    mine = toml_text.set_value(CODEX, ("model_providers", "mine"), {"name": "Other"})
    assert mine == CODEX.replace('name = "Mine"', 'name = "Other"'), "the comment of the next table stays there"


def test_a_value_is_taken_out() -> None:
    assert toml_text.remove(CODEX, ("approval_policy",)) == CODEX.replace(
        'approval_policy = "on-request"\n', ""
    )
    with pytest.raises(ValueError, match="missing is not to be found"):
        toml_text.remove(CODEX, ("missing",))
