"""What llama-swap allows to be loaded at once, and what hal0 allows after the import: the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from router.base.paths import Paths
from router.config.load import parse_config
from router.config.schema import Config, Kind
from router.config.together import may_be_together
from router.imports.matrix_sets import NoSets, expand
from tests.router.imports.test_import import document, imported, kept, left

MODELS = "models:\n" + "".join(f"  {n}: {{cmd: llama-server -m /srv/{n}.gguf}}\n" for n in "abcdef")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))


def configured(paths: Paths, text: str, mine: str = "") -> Config:
    merged = imported("config.yaml", paths, mine, text.encode())
    return parse_config(merged.text, paths.config_file, paths)


def may_hold(config: Config, model: str) -> list[str]:
    kind = config.models[model].kind or Kind.CHAT
    return [
        name
        for name, slot in config.slots.items()
        if slot.kind is kind and (slot.models is None or model in slot.models)
    ]


def allowed(config: Config, models: Iterable[str]) -> bool:
    """Return whether hal0 may have all of them loaded, each in a slot of its own."""
    ways = product(*(may_hold(config, model) for model in models))
    return any(len(set(w)) == len(w) and may_be_together(w, config.together) for w in ways)


SWITCHES = list(product((True, False), repeat=3))


@pytest.mark.parametrize("kinds", ["chat", "chat and embedding"])
@pytest.mark.parametrize("first", SWITCHES)
@pytest.mark.parametrize("second", SWITCHES)
def test_groups_keep_apart_what_llama_swap_never_has_loaded_at_once(
    kinds: str, first: tuple[bool, bool, bool], second: tuple[bool, bool, bool], paths: Paths
) -> None:
    rules = {"one": first, "two": second, "": (True, True, False)}
    members = {"one": "ab", "two": "cd", "": "ef"}
    text = MODELS + "groups:\n"
    for model in "bdf" if "embedding" in kinds else "":
        text = text.replace(f"{model}.gguf", f"{model}.gguf --embeddings")
    for name in ("one", "two"):
        keys = zip(("swap", "exclusive", "persistent"), rules[name], strict=True)
        text += f"  {name}:\n" + "".join(f"    {key}: {str(value).lower()}\n" for key, value in keys)
        text += f"    members: [{', '.join(members[name])}]\n"
    config = configured(paths, text)
    home = {model: name for name, models in members.items() for model in models}

    def unloads(new: str, old: str) -> bool:
        """internal/router/group.go, EvictionFor"""
        swap, exclusive, _persistent = rules[home[new]]
        return swap if home[new] == home[old] else exclusive and not rules[home[old]][2]

    for x, y in combinations(home, 2):
        both = not (unloads(x, y) and unloads(y, x))
        assert allowed(config, (x, y)) is both, (x, y, config.slots, config.together)
    for model, name in home.items():
        assert may_hold(config, model), model
        swap, _exclusive, persistent = rules[name]
        own = [config.slots[slot] for slot in may_hold(config, model) if config.slots[slot].models == (model,)]
        assert own or swap, "who stays beside the others of its group has a slot of its own"
        assert swap or [slot.pinned for slot in own] == [persistent]


MATRICES: Mapping[str, Collection[str]] = {
    "a": {"a"},
    "(a | b) & c": {"ac", "bc"},
    "(a | b) & (c | d), a & e": {"ac", "ad", "bc", "bd", "ae"},
    "a & b & c & d & e & f": {"abcdef"},
    "a & b | c": {"ab", "c"},
    "(a|b|c) & d, (a | b) & d & e": {"ade", "bde", "cd"},
    "a, b, c": {"a", "b", "c"},
}


@pytest.mark.parametrize("written", MATRICES)
@pytest.mark.parametrize("routing", [False, True])
def test_a_matrix_allows_exactly_what_it_says(written: str, routing: bool, paths: Paths) -> None:
    sets = "".join(f"{{0}}  s{i}: {one.strip()}\n" for i, one in enumerate(written.split(",")))
    here = "      " if routing else ""
    above = "routing:\n  router:\n    use: matrix\n    settings:\n" if routing else ""
    text = f"{MODELS}{above}{here}matrix:\n{here}  sets:\n{sets.format(here + '  ', *[here + '  '] * 9)}"
    config = configured(paths, text.replace("{0}", here + "  "))
    for count in range(1, 5):
        for models in combinations("abcdef", count):
            said = count == 1 or any(set(models) <= set(one) for one in MATRICES[written])
            assert allowed(config, models) is said, (models, config.slots, config.together)


def test_models_that_take_each_others_place_share_a_slot(paths: Paths) -> None:
    text = MODELS + "matrix: {vars: {x: a}, sets: {s: (x | b | c) & d, t: +s & e}}\n"
    merged = imported("config.yaml", paths, "", text.encode())
    found = document(merged)
    assert found["slots"] == {
        "primary": {"kind": "chat", "models": ["a", "b", "c"]},
        "d-slot": {"model": "d", "models": ["d"]},
        "e-slot": {"model": "e", "models": ["e"]},
        "f-slot": {"model": "f", "models": ["f"]},
    }
    assert found["together"] == [["primary", "d-slot", "e-slot"], ["f-slot"]]
    assert (8, "together") in kept(merged) and left(merged) == {}


def test_variants_go_where_their_model_goes(paths: Paths) -> None:
    found = document(
        imported(
            "config.yaml",
            paths,
            "",
            b"""
models:
  a: {cmd: llama-server -m /srv/a.gguf, filters: {setParamsByID: {"a:cold": {temperature: 0}}}}
  b: {cmd: llama-server -m /srv/b.gguf}
groups: {all: {swap: false, members: [a, b]}}
""",
        )
    )
    assert found["slots"]["a-slot"] == {"model": "a", "models": ["a", "a:cold"]}
    assert "together" not in found


def test_two_groups_that_swap_beside_each_other_have_a_slot_each(paths: Paths) -> None:
    text = MODELS.replace("b.gguf", "b.gguf, aliases: [bee]") + (
        "groups:\n  big: {exclusive: false, members: [a, bee]}\n  small: {exclusive: false, members: [c, d]}\n"
        "hooks: {on_startup: {preload: [b, c, d]}}\n"
    )
    merged = imported("config.yaml", paths, "", text.encode())
    slots = document(merged)["slots"]
    assert slots["big"] == {"kind": "chat", "models": ["a", "b"], "model": "b", "autoload": True}
    assert slots["small"] == {"kind": "chat", "models": ["c", "d"], "model": "c", "autoload": True}
    assert slots["primary"] == {"kind": "chat", "models": ["e", "f"]}
    reasons = {item.what: item.reason for item in merged.left_out}
    assert reasons["preload d"] == "small holds one model at a time"
    assert "models outside of groups unload these" in reasons["groups: big: exclusive"]


def test_what_holds_one_way_only_is_told(paths: Paths) -> None:
    text = MODELS + (
        "groups:\n  alone: {members: [a]}\n  beside:\n    swap: true\n    exclusive: false\n"
        "    persistent: true\n    members: [b, gone]\n  free: {exclusive: false, members: [c]}\n"
    )
    merged = imported("config.yaml", paths, "", text.encode())
    reasons = {item.what: item.reason for item in merged.left_out}
    assert reasons["groups: alone (exclusive)"].startswith("unloads free when loaded, not the other way round")
    assert "a pinned slot does not swap" in reasons["groups: beside: persistent"]
    assert reasons["groups: beside: gone"] == "there is no such model in models:"
    assert not any("pinned" in slot for slot in document(merged)["slots"].values())


@pytest.mark.parametrize(
    ("mine", "why"),
    [
        (
            "slots: {primary: {}, other: {}}\ntogether: [[primary], [other]]\n",
            "hal0.yaml has its own together:",
        ),
        ("slots: {primary: {kind: chat}}\n", "it is about primary"),
    ],
)
def test_sets_of_ones_own_stay_and_get_no_new_meaning(mine: str, why: str, paths: Paths) -> None:
    text = MODELS + "groups: {pair: {swap: false, members: [a, b]}}\n"
    merged = imported("config.yaml", paths, mine, text.encode())
    assert document(merged).get("together") == ([["primary"], ["other"]] if "together" in mine else None)
    assert any(item.what == "together" and why in item.reason and item.line == 8 for item in merged.left_out)
    assert (8, "together") not in kept(merged)


def test_two_preloads_that_exclude_each_other_lose_the_second(paths: Paths) -> None:
    text = MODELS + "matrix: {sets: {s: a & b, t: c}}\nhooks:\n  on_startup:\n    preload:\n    - a\n    - c\n"
    merged = imported("config.yaml", paths, "", text.encode())
    slots = document(merged)["slots"]
    started = [name for name, slot in slots.items() if slot.get("autoload")]
    assert len(started) == 1
    assert any("autoload" in item.what and "together" in item.reason for item in merged.left_out)


def test_of_groups_and_a_matrix_the_one_in_use_counts(paths: Paths) -> None:
    settings: dict[str, Any] = {}
    for use in ("group", "matrix"):
        text = MODELS + (
            f"routing:\n  router:\n    use: {use}\n    settings:\n"
            "      groups: {pair: {swap: false, members: [a, b]}}\n      matrix: {sets: {s: a & c}}\n"
        )
        settings[use] = imported("config.yaml", paths, "", text.encode())
    assert document(settings["group"])["together"] == [["primary"], ["a-slot", "b-slot"]]
    assert document(settings["matrix"])["together"] == [["a-slot", "c-slot"], ["primary"]]
    assert left(settings["group"]) == {"routing: matrix": [13]}
    assert left(settings["matrix"]) == {"routing: groups": [12]}


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"s": "a &"}, "a name is missing"),
        ({"s": "(a | b"}, "a bracket is not closed"),
        ({"s": "a b"}, '"b" is one too many'),
        ({"s": "a * b"}, "means nothing in it"),
        ({"s": "a & +t"}, 'there is no set "t"'),
        ({"s": "a & +t", "t": "b | +s"}, '"s" contains itself'),
        ({"s": " & ".join(["(a|b|c|d)"] * 8), "t": "a"}, ""),
        ({"s": " & ".join(f"(a{i}|b{i})" for i in range(9))}, "more than 64 sets"),
        ({"s": ""}, "a name is missing"),
    ],
)
def test_expressions_that_say_nothing_are_told(written: dict[str, str], why: str) -> None:
    if not why:
        assert len(expand("s", written)) == 15, "any one to four of four"
        return
    with pytest.raises(NoSets, match=".*".join(why.split()) if "*" not in why else why):
        expand("s", written)


def test_a_set_that_cannot_be_read_is_named_with_its_line(paths: Paths) -> None:
    text = MODELS + "matrix:\n  vars:\n    x: nobody\n  sets:\n    one: a & b\n    two: a &\n    three: x & c\n"
    merged = imported("config.yaml", paths, "", text.encode())
    assert left(merged) == {"matrix: x": [10], "matrix: two": [13], "matrix: three": [14]}
    assert document(merged)["together"] == [["a-slot", "b-slot"], ["primary"]]


def test_a_group_of_several_kinds_has_a_slot_for_each_and_only_one_of_them_loaded(paths: Paths) -> None:
    text = (
        "models:\n  a: {cmd: llama-server -m /srv/a.gguf}\n"
        "  b: {cmd: llama-server -m /srv/b.gguf --embeddings}\n  c: {cmd: llama-server -m /srv/c.gguf}\n"
        "  d: {cmd: llama-server -m /srv/d.gguf --embeddings}\n"
        "groups:\n  one: {exclusive: false, members: [a, b]}\n  two: {exclusive: false, members: [c, d]}\n"
    )
    config = configured(paths, text)
    holders = {model: may_hold(config, model) for model in "abcd"}
    assert holders == {"a": ["primary"], "b": ["embed"], "c": ["two"], "d": ["two-embedding"]}
    assert {frozenset(one) for one in config.together} == {
        frozenset(pair) for pair in product(("primary", "embed"), ("two", "two-embedding"))
    }


def test_many_groups_take_no_time_and_too_many_sets_are_told(paths: Paths) -> None:
    many = [f"m{number}" for number in range(60)]
    models = "models:\n" + "".join(f"  {m}: {{cmd: llama-server -m /srv/{m}.gguf}}\n" for m in many)
    beside = f"groups:\n  all: {{swap: false, members: [{', '.join(many)}]}}\n"
    assert "together" not in document(imported("config.yaml", paths, "", (models + beside).encode()))

    pairs = "".join(f"  p{n}: {{swap: false, members: [m{2 * n}, m{2 * n + 1}]}}\n" for n in range(30))
    found = document(imported("config.yaml", paths, "", f"{models}groups:\n{pairs}".encode()))
    assert len(found["together"]) == 30 and all(len(one) == 2 for one in found["together"])

    kinds = ("", " --embeddings", " --reranking")
    models = "models:\n" + "".join(
        f"  {m}: {{cmd: 'llama-server -m /srv/{m}.gguf{kinds[n % 3]}'}}\n" for n, m in enumerate(many)
    )
    threes = "".join(
        f"  t{n}: {{exclusive: false, members: [{', '.join(many[3 * n : 3 * n + 3])}]}}\n" for n in range(20)
    )
    merged = imported("config.yaml", paths, "", f"{models}groups:\n{threes}".encode())
    assert "together" not in document(merged)
    assert any(item.what == "groups" and "more than 256 sets" in item.reason for item in merged.left_out)
