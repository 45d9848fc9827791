"""`server.api_keys` with names: what each may do, and every mistake with its line."""

from __future__ import annotations

import pytest

from router.config.hidden import hide_keys
from router.config.schema import ApiKeyConfig, Permission
from router.wire.config import config_json
from tests.router.config.reading import config, only_problem, parse, problems

SECRET = "sk-sesame-0123"
SLOTS = "slots:\n  primary: {}\n  embed: {kind: embedding}\n"


def keys(*entries: str) -> str:
    return "".join(["server:\n  api_keys:\n", *(f"    - {entry}\n" for entry in entries), SLOTS])


def test_names_scopes_and_slots_are_read_beside_the_old_form() -> None:
    text = keys("plain-key", "{name: phone, key: env:PHONE, may: [infer], slots: [primary]}")
    server = parse(text, {"PHONE": SECRET}).config.server
    assert server.api_keys == ("plain-key", SECRET)
    assert server.named_keys == (ApiKeyConfig("phone", SECRET, (Permission.INFER,), ("primary",)),)
    assert server.own_key == "plain-key"


def test_a_key_that_only_has_a_name_may_do_everything() -> None:
    [key] = config(keys(f"{{name: laptop, key: {SECRET}}}")).server.named_keys
    assert all(key.allows(permission) for permission in Permission) and key.slots is None


def test_a_named_key_lets_others_in_and_hal0_itself_sends_the_one_that_may_most() -> None:
    entries = (
        "{name: a, key: one, may: [infer]}",
        "{name: b, key: two, slots: [primary]}",
        "{name: c, key: x3}",
    )
    server = config(keys(*entries).replace("server:\n", "server:\n  host: 0.0.0.0\n")).server
    assert server.own_key == "x3"
    assert config(keys(*entries[:2])).server.own_key == "one"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{key: two}", "is missing: write who uses the key"),
        ("{name: phone}", "is missing: write the key itself"),
        ("{name: phone, key: ''}", "a key must be text, and not empty"),
        ("{name: phone, key: env:NOBODY}", "NOBODY is not set"),
        ("{name: phone, key: env:a-b}", "what follows env:"),
        ("{name: phone, key: 'a b'}", "without spaces"),
        ("{name: my phone, key: two}", "may only hold letters, digits"),
        ("{name: phone, key: two, may: [inference]}", 'must be infer, observe or manage, not "inference"'),
        ("{name: phone, key: two, may: []}", "is an empty list"),
        ("{name: phone, key: two, slots: [primray]}", 'no slot is called "primray"'),
        ("{name: phone, key: two, slots: []}", "is an empty list"),
        ("{name: first, key: two}", 'two keys are called "first"'),
        ("{name: phone, key: sk-one}", "stands in the list twice"),
        ("sk-one", "stands in the list twice"),
        (f"{{name: phone, key: two, {SECRET}: 1}}", "nothing but name, key, may, slots"),
    ],
)
def test_every_mistake_is_told_with_its_line(entry: str, words: str) -> None:
    problem = only_problem(keys("{name: first, key: sk-one}", entry))
    assert words in problem.message and SECRET not in str(problem)
    assert problem.line == 4 and problem.key.startswith("server.api_keys")


def test_the_nearest_slot_and_scope_are_suggested() -> None:
    entry = "{name: phone, key: two, may: [mange], slots: [primray]}"
    assert {p.suggestion for p in problems(keys(entry))} == {"manage", "primary"}


def test_only_the_key_of_an_entry_is_hidden() -> None:
    text = keys(f"{{name: phone, key: {SECRET}, may: [infer], slots: [primary]}}", "{name: b, key: env:B}")
    assert hide_keys(text) == text.replace(SECRET, "…")


def test_no_key_is_told_or_printed() -> None:
    found = config(keys(f"{{name: phone, key: {SECRET}}}"))
    assert SECRET not in repr(found) and SECRET not in str(config_json(found))
