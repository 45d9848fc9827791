"""The files that hal0's own list of models means, by their published names and sizes.

As other projects' files name them (November 2026, several with the hub's checksum); Hugging Face was not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from router.hub.names import RepoFile, choose, file_sets, parse_reference
from router.hub.suggestions import ListedModel, listed_models

PUBLISHED: Final[Mapping[str, Mapping[str, int]]] = {
    "Qwen/Qwen3-0.6B-GGUF": {"Qwen3-0.6B-Q8_0.gguf": 639_446_688},
    "Qwen/Qwen3-1.7B-GGUF": {"Qwen3-1.7B-Q8_0.gguf": 1_834_426_016},
    "unsloth/Qwen3-4B-Instruct-2507-GGUF": {"Qwen3-4B-Instruct-2507-Q4_K_M.gguf": 2_497_281_120},
    "Qwen/Qwen3-8B-GGUF": {"Qwen3-8B-Q4_K_M.gguf": 5_027_783_488, "Qwen3-8B-Q8_0.gguf": 8_709_518_112},
    "ggml-org/gpt-oss-20b-GGUF": {"gpt-oss-20b-MXFP4.gguf": 12_109_566_624},
    "unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF": {
        "Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf": 18_556_686_752,
        "Qwen3-30B-A3B-Instruct-2507-UD-Q3_K_XL.gguf": 13_833_048_480,
    },
    "bartowski/Qwen2.5-Coder-1.5B-Instruct-GGUF": {"Qwen2.5-Coder-1.5B-Instruct-Q8_0.gguf": 1_646_573_344},
    "bartowski/Qwen2.5-Coder-7B-Instruct-GGUF": {"Qwen2.5-Coder-7B-Instruct-Q4_K_M.gguf": 4_683_071_776},
    "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF": {
        "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf": 18_556_689_568,
    },
    "ggml-org/SmolVLM-500M-Instruct-GGUF": {
        "SmolVLM-500M-Instruct-Q8_0.gguf": 436_806_912,
        "mmproj-SmolVLM-500M-Instruct-Q8_0.gguf": 108_783_360,
        "mmproj-SmolVLM-500M-Instruct-f16.gguf": 199_468_800,
    },
    "ggml-org/gemma-3-4b-it-GGUF": {
        "gemma-3-4b-it-Q4_K_M.gguf": 2_489_757_856,
        "gemma-3-4b-it-Q8_0.gguf": 4_130_226_336,
        "mmproj-model-f16.gguf": 851_251_104,
    },
    "ggml-org/Qwen2.5-VL-7B-Instruct-GGUF": {
        "Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf": 4_683_072_032,
        "mmproj-Qwen2.5-VL-7B-Instruct-Q8_0.gguf": 853_119_712,
        "mmproj-Qwen2.5-VL-7B-Instruct-f16.gguf": 1_354_000_000,  # told to the megabyte only
    },
    "nomic-ai/nomic-embed-text-v1.5-GGUF": {
        "nomic-embed-text-v1.5.Q8_0.gguf": 146_146_432,
        "nomic-embed-text-v1.5.Q4_K_M.gguf": 84_106_624,
    },
    "Qwen/Qwen3-Embedding-0.6B-GGUF": {"Qwen3-Embedding-0.6B-Q8_0.gguf": 639_150_592},
    "gpustack/bge-reranker-v2-m3-GGUF": {
        "bge-reranker-v2-m3-Q8_0.gguf": 635_676_416,
        "bge-reranker-v2-m3-Q4_K_M.gguf": 438_376_864,
        "bge-reranker-v2-m3-FP16.gguf": 1_159_776_896,
    },
}


@pytest.mark.parametrize("listed", listed_models(), ids=lambda listed: listed.reference)
def test_each_suggestion_means_a_published_file_of_the_size_that_it_says(listed: ListedModel) -> None:
    reference = parse_reference(listed.reference)
    there = PUBLISHED[reference.repo]
    sets = file_sets(RepoFile(name, size, None) for name, size in there.items())
    chosen = choose(reference, sets)
    assert reference.quant is not None and chosen.stem.endswith(reference.quant), "as the file itself writes it"
    size = sum(there[file.path] for file in chosen.all_files)
    assert size == pytest.approx(listed.size_bytes, rel=0.002)
    sees = listed.kind == "vision"
    assert (chosen.projector is not None) is sees


def test_a_file_that_was_renamed_in_upper_case_is_still_found() -> None:
    sets = file_sets([RepoFile("gpt-oss-20b-mxfp4.gguf", 12_109_565_632, None)])
    assert choose(parse_reference("ggml-org/gpt-oss-20b-GGUF:MXFP4"), sets).stem == "gpt-oss-20b-mxfp4"


def test_nothing_is_published_here_that_the_list_does_not_have() -> None:
    assert {parse_reference(one.reference).repo for one in listed_models()} == set(PUBLISHED)
