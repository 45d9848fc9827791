from __future__ import annotations

import pytest

from router.base.errors import PullFailed
from router.hub.names import FileSet, Reference, RepoFile, choose, file_sets, parse_reference, quant_of


def sets(*paths: str, size: int = 100) -> tuple[FileSet, ...]:
    return file_sets(RepoFile(path, size + index, "0" * 64) for index, path in enumerate(paths))


@pytest.mark.parametrize(
    ("text", "repo", "quant"),
    [
        ("org/repo", "org/repo", None),
        ("org/repo-GGUF:Q4_K_M", "org/repo-GGUF", "Q4_K_M"),
        ("org/repo-GGUF:My Model (v2)", "org/repo-GGUF", "My Model (v2)"),
        (" org/re.po:q8_0 ", "org/re.po", "q8_0"),
        ("hf.co/org/repo:IQ4_XS", "org/repo", "IQ4_XS"),
        ("https://huggingface.co/org/repo", "org/repo", None),
        ("https://huggingface.co/org/repo/", "org/repo", None),
        ("org/repo:my-model.v2", "org/repo", "my-model.v2"),
        # what a browser's address bar has, and the commands on a model's page
        ("https://huggingface.co/org/repo/tree/main", "org/repo", None),
        ("https://huggingface.co/org/repo/tree/main/Q4_K_M", "org/repo", "Q4_K_M"),
        ("https://huggingface.co/org/repo#use", "org/repo", None),
        ("https://huggingface.co/org/repo/blob/main/m-Q4_K_M.gguf", "org/repo", "m-Q4_K_M"),
        (
            "https://huggingface.co/org/repo/resolve/main/Q8_0/m-00001-of-00003.gguf?download=true",
            "org/repo",
            "m",
        ),
        ("org/repo/m-Q4_K_M.gguf", "org/repo", "m-Q4_K_M"),
        ("org/repo:m-Q4_K_M.gguf", "org/repo", "m-Q4_K_M"),
        ("llama-server -hf org/repo:Q4_K_M", "org/repo", "Q4_K_M"),
        ("ollama run hf.co/org/repo:latest", "org/repo", None),
        ("ollama pull hf.co/org/repo:Q4_K_M", "org/repo", "Q4_K_M"),
        ("$ ./llama-server -hf org/repo:Q4_K_M --jinja -c 8192", "org/repo", "Q4_K_M"),
        ("brew install llama.cpp\nllama-server \\\n  -hf org/repo", "org/repo", None),
        ('llama-server -hf "org/repo:Q4_K_M"', "org/repo", "Q4_K_M"),
        ("llama-server --hf-repo org/repo --hf-file=m-Q4_K_M.gguf -c 2048", "org/repo", "m-Q4_K_M"),
        ("lms get https://huggingface.co/org/repo@q4_k_m", "org/repo", "q4_k_m"),
        ("lmstudio://open_from_hf?model=org/repo&file=m-Q4_K_M.gguf", "org/repo", "m-Q4_K_M"),
        ("jan://models/huggingface/org/repo", "org/repo", None),
        ("docker model run hf.co/org/repo", "org/repo", None),
        ("hf download org/repo m-Q4_K_M.gguf --local-dir .", "org/repo", "m-Q4_K_M"),
        (
            "curl -LO https://huggingface.co/org/repo/resolve/main/m-Q8_0.gguf?download=true",
            "org/repo",
            "m-Q8_0",
        ),
        ('Llama.from_pretrained(\n\trepo_id="org/repo",\n\tfilename="*Q4_K_M.gguf",\n)', "org/repo", "Q4_K_M"),
        ("HTTPS://HuggingFace.co/org/repo", "org/repo", None),
        ("\ufeff\u201corg/repo\u201d\u200b", "org/repo", None),
        ("https://huggingface.co/org/repo?show_file_info=m-Q4_K_M.gguf", "org/repo", "m-Q4_K_M"),
        ("https://huggingface.co/org/repo/blob/main/My%20Model-Q4_K_M.gguf", "org/repo", "My Model-Q4_K_M"),
        ("https://huggingface.co/org/repo/blob/main/README.md", "org/repo", None),
        ("https://huggingface.co/org/repo/discussions/3", "org/repo", None),
    ],
)
def test_what_may_be_written(text: str, repo: str, quant: str | None) -> None:
    assert parse_reference(text) == Reference(repo, quant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "repo",
        "org/../etc",
        "a/b/c",
        "org/repo:",
        "../x",
        "org/repo:a/b",
        "http://evil/x/y",
        "ollama run qwen3",
        "cat /etc/passwd",
        "https://huggingface.co/datasets/org/repo",
        "llama-server -hf",
    ],
)
def test_what_may_not(text: str) -> None:
    with pytest.raises(PullFailed, match="write org/repo or org/repo:quantisation"):
        parse_reference(text)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("Llama-3.2-3B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("model.q8_0.gguf", "Q8_0"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Q6_K/big-Q6_K.gguf", "Q6_K"),
        ("UD-IQ1_S/DeepSeek-R1.gguf", "UD-IQ1_S"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("x-BF16.gguf", "BF16"),
        ("Qwen2-0.5B.gguf", None),
        ("ggml-model-f16.gguf", "F16"),
        ("x-q4km.gguf", "Q4_K_M"),
        ("x.iq4-xs.gguf", "IQ4_XS"),
        ("X (Q4 K M).gguf", "Q4_K_M"),
        ("x-UD-Q6K.gguf", "UD-Q6_K"),
        ("x-Q80.gguf", "Q8_0"),
        ("x.i1-Q4_K_S.gguf", "Q4_K_S"),
    ],
)
def test_the_quantisation_in_a_name(path: str, label: str | None) -> None:
    assert quant_of(path) == label


def test_a_quantisation_is_chosen_whatever_its_case() -> None:
    found = sets("a-Q4_K_M.gguf", "a-Q8_0.gguf", "UD/a-UD-Q2_K_XL.gguf")
    assert choose(Reference("o/r", "q8_0"), found).files[0].path == "a-Q8_0.gguf"
    assert choose(Reference("o/r", "Q2_K_XL"), found).label == "UD-Q2_K_XL"
    assert choose(Reference("o/r", "a-Q4_K_M"), found).label == "Q4_K_M"
    assert choose(Reference("o/r", "q4km"), found).label == "Q4_K_M"
    assert choose(Reference("o/r", "F16"), sets("a-fp16.gguf", "a-Q8_0.gguf")).label == "FP16"


@pytest.mark.parametrize(
    ("there", "label"),
    [
        (("Q2_K", "Q4_K_M", "Q8_0"), "Q4_K_M"),
        (("Q2_K", "Q4_K_S", "Q5_K_M"), "Q4_K_S"),
        (("Q2_K", "Q8_0"), "Q8_0"),
        (("F16",), "F16"),
        (("IQ2_XXS", "BF16"), "IQ2_XXS"),
    ],
)
def test_without_a_wish_it_is_the_usual_one_or_the_nearest(there: tuple[str, ...], label: str) -> None:
    sizes = {"IQ2_XXS": 30, "BF16": 100}
    found = file_sets(RepoFile(f"a-{name}.gguf", sizes.get(name, 50), None) for name in there)
    assert choose(Reference("o/r"), found).label == label


def test_an_unknown_quantisation_lists_what_there_is() -> None:
    found = file_sets([RepoFile("a-Q4_K_M.gguf", 4400 << 20, None), RepoFile("a-Q8_0.gguf", 8 << 30, None)])
    with pytest.raises(PullFailed) as told:
        choose(Reference("o/r", "Q5_K"), found)
    assert told.value.message == "o/r has no Q5_K; it has: Q4_K_M (4.6 GB), Q8_0 (8.6 GB)."


def test_a_repository_without_ggufs_is_told() -> None:
    with pytest.raises(PullFailed, match="no GGUF files"):
        choose(Reference("o/r"), sets("model.safetensors", "README.md"))


def test_two_models_of_one_size_must_be_named() -> None:
    found = sets("small-Q4_K_M.gguf", "big-Q4_K_M.gguf")
    with pytest.raises(PullFailed, match=r"several models; write one of: o/r:small-Q4_K_M, o/r:big-Q4_K_M"):
        choose(Reference("o/r"), found)
    assert choose(Reference("o/r", "big-q4_k_m"), found).stem == "big-Q4_K_M"


def test_shards_are_one_model_and_an_incomplete_set_is_none() -> None:
    whole = [f"Q8_0/m-Q8_0-{no:05}-of-00003.gguf" for no in (2, 1, 3)]
    found = sets(*whole, "m-Q4_0-00001-of-00002.gguf")
    (only,) = found
    assert [file.name for file in only.files] == [f"m-Q8_0-{no:05}-of-00003.gguf" for no in (1, 2, 3)]
    assert only.label == "Q8_0" and only.total_bytes == 303


def test_the_best_mmproj_goes_with_every_model() -> None:
    found = sets("m-Q4_0.gguf", "m-Q8_0.gguf", "mmproj-m-f32.gguf", "mmproj-m-F16.gguf", "m.imatrix.gguf")
    assert {item.label for item in found} == {"Q4_0", "Q8_0"}
    assert {item.projector.path for item in found if item.projector} == {"mmproj-m-F16.gguf"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("a-vl-Q4_0", "b-Q4_0", "mmproj-a-vl", "b_mmproj"), {"a-vl": "mmproj-a-vl", "b": "b_mmproj"}),
        (("m-Q4_0", "mmproj-BF16", "mmproj-F16", "mmproj-F32"), {"m": "mmproj-F16"}),
        (("m-Q4_0", "MMPROJ-model-f16"), {"m": "MMPROJ-model-f16"}),
        (("m-coder-Q4_0", "mmproj-F16"), {"m-coder": "mmproj-F16"}),
        (("m-Q4_0", "another-mmproj-f16"), {"m": "another-mmproj-f16"}),
        (("m-Q4_0", "mmproj-a-f16", "mmproj-b-f16"), {"m": None}),
    ],
)  # fmt: skip
def test_each_model_of_a_repository_gets_its_own_mmproj(
    files: tuple[str, ...], expected: dict[str, str | None]
) -> None:
    """Row 9: chosen as it will be where the files lie then."""
    found = sets(*(f"{name}.gguf" for name in files))
    chosen = {item.stem.removesuffix("-Q4_0"): item.projector and item.projector.name for item in found}
    assert chosen == {model: name and f"{name}.gguf" for model, name in expected.items()}


@pytest.mark.parametrize(
    "part",
    [
        "vocoder-LFM2.5-Audio-1.5B-Q4_0.gguf",
        "tokenizer-LFM2.5-Audio-1.5B-Q4_0.gguf",
        "audiodecoder-LFM2-Audio-1.5B-Q4_0.gguf",
        "WavTokenizer-Large-75-F16.gguf",
        "LoRA-Qwen3-abliterated-f16.gguf",
        "ggml-adapter-model.gguf",
        "Qwen3-4B-F16-LoRA.gguf",
        "qwen3-lora-adapter-f16.gguf",
        "ggml-vocab-qwen3.gguf",
        "Qwen3-4B-imatrix.gguf",
        "control_vector-happy.gguf",
        "qwen2vl-vision-encoder.gguf",
        "llava-projector-f16.gguf",
    ],
)
def test_parts_that_lie_beside_a_model_are_no_models(part: str) -> None:
    found = sets("Qwen3-4B-Q4_0.gguf", part)
    assert [item.stem for item in found] == ["Qwen3-4B-Q4_0"]
    assert choose(Reference("o/r"), found).stem == "Qwen3-4B-Q4_0"


@pytest.mark.parametrize("name", ["M-lora-merged-Q4_K_M.gguf", "Explora-7B-Q4_K_M.gguf", "VAEgir-Q4_0.gguf"])
def test_what_only_may_be_a_part_is_a_model_where_nothing_else_is(name: str) -> None:
    assert [item.stem for item in sets(name)] == [name[:-5]]


def test_drafts_of_a_repository_are_no_models_of_it() -> None:
    """Row 11: names that llama.cpp's converter gives them."""
    found = sets("m-Q4_0.gguf", "mtp-m-Q4_0.gguf", "eagle3-m-Q4_0.gguf", "MTP-m-Q8_0.gguf")
    assert [item.stem for item in found] == ["m-Q4_0"]


@pytest.mark.parametrize("path", ["a/..gguf", ".gguf", "a/.hidden.gguf", "x\ny.gguf", "a\\b.gguf", "c:d.gguf"])
def test_a_name_that_could_harm_is_passed_over(path: str) -> None:
    assert sets(path) == ()
