"""Which models a config, its folders and the demo add up to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resources import demo_model
from router.base.paths import STARTER
from router.catalog.models import Catalog, build_catalog
from router.config.schema import Config, Kind, ModelConfig, SlotConfig
from router.reload.diff import choices, choose_model
from tests.homes import home_variables
from tests.router.catalog.files import write_gguf, write_mmproj, write_shards


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two chat models, one embedding model."""
    models = tmp_path / "models"
    write_gguf(models / "alpha.gguf")
    write_gguf(models / "sub" / "beta.gguf")
    write_gguf(models / "embed.gguf", arch="bert")
    return models


def config(
    folder: Path | None, models: tuple[ModelConfig, ...] = (), slots: tuple[SlotConfig, ...] = (), **kw: Any
) -> Config:
    return Config(
        model_dirs=(folder,) if folder else (),
        models={model.id: model for model in models},
        slots={slot.name: slot for slot in slots},
        **kw,
    )


def build(
    folder: Path | None,
    *parts: ModelConfig | SlotConfig,
    demo: Path | None = None,
    starter: Path | None = None,
    **kw: Any,
) -> Catalog:
    models = tuple(part for part in parts if isinstance(part, ModelConfig))
    slots = tuple(part for part in parts if isinstance(part, SlotConfig))
    return build_catalog(config(folder, models, slots, **kw), starter, demo)


def test_order_and_fields(folder: Path) -> None:
    named = ModelConfig("fast", "alpha.gguf", "Fast one", aliases=("gpt-4o",), flags={"ctx-size": "2048"})
    catalog = build(folder, named)
    assert list(catalog.models) == ["fast", "alpha", "embed", "beta"]
    fast, alpha = catalog.models["fast"], catalog.models["alpha"]
    assert fast.file == alpha.file == folder / "alpha.gguf"
    assert (fast.display_name, alpha.display_name) == ("Fast one", "alpha")
    assert (fast.context_length, alpha.context_length) == (2048, 4096)
    assert fast.size_bytes == (folder / "alpha.gguf").stat().st_size
    assert fast.launch_key != alpha.launch_key
    assert catalog.models["embed"].kind is Kind.EMBEDDING


def test_profiles_that_differ_only_in_request_fields_share_a_process(folder: Path) -> None:
    cold = ModelConfig("cold", "alpha", request={"temperature": 0})
    catalog = build(folder, cold)
    assert catalog.models["cold"].request == {"temperature": 0}
    assert catalog.models["cold"].launch_key == catalog.models["alpha"].launch_key


def test_find_is_exact_and_ids_win(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    catalog = build(
        folder,
        ModelConfig("one", "alpha", aliases=("first", "beta", "both")),
        ModelConfig("two", "beta", aliases=("both",)),
    )
    found = {name: model.id for name in ("one", "first", "beta", "both") if (model := catalog.find(name))}
    assert found == {"one": "one", "first": "one", "beta": "beta", "both": "one"}
    assert catalog.find("One") is catalog.find("bet") is None
    assert "alias beta of model one is ignored: it already means beta" in caplog.text
    assert "alias both of model two is ignored: it already means one" in caplog.text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{folder}/alpha.gguf", "models/alpha.gguf"),
        ("~/models/alpha.gguf", "models/alpha.gguf"),
        ("own.gguf", "config/own.gguf"),
        ("../models/alpha.gguf", "models/alpha.gguf"),
        ("sub/beta.gguf", "models/sub/beta.gguf"),
        ("beta.gguf", "models/sub/beta.gguf"),
        ("beta", "models/sub/beta.gguf"),
        ("big", "models/big-00001-of-00002.gguf"),
        ("big-00001-of-00002.gguf", "models/big-00001-of-00002.gguf"),
    ],
)
def test_where_a_file_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, expected: str
) -> None:
    for name, value in home_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    write_gguf(tmp_path / "config" / "own.gguf")
    write_shards(folder, "big", 2)
    named = ModelConfig("named", written.format(folder=folder))
    model = build(folder, named, source=tmp_path / "config" / "hal0.yaml").models["named"]
    assert model.problem is None
    assert model.file is not None
    assert model.file.samefile(tmp_path / expected)


def test_the_folder_beside_the_config_is_tried_first(folder: Path, tmp_path: Path) -> None:
    beside = write_gguf(tmp_path / "config" / "alpha.gguf")
    named = ModelConfig("named", "alpha.gguf")
    assert build(folder, named, source=tmp_path / "config" / "hal0.yaml").models["named"].file == beside


def test_what_is_wrong_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"nothing")
    projector = write_mmproj(tmp_path / "mmproj.gguf")
    catalog = build(
        folder,
        ModelConfig("lost", "lost.gguf", kind=Kind.EMBEDDING),
        ModelConfig("nobody", "~nobody-at-all/x.gguf"),
        ModelConfig("bad", str(tmp_path / "bad.gguf")),
        ModelConfig("projector", str(projector)),
    )
    problems = {model.id: model.problem for model in catalog.models.values() if model.problem}
    assert list(problems) == ["lost", "nobody", "bad", "projector"]
    assert problems["lost"] == (
        f"The file lost.gguf was not found; looked for {folder / 'lost.gguf'}. "
        "Correct `file:` or put the file there."
    )
    assert catalog.models["lost"].kind is Kind.EMBEDDING
    assert f"{tmp_path / 'bad.gguf'} is not a GGUF file" in str(problems["bad"])
    assert "not a model" in str(problems["projector"])


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("Alpha.gguf", 'Did you mean "alpha"?'),
        (r"C:\models\ALPHA.GGUF", 'Did you mean "alpha"?'),
        ("file:///data/other.gguf", "without file://"),
        ("https://huggingface.co/org/repo/resolve/main/x.gguf", "`hal0 model pull org/repo`"),
        ("hf://org/repo:Q4_K_M", "`hal0 model pull org/repo`"),
        ("sub", "is a folder: write the GGUF file in it"),
    ],
)
def test_a_file_that_is_not_there_says_what_may_be_meant(folder: Path, written: str, part: str) -> None:
    model = build(folder, ModelConfig("named", written)).models["named"]
    assert part in str(model.problem)


def test_accents_may_be_encoded_either_way(folder: Path) -> None:
    """A folder copied from macOS has NFD names, keyboards write NFC."""
    write_gguf(folder / "e\u0301te\u0301.gguf")
    catalog = build(folder, ModelConfig("named", "\u00e9t\u00e9.gguf"), SlotConfig("a", model="\u00e9t\u00e9"))
    assert catalog.models["named"].problem is None
    found = catalog.find("\u00e9t\u00e9")
    assert found is not None
    assert found.problem is None


@pytest.mark.parametrize("written", ["{folder}/sub/beta.gguf", "sub/beta.gguf"])
def test_a_slot_may_name_its_model_by_the_files_path(folder: Path, written: str) -> None:
    name = written.format(folder=folder)
    catalog = build(folder, SlotConfig("a", model=name))
    found = catalog.find(name)
    assert found is not None
    assert (found.id, found.problem) == ("beta", None)
    assert list(catalog.models) == ["alpha", "embed", "beta"]


def test_kind_is_the_configs_or_the_files(folder: Path) -> None:
    catalog = build(
        folder,
        ModelConfig("e", "embed"),
        ModelConfig("r", "embed", kind=Kind.RERANK),
        ModelConfig("c", "alpha"),
    )
    assert [catalog.models[name].kind for name in "erc"] == [Kind.EMBEDDING, Kind.RERANK, Kind.CHAT]


def test_mmproj_beside_a_model_unless_the_config_says_otherwise(folder: Path) -> None:
    projector = str(write_mmproj(folder / "mmproj.gguf"))
    catalog = build(
        folder,
        ModelConfig("plain", "alpha", flags={"ctx-size": "1024"}),
        ModelConfig("own", "alpha", flags={"mmproj": "/other.gguf"}),
        ModelConfig("without", "alpha", flags={"no-mmproj": True}),
    )
    assert catalog.models["plain"].flags == {"mmproj": projector, "ctx-size": "1024"}
    assert catalog.models["own"].flags == {"mmproj": "/other.gguf"}
    assert catalog.models["without"].flags == {"no-mmproj": True}
    assert catalog.models["alpha"].flags == {"mmproj": projector}


def test_a_config_id_equal_to_a_files_stem(folder: Path) -> None:
    same = build(folder, ModelConfig("alpha", "alpha.gguf", request={"seed": 1}))
    assert list(same.models) == ["alpha", "embed", "beta"]
    other = build(folder, ModelConfig("alpha", "beta.gguf"))
    assert list(other.models) == ["alpha", "alpha@models", "embed", "beta"]
    assert other.models["alpha@models"].file == folder / "alpha.gguf"


def names(catalog: Catalog, slot: SlotConfig) -> list[str]:
    return [model.id for model in catalog.for_slot(slot)]


def test_choices_of_a_slot(folder: Path) -> None:
    listed = SlotConfig("listed", models=("beta", "quick", "gone", "fast"))
    command = SlotConfig("ears", Kind.STT, command="whisper --port {port}", health="/ok")
    chatting = SlotConfig("vllm", model="big-one", command="vllm --port {port}")
    catalog = build(folder, ModelConfig("fast", "alpha", aliases=("quick",)), listed, command, chatting)
    assert names(catalog, SlotConfig("any")) == ["fast", "alpha", "beta", "gone"]
    assert names(catalog, SlotConfig("any", Kind.EMBEDDING)) == ["embed"]
    assert names(catalog, SlotConfig("any", Kind.RERANK)) == []
    assert names(catalog, listed) == ["beta", "fast", "gone"]
    (ears,) = catalog.for_slot(command)
    assert (ears.id, ears.kind, ears.command, ears.health, ears.file) == (
        "ears",
        Kind.STT,
        "whisper --port {port}",
        "/ok",
        None,
    )
    assert names(catalog, chatting) == ["big-one"]
    assert catalog.find("ears") == ears
    assert list(catalog.models) == ["fast", "ears", "big-one", "alpha", "embed", "beta", "gone"]


def test_a_slots_unknown_model_says_so(folder: Path) -> None:
    catalog = build(folder, SlotConfig("primary", model="nope"), SlotConfig("second", model="alpha"))
    nope = catalog.find("nope")
    assert nope is not None
    assert nope.problem is not None
    assert nope.problem.startswith("Slot primary names the model nope, which is neither")
    assert nope.problem.endswith("add the file.")
    near = build(folder, SlotConfig("primary", model="alfa")).find("alfa")
    assert near is not None and near.problem is not None
    assert near.problem.endswith('Did you mean "alpha"?')
    assert catalog.models["alpha"].problem is None


def test_a_model_that_may_lie_in_a_folder_that_is_not_there_says_which(tmp_path: Path) -> None:
    nope = build(tmp_path / "drive", SlotConfig("primary", model="nope")).find("nope")
    assert nope is not None and nope.problem is not None
    assert f"nor in a model folder that can be read ({tmp_path / 'drive'}: No such file" in nope.problem


def test_a_slot_that_names_what_is_no_model_is_told_what_it_is(folder: Path) -> None:
    """Row 11."""
    write_gguf(folder / "speedy.gguf", arch="eagle3")
    catalog = build(folder, SlotConfig("primary", model="speedy"), SlotConfig("other", models=("speedy.gguf",)))
    assert [left.path.name for left in catalog.left_out] == ["speedy.gguf"]
    assert "speedy" not in build(folder).models
    problem = catalog.models["speedy"].problem or ""
    assert problem.startswith("Slot primary cannot hold speedy: speedy.gguf is a draft for another model")


def test_only_a_draft_leaves_the_demo_to_chat(tmp_path: Path) -> None:
    """Row 11."""
    write_gguf(tmp_path / "a.gguf", arch="dflash")
    assert list(build(tmp_path, demo=DEMO).models) == ["hal0-demo"]


def test_pooling_stays_where_the_config_has_its_own_projector(folder: Path) -> None:
    named = ModelConfig("e", "embed", flags={"no-mmproj": True})
    assert build(folder, named).models["e"].flags == {"pooling": "mean", "no-mmproj": True}
    own = ModelConfig("e", "embed", flags={"pooling": "cls"})
    assert build(folder, own).models["e"].flags == {"pooling": "cls"}
    assert build(folder, ModelConfig("r", "embed", kind=Kind.RERANK)).models["r"].flags == {}


def test_models_without_a_template_are_no_first_choice(folder: Path) -> None:
    """Row 11: a file that nobody named, and that no llama-server may be able to chat with, comes last."""
    write_gguf(folder / "zeta.gguf", tokenizer__chat_template="{{ messages }}")
    write_gguf(folder / "a.gguf", arch="of-next-year", tokenizer__chat_template="{{ messages }}")
    slot = SlotConfig("primary")
    catalog = build(folder)
    assert choose_model(slot, choices(slot, catalog)) == "zeta"
    named = build(folder, ModelConfig("fast", "alpha"))
    assert choose_model(slot, choices(slot, named)) == "fast"
    for name in ("zeta", "a"):
        (folder / f"{name}.gguf").unlink()
    assert choose_model(slot, choices(slot, build(folder))) == "alpha"


DEMO = demo_model()


@pytest.mark.parametrize(
    ("with_folder", "parts", "expected"),
    [
        (False, (), True),
        (True, (), False),
        (True, (SlotConfig("primary", model="hal0-demo"),), True),
        (True, (SlotConfig("primary", models=("alpha", "hal0-demo")),), True),
        (False, (ModelConfig("lost", "lost.gguf"),), True),
        (False, (SlotConfig("x", command="vllm"),), False),
        (False, (ModelConfig("mine", "hal0-demo.gguf"),), False),
    ],
)
def test_when_the_demo_is_offered(
    folder: Path, with_folder: bool, parts: tuple[Any, ...], expected: bool
) -> None:
    catalog = build(folder if with_folder else None, *parts, demo=DEMO)
    assert ("hal0-demo" in catalog.models) is expected
    if expected:
        demo = catalog.models["hal0-demo"]
        assert (demo.file, demo.kind, demo.problem) == (DEMO, Kind.CHAT, None)
        assert (demo.context_length or 0) >= 65_536
    if "mine" in catalog.models:
        assert catalog.models["mine"].file == DEMO


def test_only_embedding_models_leave_the_demo_to_chat(tmp_path: Path) -> None:
    write_gguf(tmp_path / "embed.gguf", arch="bert")
    assert list(build(tmp_path, demo=DEMO).models) == ["embed", "hal0-demo"]


def test_without_anything() -> None:
    assert build(None).models == {}


@pytest.mark.parametrize(
    ("rpc", "leaves"),
    [("10.0.0.3:50052", True), ("127.0.0.1:1,[::1]:2,localhost:3", False), ("127.0.0.1:1,far:2", True)],
)
def test_what_other_machines_compute_is_not_loaded_when_nothing_may_leave(
    folder: Path, rpc: str, leaves: bool
) -> None:
    spread = ModelConfig("spread", "alpha.gguf", flags={"rpc": rpc})
    assert build(folder, spread).models["spread"].problem is None
    problem = build(folder, spread, local_only=True).models["spread"].problem
    assert ("local_only" in (problem or "")) is leaves


def test_the_name_a_model_was_fetched_by_means_what_the_config_says_of_its_file(tmp_path: Path) -> None:
    write_gguf(tmp_path / "models--org--repo" / "snapshots" / "c0" / "alpha-Q4_0.gguf")
    as_found = build(tmp_path)
    assert as_found.models["alpha-Q4_0"].aliases == ("org/repo:Q4_0", "org/repo")
    tuned = ModelConfig("alpha-Q4_0", "alpha-Q4_0.gguf", flags={"ctx-size": "2048"})
    catalog = build(tmp_path, tuned)
    assert list(catalog.models) == ["alpha-Q4_0"]
    named = catalog.find("org/repo:Q4_0")
    assert named is not None and named.flags["ctx-size"] == "2048"
    by_that_name = build(tmp_path, ModelConfig("mine", "org/repo:Q4_0")).models["mine"]
    assert by_that_name.problem is None and by_that_name.file == as_found.models["alpha-Q4_0"].file


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    """Below a model folder, as hal0's own downloads are."""
    place = tmp_path / "downloads" / "starter" / f"{STARTER}.gguf"
    place.parent.mkdir(parents=True)
    write_gguf(place, tokenizer__chat_template="{{ messages }}")
    return place


def test_the_starter_answers_instead_of_the_demo(starter: Path) -> None:
    catalog = build(starter.parents[1], demo=DEMO, starter=starter)
    assert list(catalog.models) == [STARTER]
    model = catalog.models[STARTER]
    assert (model.display_name, model.file, model.brought) == ("SmolLM2 135M (starter)", starter, True)


def test_without_the_starter_the_demo_answers(tmp_path: Path) -> None:
    catalog = build(tmp_path, demo=DEMO, starter=tmp_path / "nowhere.gguf")
    assert list(catalog.models) == ["hal0-demo"] and catalog.models["hal0-demo"].brought


def test_a_starter_that_is_damaged_leaves_the_demo_to_answer(starter: Path) -> None:
    starter.write_bytes(b"GGUF")
    assert list(build(starter.parents[1], demo=DEMO, starter=starter).models) == [STARTER, "hal0-demo"]


def test_the_starter_does_not_take_a_slot_from_a_model_of_the_person(starter: Path) -> None:
    write_gguf(starter.parents[1] / "zeta.gguf")
    catalog = build(starter.parents[1], demo=DEMO, starter=starter)
    assert list(catalog.models) == ["zeta"] and not catalog.models["zeta"].brought
    asked_for = build(starter.parents[1], SlotConfig("primary", model=STARTER), demo=DEMO, starter=starter)
    assert list(asked_for.models) == ["zeta", STARTER]
    named = build(starter.parents[1], ModelConfig("small", STARTER), starter=starter)
    assert named.models["small"].file == starter
