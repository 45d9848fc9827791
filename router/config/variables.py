"""`env:` of a model or slot: environment variables of its engine. What they hold may be secret, so no message
tells it, and hal0.yaml is shown without it (router.config.hidden)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.base.names import is_speakable
from router.config.fields import Section
from router.config.flags import flag_name
from router.config.hidden import HIDDEN
from router.config.schema import VARIABLE
from router.config.yaml_lines import Value

FROM: Final = "env:"
"""How a value begins that is the name of a variable of hal0's own environment."""

_FLAG: Final = "LLAMA_ARG_"
_KEY: Final = "hal0 gives each engine a secret key of its own; clients' keys are server.api_keys"
_OURS: Final = "it is hal0's to set"
_REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "LLAMA_API_KEY": _KEY,
        "LLAMA_SERVER_ROUTER_PORT": _OURS,
        "XDG_CONFIG_HOME": f"{_OURS}: a configuration file of llama.cpp would change what this one says",
        "_MEIPASS2": _OURS,
    }
)
_REFUSED_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {"LLAMA_LOG_": f"{_OURS}, for it reads the log", "HAL0_": "it is for hal0 itself", "_PYI_": _OURS}
)


def read_variables(section: Section) -> Mapping[str, str]:
    """Read `env:`; values are as written, `env:NAME` among them (router.engine.environment looks those up)."""
    found: dict[str, str] = {}
    written: dict[str, str] = {}
    for name, value in section.entries():
        if wrong := _wrong_name(name) or _wrong_value(value):
            section.problem(name, wrong)
        elif (first := written.setdefault(name.upper(), name)) != name:
            # Windows knows one of them.
            section.problem(name, f'differs from "{first}" on line {section.line_of(first)} in capitals alone')
        elif value.data is not None:
            found[name] = value.text
    return MappingProxyType(found)


def _wrong_name(name: str) -> str | None:
    if not re.fullmatch(VARIABLE, name):
        return "is no name of an environment variable, which holds letters, digits and _"
    upper = name.upper()
    if upper.startswith(_FLAG):
        return f"llama-server would take it for a flag; write {flag_name(upper)} under flags: of the model"
    refused = (reason for prefix, reason in _REFUSED_PREFIXES.items() if upper.startswith(prefix))
    reason = _REFUSED.get(upper) or next(refused, None)
    return f"cannot be set here: {reason}" if reason else None


def _wrong_value(value: Value) -> str | None:
    if isinstance(value.data, dict | list):
        return "must be a text, or env:NAME for a variable of hal0's own environment"
    if value.text and not is_speakable(value.text):
        return "must be on one line, without control characters"
    if value.text == HIDDEN:
        return "is what stands for a value that is not shown; write the value itself"
    if value.text.startswith(FROM) and not re.fullmatch(VARIABLE, value.text.removeprefix(FROM)):
        return "must name a variable after env:, such as env:HF_TOKEN"
    return None
