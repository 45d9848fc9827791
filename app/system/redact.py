"""Pure: takes secrets out of lines before a person sees, copies or posts them."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"

_SECRETS = re.compile(
    r"""(?ix)
    (?P<before>
        \b(?:bearer|authorization["']?\s*[:=]\s*["']?basic)\s+
      | ["']?\b[\w-]{0,40}(?:api[_-]?keys?|token|secret|password|authorization)["']?
        \s*[:=]\s*["']?(?!(?:bearer|basic)\s)
      | --api-key\s+
      | ://[^\s:/@]+:(?=[^\s@/]+@)                                           # https://user:password@host
    )
    (?P<value>[^\s"',;@\])}]{4,})
  | \b(?:sk-|hf_|ghp_|github_pat_|nvapi-|gsk_|xai-)[\w-]{6,}
    """
)
# "n_token: 4096" and "token = 151645" are what llama-server logs all day long.
_HARMLESS = re.compile(r"[\d.,x/%-]+|true|false|none|null|enabled|disabled|required", re.IGNORECASE)


def redact(line: str) -> str:
    """`line` with keys, tokens and passwords replaced by `[hidden]`."""
    return _SECRETS.sub(_hide, line)


def _hide(found: re.Match[str]) -> str:
    before, value = found.group("before"), found.group("value")
    if before is None:
        return HIDDEN
    return found.group(0) if _HARMLESS.fullmatch(value) else before + HIDDEN
