"""Models of Ollama's store on the real engine: a name means all that its model is made of (rows 2, 12)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.router.catalog.test_ollama import put

HI = [{"role": "user", "content": "Hello?"}]
SENTENCE = "From the store."
SHOT = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "2"}]


def write_adapter(path: Path, base: Path) -> Path:
    """A LoRA of rank 1 that spoils the output: what it is put onto can say its sentence no more."""
    tensor = next(t for t in gguf.GGUFReader(base).tensors if t.name == "output.weight")
    width, height = map(int, tensor.shape)
    writer: Any = gguf.GGUFWriter(path, "qwen3")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 1.0)
    writer.add_tensor("output.weight.lora_a", np.full((1, width), 100, np.float32))
    writer.add_tensor(
        "output.weight.lora_b", np.linspace(100, -100, height, dtype=np.float32).reshape(height, 1)
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


async def test_each_name_answers_as_what_it_is(
    make_hal0: Callable[[str], Hal0], tmp_path: Path, speaking_model: SpeakingModel
) -> None:
    store, weights = tmp_path / "store", speaking_model(SENTENCE)
    library = ("registry.ollama.ai", "library")
    put(store, *library, "plain", "latest", model=weights)
    put(store, *library, "tuned", "latest", model=weights, adapter=write_adapter(tmp_path / "a.gguf", weights))
    put(store, *library, "st", "latest", model=weights, adapter="safetensors")
    put(
        store,
        *(*library, "pirate", "latest"),
        model=weights,
        system="Talk like a pirate.",
        messages=SHOT,
        params={"temperature": 0, "num_predict": 2, "stop": ["zzz"], "num_ctx": 999},
    )
    hal0 = make_hal0(f'model_dirs: ["{store}"]\n')
    await hal0.start()
    assert await hal0.chat("plain") == SENTENCE
    assert SENTENCE not in await hal0.chat("tuned", max_tokens=10), "the adapter is in effect"
    status, told = await hal0.ask("st")
    assert status >= 400 and "adapter" in told["error"]["message"], told
    for path, body in (
        ("/v1/chat/completions", {"messages": HI}),
        ("/v1/responses", {"input": "Hello?"}),
        ("/v1/messages", {"messages": HI, "max_tokens": 2}),
        ("/api/chat", {"messages": HI, "stream": False}),
        ("/api/generate", {"prompt": "Hello?", "stream": False}),
    ):
        status, told = await hal0.post(path, {"model": "pirate", **body})
        assert status == 200 and told["model"] == "pirate:latest", (path, told)
        usage = told.get("usage") or {"completion_tokens": told.get("eval_count")}
        assert 2 in usage.values(), f"{path}: num_predict, where the client sets no limit: {told}"
    _status, told = await hal0.post("/apply-template", {"model": "pirate", "messages": HI})
    assert "Talk like a pirate." in told["prompt"] and "1+1?" in told["prompt"]
    for path in ("/v1/messages/count_tokens",):
        _status, long = await hal0.post(path, {"model": "pirate", "messages": HI})
        _status, short = await hal0.post(path, {"model": "pirate", "messages": HI, "system": "x"})
        assert long["input_tokens"] > short["input_tokens"] > 10
    counts = "/v1/chat/completions/input_tokens"
    _status, long = await hal0.post(counts, {"model": "pirate", "messages": HI})
    _status, short = await hal0.post(
        counts, {"model": "pirate", "messages": [{"role": "system", "content": "x"}, *HI]}
    )
    assert long["input_tokens"] > short["input_tokens"] > 10, "its own prompt counts"
    assert (await hal0.slot())["context_length"] > 999, "hal0 chooses the context"
