"""Which projector goes with which model, as files lie in people's folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.catalog.gguf import read_header
from router.catalog.projectors import width_of
from router.catalog.scan import Found, describe_file, scan, scan_folders
from tests.router.catalog.files import write_gguf, write_llava_mmproj, write_mmproj, write_shards

N, W = 32, 4096  # narrow and wide models


def model(path: Path, width: int = N, **keys: Any) -> Path:
    return write_gguf(path, **{"ARCH__embedding_length": width, **keys})


def projector(path: Path, width: int | None = N, **keys: Any) -> Path:
    return write_mmproj(path, tensors={"mm.2.bias": (width,)} if width else (), **keys)


def pairs(folder: Path) -> dict[str, str | None]:
    """Model -> projector by the names of their files."""
    return {found.path.name: _projector(found) for found in scan_folders([folder])}


def _projector(found: Found) -> str | None:
    named = found.flags.get("mmproj")
    return Path(str(named)).name if named else None


@pytest.mark.parametrize(
    ("type_", "shapes", "width"),
    [
        ("mlp", {"mm.0.weight": (64, 48), "mm.0.bias": (64,), "mm.2.weight": (32, 64), "mm.2.bias": (32,)}, 32),
        ("mlp", {"mm.0.weight": (32, 48)}, 32),
        (
            "mlp",
            {"mm.0.weight": (64, 48), "mm.3.weight": (32, 64), "mm.4.weight": (32,), "mm.4.bias": (32,)},
            32,
        ),
        ("ldp", {"mm.model.mlp.1.weight": (64, 48), "mm.model.mb_block.1.block.2.1.bias": (32,)}, 32),
        ("ldpv2", {"mm.model.mlp.0.weight": (64, 48), "mm.model.peg.0.bias": (32,)}, 32),
        ("resampler", {"resampler.query": (16, 32), "resampler.proj.weight": (48, 32)}, 32),
        ("adapter", {"adapter.linear.dense_4h_to_h.weight": (32, 64)}, 32),
        ("qwen2vl_merger", {"mm.0.bias": (64,), "mm.2.weight": (32, 64), "mm.2.bias": (32,)}, 32),
        ("gemma3", {"mm.input_projection.weight": (48, 32), "mm.soft_emb_norm.weight": (48,)}, 32),
        ("gemma4v", {"mm.input_projection.weight": (32, 48)}, 32),
        ("idefics3", {"mm.model.fc.weight": (32, 64)}, 32),
        ("internvl", {"mm.model.mlp.1.weight": (64, 48), "mm.model.mlp.3.weight": (32, 64)}, 32),
        ("llama4", {"mm.model.mlp.2.weight": (64, 48), "mm.model.fc.weight": (32, 64)}, 32),
        ("cogvlm", {"mm.model.fc.weight": (64, 48), "mm.up.weight": (96, 64), "mm.down.weight": (32, 96)}, 32),
        ("ultravox", {"mm.a.mlp.1.weight": (64, 48), "mm.a.mlp.2.weight": (32, 64)}, 32),
        ("qwen2a", {"a.conv1d.1.weight": (3, 3), "mm.a.fc.weight": (32, 64)}, 32),
        ("of-next-year", {"mm.0.weight": (64, 48), "mm.1.weight": (32, 64)}, 32),
        ("of-next-year", {"v.other": (64,)}, None),
    ],
)
def test_the_width_is_that_of_the_last_step(
    tmp_path: Path, type_: str, shapes: dict[str, tuple[int, ...]], width: int | None
) -> None:
    """Row 8: the metadata says CLIP's own width, whatever the projector puts out."""
    path = write_mmproj(
        tmp_path / "p.gguf", tensors=shapes, clip__projector_type=type_, clip__vision__projection_dim=768
    )
    assert width_of(read_header(path)) == width


@pytest.mark.parametrize(("told", "width"), [(0, None), (768, None), (None, None), (2048, 2048)])
def test_without_known_tensors_the_metadata_tells(tmp_path: Path, told: int | None, width: int | None) -> None:
    path = write_mmproj(tmp_path / "p.gguf", clip__vision__projection_dim=told)
    assert width_of(read_header(path)) == width


@pytest.mark.parametrize("told", [0, 768])
def test_a_projector_of_an_old_converter_is_used(tmp_path: Path, told: int) -> None:
    """Row 8: one that llama-server loads; tests/e2e/test_model_files.py has it do so."""
    model(tmp_path / "vision.gguf")
    write_llava_mmproj(tmp_path / "mmproj-a.gguf", N, told)
    write_llava_mmproj(tmp_path / "mmproj-b.gguf", 2 * N, told)
    assert pairs(tmp_path) == {"vision.gguf": "mmproj-a.gguf"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # Row 9: several models, each with its own; by width, then by name, then the best type.
        (
            {"small": N, "big": W, "mmproj-small": -N, "mmproj-big": -W},
            {"small": "mmproj-small", "big": "mmproj-big"},
        ),
        (
            {"a": N, "b": W, "mmproj-1": -N, "mmproj-2": -W},
            {"a": "mmproj-1", "b": "mmproj-2"},
        ),
        (
            {"a-vl": N, "b-vl": N, "a-vl.mmproj-Q8_0": -N, "mmproj_B-VL": -N},
            {"a-vl": "a-vl.mmproj-Q8_0", "b-vl": "mmproj_B-VL"},
        ),
        (
            {"m-Q4_K_M": N, "m-Q8_0": N, **dict.fromkeys(("mmproj-BF16", "mmproj-F16", "mmproj-F32"), -N)},
            {"m-Q4_K_M": "mmproj-F16", "m-Q8_0": "mmproj-F16"},
        ),
        ({"m": N, "mmproj-m-BF16": -N, "mmproj-m-Q8_0": -N}, {"m": "mmproj-m-BF16"}),
        ({"m": N, "mmproj-m-F32": -N, "mmproj-m-Q8_0": -N}, {"m": "mmproj-m-Q8_0"}),
        ({"m": N, "mmproj-m-Q4_0": -N, "mmproj-m-Q6_K": -N}, {"m": "mmproj-m-Q6_K"}),
        # Row 10: another family's text-only model of the same width is left alone.
        (
            {"qwen-vl": N, "mmproj-qwen-vl": -N, "qwen-coder": N},
            {"qwen-vl": "mmproj-qwen-vl", "qwen-coder": None},
        ),
        (
            {"Qwen-VL-Q4_K_M": N, "mmproj-QWEN-vl-f16": -N, "qwen-writer": N, "llama": N},
            {"Qwen-VL-Q4_K_M": "mmproj-QWEN-vl-f16", "qwen-writer": None, "llama": None},
        ),
        ({"qwen-vl": N, "qwen-coder": N, "mmproj-qwen": -N}, {"qwen-vl": "mmproj-qwen", "qwen-coder": None}),
        ({"qwen-coder": N, "mmproj-qwen-vl": -N}, {"qwen-coder": None}),
        (
            {"granite-vision-2b": N, "granite-2b-instruct": N, "mmproj-granite-vision-2b": -N},
            {"granite-vision-2b": "mmproj-granite-vision-2b", "granite-2b-instruct": None},
        ),
        (
            {"gemma-3-4b-it": N, "qwen3-4b": N, "mmproj-model-f16-4B": -N},
            {"gemma-3-4b-it": None, "qwen3-4b": None},
        ),
        (
            {"llama": N, "mistral": W, "mmproj-llava-v1.5": -N},
            {"llama": None, "mistral": None},
        ),
        # What downloads look like: a folder of its own, and names that say little or something else.
        ({"Model-Q4_K_M": N, "mmproj-model-f16": -N}, {"Model-Q4_K_M": "mmproj-model-f16"}),
        ({"ggml-model-Q4_K": N, "mmproj-model-f16": -N}, {"ggml-model-Q4_K": "mmproj-model-f16"}),
        ({"llava-v1.5-7b-q4": N, "llava-v1.5-7b-mmproj": -N}, {"llava-v1.5-7b-q4": "llava-v1.5-7b-mmproj"}),
        ({"qwen2.5-vl-7b-q4": N, "qwen2.5-vl-7b-vision": -N}, {"qwen2.5-vl-7b-q4": "qwen2.5-vl-7b-vision"}),
        ({"my-favourite": N, "mmproj-org_thing-F16": -N}, {"my-favourite": "mmproj-org_thing-F16"}),
        (
            {"MiniCPM-V-2_6-Q4": N, "mmproj-MiniCPM-V-2_6-f16": -N, "MiniCPM-2B": N},
            {"MiniCPM-V-2_6-Q4": "mmproj-MiniCPM-V-2_6-f16", "MiniCPM-2B": None},
        ),
        # Width is hard where it is known.
        ({"m": N, "mmproj-m": -W}, {"m": None}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".gguf", ".GGUF"])
def test_one_folder(
    tmp_path: Path, files: dict[str, int], expected: dict[str, str | None], suffix: str
) -> None:
    """Rows 9 and 10. `files`: the width of each, negative for a projector."""
    for name, width in files.items():
        make = model if width > 0 else projector
        make(tmp_path / f"{name}{suffix}", abs(width))
    found = {Path(m).stem: p and Path(p).stem for m, p in pairs(tmp_path).items()}
    assert found == expected
    for name in expected:  # the same where hal0.yaml names the file
        assert (p := _projector(describe_file(tmp_path / f"{name}{suffix}"))) is None or Path(
            p
        ).stem == expected[name]


def test_the_header_s_names_help_where_the_file_s_do_not(tmp_path: Path) -> None:
    for name, said in (("one", "Gemma 3 4b It"), ("two", "Qwen3 4B")):
        model(tmp_path / f"{name}.gguf", general__name=said)
    projector(tmp_path / "mmproj-F16.gguf", general__name="Gemma 3 4b It")
    assert pairs(tmp_path) == {"one.gguf": "mmproj-F16.gguf", "two.gguf": None}


@pytest.mark.parametrize("name", ["mmproj-model-f16-4B", "mmproj-F16"])
@pytest.mark.parametrize(
    ("type_", "architecture"),
    [
        ("gemma3", "gemma3"),
        ("qwen2.5vl_merger", "qwen2vl"),
        ("qwen3vl_merger", "qwen3vlmoe"),
        ("glm4v", "glm4"),
    ],
)
def test_the_projector_s_type_may_tell_the_architecture(
    tmp_path: Path, name: str, type_: str, architecture: str
) -> None:
    """Row 10: where neither width nor name tells two models apart."""
    write_gguf(tmp_path / "one-4b.gguf", arch=architecture, ARCH__embedding_length=N)
    model(tmp_path / "two-4b.gguf", arch="qwen3")
    projector(tmp_path / f"{name}.gguf", clip__projector_type=type_)
    assert pairs(tmp_path) == {"one-4b.gguf": f"{name}.gguf", "two-4b.gguf": None}


def test_embedding_models_are_given_none_by_chance(tmp_path: Path) -> None:
    model(tmp_path / "chat.gguf")
    write_gguf(tmp_path / "embed.gguf", arch="bert", ARCH__embedding_length=N, ARCH__pooling_type=1)
    projector(tmp_path / "mmproj-F16.gguf")
    assert pairs(tmp_path) == {"chat.gguf": "mmproj-F16.gguf", "embed.gguf": None}


def test_what_is_unclear_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rows 9 and 10: none is better than a wrong one, and a person is told so."""
    for name in ("llama", "mistral"):
        model(tmp_path / f"{name}.gguf")
    projector(tmp_path / "mmproj-F16.gguf")
    for _ in range(2):
        found = scan([tmp_path])
    assert [item.flags for item in found.models] == [{}, {}]
    assert all("mmproj-F16.gguf may belong to it" in (item.note or "") for item in found.models)
    assert caplog.text.count("llama.gguf is used without images") == 1
    assert [left.path.name for left in found.left_out] == ["mmproj-F16.gguf"]


def test_a_text_encoder_of_an_image_program_is_no_projector(tmp_path: Path) -> None:
    """ComfyUI's folders hold CLIP's other half under the same architecture."""
    model(tmp_path / "gemma-3-4b.gguf")
    projector(tmp_path / "clip_l.gguf", clip__has_text_encoder=True)
    scanned = scan([tmp_path])
    assert pairs(tmp_path) == {"gemma-3-4b.gguf": None}
    assert [found.note for found in scanned.models] == [None]
    assert ["text encoder" in left.reason for left in scanned.left_out] == [True]


def test_a_used_projector_is_no_stray_file(tmp_path: Path) -> None:
    model(tmp_path / "m.gguf")
    projector(tmp_path / "mmproj-m.gguf")
    assert scan([tmp_path]).left_out == []


@pytest.mark.parametrize(
    ("models", "projectors", "expected"),
    [
        (["m.gguf"], ["mmproj/mmproj-F16.gguf"], "mmproj-F16.gguf"),
        (["Q4_0/m-Q4_0.gguf", "Q8_0/m-Q8_0.gguf"], ["mmproj-F16.gguf", "mmproj-F32.gguf"], "mmproj-F16.gguf"),
        (["org/m/m.gguf", "org/n/n.gguf"], ["org/mmproj-F16.gguf"], None),
        (["org/m/m.gguf", "org/n/n.gguf"], ["org/m/mmproj.gguf", "org/n/mmproj.gguf"], "mmproj.gguf"),
        (["m.gguf", "n.gguf"], ["mmproj/mmproj-F16.gguf"], None),
    ],
)  # fmt: skip
def test_folders(tmp_path: Path, models: list[str], projectors: list[str], expected: str | None) -> None:
    """Row 9: a subfolder for projectors; one for each quantisation; publisher/repository."""
    for name in models:
        model(tmp_path / name)
    for name in projectors:
        projector(tmp_path / name)
    assert set(pairs(tmp_path).values()) == {expected}
    assert _projector(describe_file(tmp_path / models[0])) == expected
    for found in scan_folders([tmp_path]):
        given = Path(str(found.flags.get("mmproj", tmp_path)))
        assert given.parent in (found.path.parent, found.path.parent / "mmproj", *found.path.parents)


def test_split_models_in_folders_of_their_own(tmp_path: Path) -> None:
    for label in ("Q4_K_M", "Q8_0"):
        write_shards(tmp_path / label, f"GLM-4.5V-{label}", 2, ARCH__embedding_length=N)
    projector(tmp_path / "mmproj-F16.gguf")
    assert set(pairs(tmp_path).values()) == {"mmproj-F16.gguf"}
