"""No API key is ever shown, in whatever form it stands in the file."""

from __future__ import annotations

import pytest

from router.config.hidden import hide_keys

KEY = "sk-sesame-0123"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"server: {{api_keys: [{KEY}, env:NAME]}}\n", "server: {api_keys: […, env:NAME]}\n"),
        (f"server:\n  api_keys:\n  - '{KEY}'  # mine\n", "server:\n  api_keys:\n  - …  # mine\n"),
        (f"server:\n  api_keys: {KEY}\n", "server:\n  api_keys: …\n"),
        (f"server:\n  api_keys: {{{KEY}: 1}}\n", "server:\n  api_keys: {…: …}\n"),
        (f"x: &k [{KEY}]\nserver: {{api_keys: *k}}\n", "x: &k […]\nserver: {api_keys: *k}\n"),
        (f"# was {KEY}\nserver: {{api_keys: [{KEY}]}}\n", "# was …\nserver: {api_keys: […]}\n"),
        ("server: {api_keys: [a]}\nslots: {alfa: {}}\n", "server: {api_keys: […]}\nslots: {alfa: {}}\n"),
        ("server: {port: 8080}\n", "server: {port: 8080}\n"),
        ("", ""),
    ],
)
def test_keys_are_hidden_and_all_else_stays(text: str, shown: str) -> None:
    assert hide_keys(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"server: {{api_keys: [{KEY}\nslots: {{}}\n",
        f"server:\n  api_keys:\n  - {KEY}\n   - {KEY}\n  port: [\n",
        f"server:\n\tapi_keys: [{KEY}]\n",
        f"server:\n  API_KEY = {KEY}: [\n",
    ],
)
def test_a_file_that_is_no_yaml_shows_none_either(text: str) -> None:
    assert KEY not in hide_keys(text)
