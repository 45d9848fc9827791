"""Row 20: what a model can do, from files alone. What the engine says of the same is in tests/e2e."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.catalog.capabilities import input_modalities
from router.catalog.header import reads_whole
from router.catalog.model import Model
from router.catalog.models import build_catalog
from router.catalog.scan import header_of
from router.config.schema import Config, Kind, ModelConfig, SlotConfig
from tests.router.catalog.files import write_gguf, write_mmproj

USES_TOOLS = "{% for t in tools %}{{ t.function | tojson }}{% endfor %}{{ messages[0].content }}"


def described(
    folder: Path, flags: dict[str, Any] | None = None, kind: Kind | None = None, **keys: Any
) -> Model:
    file = write_gguf(folder / "m.gguf", **keys)
    named = ModelConfig("m", str(file), "m", kind=kind, flags=flags or {})
    return build_catalog(Config(models={"m": named}, model_dirs=()), None).models["m"]


@pytest.mark.parametrize(
    ("template", "flags", "can"),
    [
        (None, {}, ()),
        ("{{ messages[0].content }}", {}, ()),
        (USES_TOOLS, {}, ("tools",)),
        ("{% set all = tools %}{{ all | tojson }}", {}, ("tools",)),
        ("{# tools | tojson #}{{ 'tools' }}{{ message.tools | tojson }}", {}, ()),
        ("{% if builtin_tools %}{{ builtin_tools | tojson }}{% endif %}", {}, ()),
        (USES_TOOLS, {"jinja": False}, ()),
        (USES_TOOLS, {"no-jinja": True}, ()),
        (USES_TOOLS, {"skip-chat-parsing": True}, ()),
        (USES_TOOLS, {"chat-template": "chatml"}, ()),
        (None, {"chat-template": USES_TOOLS}, ("tools",)),
        (None, {"chat-template-file": "/absent.jinja"}, ()),
        ("{% if enable_thinking %}{% endif %}", {}, ("thinking",)),
        ("{{ messages }}<think>\n", {}, ("thinking",)),
        ("<|channel|>analysis {{ reasoning_effort }}", {"reasoning": "on"}, ("thinking",)),
        ("{{ messages }}<think>\n", {"reasoning-budget": "0"}, ()),
        ("{{ messages }}<think>\n", {"reasoning-budget": "512"}, ("thinking",)),
        ("{{ messages }}<think>\n", {"reasoning": False}, ()),
        (USES_TOOLS + "{% if thinking %}<think>{% endif %}", {}, ("tools", "thinking")),
    ],
)
def test_templates(tmp_path: Path, template: str | None, flags: dict[str, Any], can: tuple[str, ...]) -> None:
    model = described(tmp_path, flags, tokenizer__chat_template=template)
    assert model.capabilities == ("completion", *can)


@pytest.mark.parametrize(
    ("keys", "can"),
    [
        ({"clip__has_vision_encoder": True}, ("vision",)),
        ({"clip__has_audio_encoder": True, "clip__has_vision_encoder": False}, ("audio",)),
        ({"clip__has_audio_encoder": True, "clip__has_vision_encoder": True}, ("vision", "audio")),
        ({}, ("vision",)),
    ],
)
def test_projectors(tmp_path: Path, keys: dict[str, bool], can: tuple[str, ...]) -> None:
    projector = write_mmproj(tmp_path / "elsewhere" / "mmproj.gguf", **keys)
    assert described(tmp_path, {"mmproj": str(projector)}).capabilities == ("completion", *can)
    assert described(tmp_path, {"no-mmproj": True}).capabilities == ("completion",)
    assert described(tmp_path, {"mmproj": str(tmp_path / "absent")}).capabilities == ("completion",)
    assert input_modalities(can)[0] == "text" and ("image" in input_modalities(can)) is ("vision" in can)


def test_code_is_filled_in_by_known_tokens(tmp_path: Path) -> None:
    """By their texts in the vocabulary, as llama.cpp finds them, or by their ids in the header."""
    for tokens, fills in ((["a", "<|fim_prefix|>", "b"], True), (["a <|fim_prefix|>", "fim"], False)):
        model = described(tmp_path, tokenizer__ggml__tokens=tokens)
        assert ("insert" in model.capabilities) is fills
    ids = {f"tokenizer__ggml__fim_{name}_token_id": 5 for name in ("pre", "suf", "mid")}
    assert "insert" in described(tmp_path, **ids).capabilities
    ids.popitem()
    assert "insert" not in described(tmp_path, **ids).capabilities


def test_kinds(tmp_path: Path) -> None:
    assert described(tmp_path, kind=Kind.EMBEDDING, tokenizer__chat_template=USES_TOOLS).capabilities == (
        "embedding",
    )
    assert described(tmp_path, arch="bert", ARCH__pooling_type=4).capabilities == ("rerank",)
    slots = {
        name: SlotConfig(name, kind, command="x {port}") for name, kind in (("a", Kind.CHAT), ("b", Kind.STT))
    }
    models = build_catalog(Config(slots=slots, model_dirs=()), None).models
    assert (models["a"].capabilities, models["b"].capabilities) == (("completion",), ())


@pytest.mark.parametrize(
    ("keys", "kind", "pooling", "whole"),
    [
        ({"arch": "bert", "ARCH__pooling_type": 1}, Kind.EMBEDDING, None, True),
        ({"arch": "bert", "ARCH__pooling_type": 2}, Kind.RERANK, None, True),
        ({"arch": "bert"}, Kind.EMBEDDING, "last", True),
        ({"arch": "modern-bert"}, Kind.EMBEDDING, "none", True),
        ({"arch": "gemma-embedding", "ARCH__pooling_type": 1}, Kind.EMBEDDING, None, True),
        (
            {"arch": "llama", "ARCH__attention__causal": False, "ARCH__pooling_type": 3},
            Kind.EMBEDDING,
            None,
            True,
        ),
        ({"arch": "qwen3", "ARCH__pooling_type": 3}, Kind.EMBEDDING, None, False),
        ({"arch": "qwen3", "ARCH__pooling_type": 3}, Kind.EMBEDDING, "mean", True),
        ({"arch": "qwen3", "ARCH__pooling_type": 1}, Kind.EMBEDDING, "last", False),
        ({"arch": "qwen3", "ARCH__pooling_type": 1}, Kind.RERANK, None, False),
        ({"arch": "qwen3"}, Kind.CHAT, None, False),
    ],
)
def test_who_reads_inputs_as_wholes(
    tmp_path: Path, keys: dict[str, Any], kind: Kind, pooling: str | None, whole: bool
) -> None:
    """Row 1: only those need batches as long as their context."""
    header = header_of(write_gguf(tmp_path / "m.gguf", **keys))
    assert header is not None and reads_whole(header, kind, pooling) is whole
    model = described(tmp_path, {"pooling": pooling} if pooling else {}, kind, **keys)
    assert model.reads_whole is whole
    assert ("batch-size" in model.engine_flags) is whole


@pytest.mark.parametrize(
    ("keys", "flags", "kind"),
    [
        ({"arch": "llama"}, {}, "draft-simple"),
        ({"arch": "eagle3"}, {}, "draft-eagle3"),
        ({"arch": "dflash"}, {}, "draft-dflash"),
        ({"arch": "glm4moe", "ARCH__block_count": 2, "ARCH__nextn_predict_layers": 1}, {}, "draft-mtp"),
        ({"arch": "llama"}, {"spec-type": "ngram-mod"}, None),
    ],
)
def test_a_draft_is_used(tmp_path: Path, keys: dict[str, Any], flags: dict[str, Any], kind: str | None) -> None:
    """Row 36: llama-server loads a draft and lets it be, unless it is told its kind."""
    draft = write_gguf(tmp_path / "drafts" / "d.gguf", **keys)
    assert described(tmp_path, {"spec-draft-model": str(draft), **flags}).draft_type == kind
    assert described(tmp_path, {"spec-draft-model": str(tmp_path / "absent")}).draft_type is None


@pytest.mark.parametrize("mark", ["{#", "{%", "{% '", "{{ 'tools"])
def test_a_template_that_closes_nothing_is_read_once(tmp_path: Path, mark: str) -> None:
    """Read anew from each mark, one such file in a model folder kept hal0 from starting for hours."""
    model = described(tmp_path, tokenizer__chat_template=mark * 300_000)
    assert model.capabilities == ("completion",)


def test_a_context_of_nothing_is_not_known(tmp_path: Path) -> None:
    model = described(tmp_path, ARCH__context_length=0)
    assert (model.context_trained, model.context_length) == (None, None)
