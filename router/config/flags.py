"""llama-server's flag names as people write them in `flags:`, and the ones hal0 keeps for itself.

Only spelling is settled here. Which flags exist is asked of the installed engine (`router.engine.options`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from router.config.schema import Kind
from router.config.yaml_lines import Value

# Other spellings -> the long name used everywhere in hal0. Source: the add_opt() calls of llama.cpp's
# common/arg.cpp (build 11669), and llama.h's field names (n_ctx, n_batch, type_k) that old profiles use.
LONG_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "n-ctx": "ctx-size", "c": "ctx-size", "context-size": "ctx-size",
        "ngl": "n-gpu-layers", "gpu-layers": "n-gpu-layers",
        "fa": "flash-attn", "flash-attention": "flash-attn",
        "np": "parallel", "n-parallel": "parallel",
        "ctk": "cache-type-k", "type-k": "cache-type-k",
        "ctv": "cache-type-v", "type-v": "cache-type-v",
        "b": "batch-size", "n-batch": "batch-size",
        "ub": "ubatch-size", "n-ubatch": "ubatch-size",
        "t": "threads", "n-threads": "threads",
        "tb": "threads-batch", "n-threads-batch": "threads-batch",
        "n": "n-predict", "predict": "n-predict",
        "ts": "tensor-split", "sm": "split-mode", "mg": "main-gpu", "dev": "device", "ot": "override-tensor",
        "cmoe": "cpu-moe", "ncmoe": "n-cpu-moe", "ncffn": "n-cpu-ffn",
        "lm": "load-mode", "mm": "mmproj", "s": "seed", "temperature": "temp", "typical-p": "typical",
        "kvo": "kv-offload", "nkvo": "no-kv-offload", "nr": "no-repack",
        "kvu": "kv-unified", "no-kvu": "no-kv-unified", "cb": "cont-batching", "nocb": "no-cont-batching",
        "fit-t": "fit-target", "fitt": "fit-target", "fitc": "fit-ctx",
        "cram": "cache-ram", "ctxcp": "ctx-checkpoints", "swa-checkpoints": "ctx-checkpoints",
        "md": "spec-draft-model", "model-draft": "spec-draft-model",
        "ngld": "spec-draft-ngl", "n-gpu-layers-draft": "spec-draft-ngl", "gpu-layers-draft": "spec-draft-ngl",
        "rea": "reasoning", "sps": "slot-prompt-similarity", "to": "timeout",
        "v": "verbose", "lv": "verbosity", "log-verbosity": "verbosity", "log-verbose": "verbose",
        "m": "model", "mu": "model-url", "a": "alias", "h": "help", "usage": "help",
        "hf": "hf-repo", "hfr": "hf-repo", "hff": "hf-file", "hft": "hf-token", "dr": "docker-repo",
        "embedding": "embeddings", "rerank": "reranking", "webui": "ui", "no-webui": "no-ui",
        "cl": "cache-list", "otd": "spec-draft-override-tensor", "devd": "spec-draft-device",
        "override-tensor-draft": "spec-draft-override-tensor", "device-draft": "spec-draft-device",
        "td": "spec-draft-threads", "threads-draft": "spec-draft-threads",
        "tbd": "spec-draft-threads-batch", "threads-batch-draft": "spec-draft-threads-batch",
        "prio-draft": "spec-draft-prio", "prio-batch-draft": "spec-draft-prio-batch",
        "ncmoed": "spec-draft-n-cpu-moe", "spec-draft-ncmoe": "spec-draft-n-cpu-moe",
        "n-cpu-moe-draft": "spec-draft-n-cpu-moe", "top-nsigma": "top-n-sigma", "cms": "checkpoint-min-step",
        "draft-p-split": "spec-draft-p-split", "draft-p-min": "spec-draft-p-min", "dt": "defrag-thold",
        "webui-config-file": "ui-config-file", "mmdev": "mmproj-device",
        "lcs": "lookup-cache-static", "lcd": "lookup-cache-dynamic", "jf": "json-schema-file",
        # Ollama's names for the same.
        "num-ctx": "ctx-size", "num-gpu": "n-gpu-layers", "num-predict": "n-predict",
        "num-thread": "threads", "num-batch": "batch-size",
    }
)  # fmt: skip

_VARIABLES: Final = "LLAMA_ARG_"
# Variables whose names differ from their option's (`(env: ...)` in `llama-server --help`).
_OF_VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "batch": "batch-size", "ubatch": "ubatch-size", "rope_scaling_type": "rope-scaling",
        "spec_draft_cache_type_k": "cache-type-k-draft", "spec_draft_cache_type_v": "cache-type-v-draft",
        "spec_draft_hf_repo": "hf-repo-draft", "checkpoint_min_spacing_nt": "checkpoint-min-step",
        "static_path": "path", "endpoint_metrics": "metrics", "endpoint_props": "props",
        "endpoint_slots": "slots", "think": "reasoning-format", "think_budget": "reasoning-budget",
        "think_budget_message": "reasoning-budget-message",
    }
)  # fmt: skip
_SHOUTED: Final = re.compile(r"[A-Z]{3,}|[A-Z]+(?:[-_][A-Z]+)+")  # single letters are flags of their own: -C
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_SOURCE: Final = "the model is named by file:"
_ADDRESS: Final = "hal0 chooses the engine's address; clients use server.host and server.port"
_KEY: Final = "hal0 gives each engine a secret key of its own; clients' keys are server.api_keys"
_TLS: Final = "hal0 talks to the engine on this computer only, without TLS"
_LOG: Final = "hal0 reads the engine's log"
_KIND: Final = "it follows from kind: of the model, which is embedding or rerank"
_PATHS: Final = "it would move the engine's pages away from where hal0 sends requests"
_EXITS: Final = "it makes llama-server print something and exit"
_ROUTER: Final = "it is for llama-server's own router; hal0 does that work"

# What hal0 sets itself or relies on, and why. `managed_reason` adds the families ssl-*, log-* and models-*.
MANAGED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("model", "model-url", "hf-repo", "hf-file", "hf-token", "docker-repo"), _SOURCE),
        **dict.fromkeys(("host", "port", "reuse-port"), _ADDRESS),
        **dict.fromkeys(("api-key", "api-key-file"), _KEY),
        **dict.fromkeys(("embeddings", "reranking"), _KIND),
        **dict.fromkeys(("path", "api-prefix"), _PATHS),
        **dict.fromkeys(("version", "help", "list-devices", "cache-list", "completion-bash"), _EXITS),
        **dict.fromkeys(("ui", "no-ui"), "hal0 runs engines without their web page"),
        "alias": "the model's names are its id and aliases:",
        "cors-origins": "web pages talk to hal0, never to the engine",
        "offline": "hal0 always keeps the engine off the network",
        "sleep-idle-seconds": "use idle_unload: of the slot, which hal0 shows and can undo",
    }
)
# What says the kind of a model in llama-server's words; hal0 passes it by itself.
KIND_FLAGS: Final[Mapping[str, Kind]] = MappingProxyType(
    {"embeddings": Kind.EMBEDDING, "reranking": Kind.RERANK}
)
# Flags of MANAGED that say what hal0 does anyway.
ALREADY: Final[Mapping[str, bool]] = MappingProxyType({"ui": False, "no-ui": True, "offline": True})
_FAMILIES: Final = (
    ("ssl-", _TLS),
    ("log-", _LOG),
    ("no-log-", _LOG),
    ("models-", _ROUTER),
    ("no-models-", _ROUTER),
)
# Debugging aids among log-*: they add to the log and do not change its form.
_HARMLESS: Final = frozenset({"log-prompts-dir"})


@dataclass(frozen=True, slots=True)
class PathFlag:
    """`several`: a list of them. `scaled`: each with `:SCALE`. `made`: the engine creates it if it does not
    exist."""

    several: bool = False
    scaled: bool = False
    made: bool = False


_ONE_PATH: Final = PathFlag()
# Flags that name files, which a config gives relative to itself (docs/configuration.md).
PATH_FLAGS: Final[Mapping[str, PathFlag]] = MappingProxyType(
    {
        **dict.fromkeys(("mmproj", "spec-draft-model", "chat-template-file", "grammar-file"), _ONE_PATH),
        **dict.fromkeys(("json-schema-file", "lookup-cache-static", "ui-config-file"), _ONE_PATH),
        **dict.fromkeys(("slot-save-path", "media-path", "video-ffmpeg-dir", "mcp-servers-config"), _ONE_PATH),
        **dict.fromkeys(("log-prompts-dir", "lookup-cache-dynamic"), PathFlag(made=True)),
        **dict.fromkeys(("lora", "control-vector"), PathFlag(several=True)),
        **dict.fromkeys(("lora-scaled", "control-vector-scaled"), PathFlag(several=True, scaled=True)),
    }
)


def flag_name(raw: str) -> str:
    """Return the long name without dashes: `n_ctx`, `--ctx_size`, `ctxSize`, `CTX_SIZE`, `LLAMA_ARG_CTX_SIZE`
    and `-c` are all `ctx-size`."""
    name = raw.strip().lstrip("-")
    if name.startswith(_VARIABLES):
        name = name.removeprefix(_VARIABLES).lower()
        name = _OF_VARIABLES.get(name, name)
    name = _CAMEL.sub("-", name).lower() if _CAMEL.search(name) or _SHOUTED.fullmatch(name) else name
    name = name.replace("_", "-")
    return LONG_NAMES.get(name, name)


def managed_reason(name: str) -> str | None:
    """Return why `name` (from `flag_name`) may not be set by a model, or None if it may."""
    if name in MANAGED:
        return MANAGED[name]
    if name in _HARMLESS:
        return None
    return next((reason for prefix, reason in _FAMILIES if name.startswith(prefix)), None)


def says_nothing_new(name: str, value: Value, kind: Kind | None) -> bool:
    """Return whether a managed flag only says what hal0 does anyway, as in a command line that worked
    elsewhere."""
    if not isinstance(value.data, bool | None):
        return False
    on = value.data is not False
    if name in KIND_FLAGS:
        return kind is not None and (KIND_FLAGS[name] is kind) is on
    return ALREADY.get(name) is on


def against_kind(name: str, on: bool, kind: Kind) -> str | None:
    """Return why a flag of KIND_FLAGS does not go with a model of `kind`; None if it does."""
    if (KIND_FLAGS[name] is kind) is on:
        return None
    state = "on" if on else "off"
    return f"--{name} is {state}, but this is a model for {kind}; take it out, or correct kind: of the model"


def flag_value(value: Value, between: str = ",") -> str | bool:
    """Return a flag's text, or a bool as YAML has it (nothing after the colon is True: a bare flag).

    Numbers stay as written (`0.60`); a list is joined with `between`; a mapping becomes JSON. Raises ValueError
    with a sentence for what llama-server could not be given.
    """
    if value.data is None:
        return True
    if isinstance(value.data, bool):
        return value.data
    if isinstance(value.data, dict):
        return _json(value)
    if isinstance(value.data, list):
        return between.join(_scalar(item) for item in value.data)
    return _scalar(value)


def _json(value: Value) -> str:
    try:
        return json.dumps(value.plain(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that is too large") from None


def _scalar(value: Value) -> str:
    if isinstance(value.data, dict | list) or value.data is None:
        raise ValueError("a list may only hold text and numbers")
    if isinstance(value.data, str):
        return value.data
    hexadecimal = isinstance(value.data, int) and "x" in value.text.lower()
    # llama-server's number parser stops at "_" and "x", silently.
    return str(value.data) if hexadecimal else value.text.replace("_", "")
