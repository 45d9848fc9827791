"""What each of llama-server's flags takes, as far as its own parser would let something wrong through.

The engine's `--help` has the flags and the hints of their values (`N`, `FNAME`); whether an N may have a
fraction, and which numbers make sense, it does not say. Source: the add_opt() calls of llama.cpp's
common/arg.cpp (build 11669), and trying; the tests compare these tables with the real engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from router.config.flag_paths import read_paths
from router.config.flags import PATH_FLAGS, flag_value
from router.config.numbers import Number
from router.config.yaml_lines import Value, describe

# Their words are all in lower case, and llama-server compares them letter by letter.
LOWER_CASE: Final = frozenset(
    {"cache-type-k", "cache-type-v", "cache-type-k-draft", "cache-type-v-draft", "flash-attn", "fit", "numa"}
    | {"load-mode", "pooling", "reasoning", "reasoning-format", "rope-scaling", "split-mode"}
)

_REAL: Final = Number(whole=False)
_POSITIVE: Final = Number(0, whole=False)
_SHARE: Final = Number(0, 1, whole=False)
_COUNT: Final = Number(0)
_LAYERS: Final = Number(-2, words=("auto", "all"))
_SECONDS: Final = Number(0, seconds=True)

_GROUPS: Final[tuple[tuple[Number, str], ...]] = (
    (
        _COUNT,
        "ctx-size yarn-orig-ctx fit-ctx ubatch-size n-cpu-moe n-cpu-ffn cache-reuse ctx-checkpoints "
        "checkpoint-min-step dry-allowed-length video-timestamp-interval draft draft-n draft-max draft-min "
        "draft-n-min spec-draft-n-max spec-draft-n-min spec-draft-n-ubatch spec-draft-n-cpu-moe "
        "spec-ngram-mod-n-min spec-ngram-mod-n-max spec-ngram-mod-n-match spec-ngram-size-n spec-ngram-size-m "
        "spec-ngram-min-hits spec-ngram-simple-size-n spec-ngram-simple-size-m spec-ngram-simple-min-hits "
        "spec-ngram-map-k-size-n spec-ngram-map-k-size-m spec-ngram-map-k-min-hits spec-ngram-map-k4v-size-n "
        "spec-ngram-map-k4v-size-m spec-ngram-map-k4v-min-hits",
    ),
    (_SECONDS, "timeout"),
    (Number(1), "batch-size mtmd-batch-max-tokens"),
    (
        Number(-1),
        "threads threads-batch threads-http keep repeat-last-n spec-draft-threads spec-draft-threads-batch "
        "kv-unified-per-slot dry-penalty-last-n reasoning-budget sse-ping-interval main-gpu embd-normalize "
        "image-min-tokens image-max-tokens top-k",
    ),
    (Number(-2), "n-predict"),
    (Number(-1, 256, zero=False), "parallel"),
    (_LAYERS, "n-gpu-layers spec-draft-ngl"),
    (Number(-1, 3), "prio prio-batch spec-draft-prio spec-draft-prio-batch"),
    (Number(0, 100), "poll"),
    (Number(0, 2), "mirostat"),
    (Number(-1, 2**32 - 1), "seed"),
    (Number(), "verbosity"),
    (Number(-1, mib=True), "cache-ram"),
    (Number(0, mib=True), "moe-cache-mib"),
    (
        _POSITIVE,
        "temp repeat-penalty dry-multiplier dry-base dynatemp-range dynatemp-exp mirostat-lr mirostat-ent "
        "rope-scale rope-freq-base rope-freq-scale video-fps spec-synth-len",
    ),
    (
        _SHARE,
        "top-p min-p typical xtc-probability xtc-threshold adaptive-decay spec-draft-p-split spec-draft-p-min "
        "slot-prompt-similarity",
    ),
    (
        _REAL,
        "yarn-ext-factor yarn-attn-factor yarn-beta-slow yarn-beta-fast defrag-thold top-n-sigma "
        "presence-penalty frequency-penalty adaptive-target",
    ),
)
NUMBERS: Final[Mapping[str, Number]] = MappingProxyType(
    {name: number for number, names in _GROUPS for name in names.split()}
)

# Several numbers in one value, and what separates them.
NUMBER_LISTS: Final[Mapping[str, tuple[Number, str]]] = MappingProxyType(
    {
        "tensor-split": (_POSITIVE, r"[,/]"),
        "fit-target": (Number(0, mib=True), ","),
        "spec-synth-rates": (_SHARE, ","),
        "control-vector-layer-range": (_COUNT, r"[,\s]+"),
    }
)
# Several values in one, and the separator llama-server expects. Every other flag takes one value.
LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("device", "spec-draft-device", "override-tensor", "spec-draft-override-tensor"), ","),
        **dict.fromkeys(
            ("override-kv", "rpc", "spec-type", "tools", "tags", "cors-methods", "cors-headers"), ","
        ),
        "samplers": ";",
    }
)


def read_flag(name: str, value: Value, folders: Sequence[Path]) -> str | bool:
    """Return the value for `name` (from `flag_name`): a text, or a bool for a flag that is a word or takes no
    value. Raises ValueError with a sentence for what llama-server would refuse, or silently read as something
    else."""
    if (number := NUMBERS.get(name)) is not None:
        return number.read(_one(value, number.wanted))
    if name in NUMBER_LISTS:
        return _numbers(name, value)
    if name in PATH_FLAGS:
        return read_paths(name, value, folders)
    if isinstance(value.data, list):
        if name not in LISTS and len(value.data) != 1:
            raise ValueError("takes one value, not a list")
        return flag_value(value, LISTS.get(name, ","))
    read = flag_value(value)
    return read.lower() if isinstance(read, str) and name in LOWER_CASE else read


def _one(value: Value, wanted: str) -> str:
    """Return a number's text; for what is neither text nor number raise ValueError, saying it must be
    `wanted`."""
    if value.data is None:
        raise ValueError(f"must be {wanted}; nothing stands there")
    if isinstance(value.data, list) and any(isinstance(item.data, dict | list) for item in value.data):
        raise ValueError("a list may only hold text and numbers, and here not even a list may stand")
    if isinstance(value.data, dict | list | bool):
        raise ValueError(f"must be {wanted}, not {describe(value)}")
    # A number of YAML's own is plain, but for its spelling: 0x800, 65_536.
    return value.text


def _numbers(name: str, value: Value) -> str:
    number, between = NUMBER_LISTS[name]
    if isinstance(value.data, list):
        return ",".join(number.read(_one(item, number.wanted)) for item in value.data)
    parts = re.split(between, _one(value, f"{number.wanted}, or several with commas").strip())
    return ",".join(number.read(part) for part in parts)
