"""LM Studio's settings of one model: `…/user-concrete-model-default-config/PUBLISHER/REPO/FILE.gguf.json`.

Each has `load.fields` and `operation.fields`, lists of `{"key", "value"}`, where a value may be
`{"checked", "value"}`.
Keys: lmstudio-js' kvConfig schema, and files that LM Studio 0.3 and 0.4 wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from router.imports.found import FoundModel, Imported, NotImported, Origin, model_id

_AS_THEY_ARE: Final = {
    "contextLength": "ctx-size",
    "numParallelSessions": "parallel",
    "llama.evalBatchSize": "batch-size",
    "llama.physicalBatchSize": "ubatch-size",
    "llama.cpuThreadPoolSize": "threads",
    "llama.kCacheQuantizationType": "cache-type-k",
    "llama.vCacheQuantizationType": "cache-type-v",
    "llama.ropeFrequencyBase": "rope-freq-base",
    "llama.ropeFrequencyScale": "rope-freq-scale",
    "llama.contextCheckpoints": "ctx-checkpoints",
    "llama.speculativeDecoding.draftMaxTokens": "spec-draft-n-max",
    "llama.speculativeDecoding.draftMinTokens": "spec-draft-n-min",
    "seed": "seed",
}
_SWITCHES: Final[Mapping[str, Callable[[bool], dict[str, Any]]]] = {
    "llama.flashAttention": lambda on: {"flash-attn": "on" if on else "off"},
    "llama.tryMmap": lambda on: {} if on else {"no-mmap": True},
    "llama.keepModelInMemory": lambda on: {"mlock": True} if on else {},
    "llama.useUnifiedKvCache": lambda on: {"kv-unified": True} if on else {"no-kv-unified": True},
    "useUnifiedKvCache": lambda on: {"kv-unified": True} if on else {"no-kv-unified": True},
    "offloadKVCacheToGpu": lambda on: {} if on else {"no-kv-offload": True},
    "llama.speculativeDecoding.draftMtp": lambda on: {"spec-type": "draft-mtp"} if on else {},
    "llama.autoFit": lambda _on: {},
}
_REQUEST: Final = {
    "temperature": "temperature",
    "topKSampling": "top_k",
    "topPSampling": "top_p",
    "minPSampling": "min_p",
    "repeatPenalty": "repeat_penalty",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "maxTokens": "max_tokens",
    "maxPredictedTokens": "max_tokens",
    "stopStrings": "stop",
    "llama.topKSampling": "top_k",
    "llama.topPSampling": "top_p",
    "llama.minPSampling": "min_p",
    "llama.repeatPenalty": "repeat_penalty",
}
_REASONS: Final = {
    "systemPrompt": "hal0 adds no system prompt to requests; set it in the client",
    "promptTemplate": "the chat template in the GGUF is used; another is the flag chat-template-file",
    "contextOverflowPolicy": "llama-server refuses what is too long, or shifts the context with context-shift",
    "numCpuExpertLayersRatio": "llama-server counts layers: the flag n-cpu-moe",
    "numExperts": "llama-server takes it by key of the GGUF: the flag override-kv",
    "gpuSplitConfig": "llama-server takes it as the flags device and tensor-split",
    "speculativeDecoding.draftModel": "name the draft's file as the flag spec-draft-model",
}


def read_lm_studio(text: str, origin: Origin) -> Imported:
    """Return the settings in `text`. Raises NotImported."""
    found = Imported("LM Studio's settings of a model")
    document = _document(text, origin)
    file = re.sub(r"\.json$", "", origin.path.name, flags=re.IGNORECASE)
    if file.lower().endswith(".preset"):
        raise NotImported(f"{origin.path} is a preset, which names no model: import a model's own settings.")
    model = FoundModel(model_id(re.sub(r"\.gguf$", "", file, flags=re.IGNORECASE)), 1, file=file)
    lines = text.splitlines()
    for section in ("load", "operation", "prediction"):
        for key, value, chosen in _fields(document.get(section)):
            if chosen:
                _field(key, value, _line(lines, key), model, found)
            else:
                found.keep(_line(lines, key), "LM Studio chose it by itself, as hal0 does")
    if preset := document.get("preset"):
        found.leave(
            _line(lines, "preset"),
            f"preset {preset}",
            "a preset is a file of its own; what it sets is not in here",
        )
    else:
        found.keep(_line(lines, "preset"), "it names none")
    if not model.flags and not model.request and not found.left_out:
        raise NotImported(f"{origin.path} sets nothing, so there is nothing to import.")
    found.models.append(model)
    return found


def _document(text: str, origin: Origin) -> Mapping[str, Any]:
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise NotImported(f"{origin.path} is not JSON ({error}).") from None
    known = isinstance(document, dict) and any(name in document for name in ("load", "operation", "prediction"))
    if not known:
        raise NotImported(
            f'{origin.path} is not what LM Studio keeps of a model: it has no "load" or "operation".'
        )
    return dict(document)


def _fields(section: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield each with its value, and whether it is set: one whose box is not checked is LM Studio's own
    choice."""
    for item in section.get("fields", ()) if isinstance(section, dict) else ():
        if not isinstance(item, dict) or not isinstance(item.get("key"), str):
            continue
        value = item.get("value")
        if isinstance(value, dict) and value.keys() <= {"checked", "value"}:
            yield item["key"], value.get("value"), bool(value.get("checked"))
        else:
            yield item["key"], value, True


def _field(key: str, value: Any, line: int, model: FoundModel, found: Imported) -> None:
    name = re.sub(r"^(?:llm|embedding)\.(?:load|prediction)\.|^load\.", "", key)
    if key.startswith("llm.prediction."):
        if name in _REQUEST:
            model.request[_REQUEST[name]] = value
            model.lines[f"request.{_REQUEST[name]}"] = line
        elif name == "reasoning.enableThinking" and isinstance(value, bool):
            model.request["chat_template_kwargs"] = {"enable_thinking": value}
            model.lines["request.chat_template_kwargs"] = line
        elif value in ("", [], None):
            found.keep(line, "it says nothing")
        else:
            found.leave(line, key, _reason(name))
    elif name in _AS_THEY_ARE:
        model.flags[_AS_THEY_ARE[name]] = value
        model.lines[f"flags.{_AS_THEY_ARE[name]}"] = line
    elif name in _SWITCHES and isinstance(value, bool):
        flags = _SWITCHES[name](value)
        model.flags |= flags
        model.lines |= {f"flags.{flag}": line for flag in flags}
        if not flags:
            found.keep(line, "hal0 does so by itself")
    elif name == "llama.acceleration.offloadRatio":
        _offload(value, line, model, found)
    else:
        found.leave(line, key, _reason(name))


def _reason(name: str) -> str:
    return next((reason for part, reason in _REASONS.items() if part in name), "llama-server has no such flag")


def _offload(value: Any, line: int, model: FoundModel, found: Imported) -> None:
    """Read the share of the layers that is on the GPU; all of them is what hal0 does by itself."""
    if value in (1, "max", "auto"):
        found.keep(line, "as many layers as fit are hal0's own way")
        return
    if value in (0, "off"):
        model.flags["n-gpu-layers"], model.lines["flags.n-gpu-layers"] = 0, line
    elif isinstance(value, int):
        model.flags["n-gpu-layers"], model.lines["flags.n-gpu-layers"] = value, line
    else:
        found.leave(line, f"offloadRatio {value}", "llama-server counts layers: the flag n-gpu-layers")


def _line(lines: list[str], key: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if f'"{key}"' in line), 1)
