"""The fields of `request:` that llama-server's API knows: with a number in quotes it refuses every request, and
a name it does not know it silently ignores."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from router.config.flag_values import NUMBERS
from router.config.flags import LONG_NAMES, flag_name
from router.config.numbers import Number
from router.config.yaml_lines import Value, describe

# Named differently, or absent, among the flags. Source: params_from_json_cmpl() of llama.cpp's server-task.cpp
# and OpenAI's reference (build 11669).
_AS_FLAGS: Final = (
    *("top-k", "top-p", "min-p", "top-n-sigma", "xtc-probability", "xtc-threshold", "repeat-last-n", "seed"),
    *("repeat-penalty", "presence-penalty", "frequency-penalty", "dry-multiplier", "dry-base", "n-predict"),
    *("dry-allowed-length", "dry-penalty-last-n", "dynatemp-range", "mirostat"),
)
STRIP: Final = "strip"
FORCE: Final = "force"
"""What else may stand among the fields: those taken out of every request, and those set whatever it says."""
# Defaults for these would change what the client asked for, or whom.
NOT_DEFAULTS: Final = ("model", "messages", "prompt", "input", "stream")
_COUNT: Final = Number(-1)
NUMBER_FIELDS: Final[Mapping[str, Number]] = MappingProxyType(
    {
        **{name.replace("-", "_"): NUMBERS[name] for name in _AS_FLAGS},
        "temperature": NUMBERS["temp"],
        "typical_p": NUMBERS["typical"],
        "dynatemp_exponent": NUMBERS["dynatemp-exp"],
        "mirostat_tau": NUMBERS["mirostat-ent"],
        "mirostat_eta": NUMBERS["mirostat-lr"],
        "max_tokens": _COUNT,
        "max_completion_tokens": _COUNT,
        "thinking_budget_tokens": _COUNT,
        "n_keep": _COUNT,
        "n_probs": Number(0),
        "min_keep": Number(0),
    }
)
SWITCHES: Final = frozenset(
    {
        "cache_prompt",
        "ignore_eos",
        "parallel_tool_calls",
        "return_progress",
        "timings_per_token",
        "return_tokens",
    }
)
MAPPINGS: Final = frozenset({"chat_template_kwargs", "response_format", "stream_options"})
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name.replace("_", ""): name for name in (*NUMBER_FIELDS, *SWITCHES, *MAPPINGS)},
        **{"temp": "temperature", "numpredict": "max_tokens", "typical": "typical_p"},
        **{"repetitionpenalty": "repeat_penalty", "dynatempexp": "dynatemp_exponent"},
        **{"mirostatent": "mirostat_tau", "mirostatlr": "mirostat_eta"},
    }
)
_LAUNCH: Final = frozenset(
    {"ctx-size", "n-gpu-layers", "threads", "batch-size", "ubatch-size", "parallel", "flash-attn", "mmproj"}
)


def read_field(name: str, value: Value) -> Any:
    """Return the entry as JSON-like data; here, too, `4k` is 4096. Raises ValueError with a sentence."""
    data = value.data
    if name in NUMBER_FIELDS:
        return None if data is None else _number(NUMBER_FIELDS[name], value)
    if name in SWITCHES and not isinstance(data, bool | None):
        raise ValueError(f"must be true or false, not {describe(value)}")
    if (
        name in MAPPINGS
        and not isinstance(data, dict | None)
        and not (name == "logit_bias" and isinstance(data, list))
    ):
        raise ValueError(f"must be a mapping of names to values, not {describe(value)}")
    if message := misnamed(name):
        raise ValueError(message)
    return value.plain()


def misnamed(name: str) -> str | None:
    """Return why it is another spelling of a field that would be ignored, or a flag."""
    if name in SWITCHES or name in MAPPINGS:
        return None
    known = _NAMES.get(name.lower().replace("_", "").replace("-", ""))
    if known is not None and known != name:
        return f"is not a field that llama-server reads; write {known}"
    flag = flag_name(name)
    if flag in _LAUNCH and (name in LONG_NAMES or flag != name or "-" in name):
        return f"is set when the model is launched; write {flag} under flags: of the model"
    return None


def _number(number: Number, value: Value) -> Any:
    if isinstance(value.data, dict | list | bool):
        raise ValueError(f"must be {number.wanted}, not {describe(value)}")
    read = number.read(value.text)
    if not isinstance(value.data, str):
        return value.data
    if value.quoted:  # JSON tells "0.7" and 0.7 apart, and so do clients who read this file
        raise ValueError(f"must be {number.wanted}, not {describe(value)}; write {read}, without quotes")
    return int(read) if number.whole else float(read)
