"""What clients make of a model's name before they send it. Pure text; `router.resolve` says what it means.

They put their own word for this server in front, send the path of the file, name its quantisation apart, or
keep the name that llama.cpp's cache had for it. Pasting and encoding add to it what nobody sees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

PROVIDERS: Final = frozenset(
    {
        *("hal0", "local", "openai", "custom", "custom_openai", "text-completion-openai", "openai_like"),
        *("ollama", "ollama_chat", "lm_studio", "lmstudio", "llamacpp", "llama.cpp", "llamafile", "vllm"),
        *("hosted_vllm", "litellm_proxy", "anthropic", "models"),  # the last is Google's
    }
)
"""What LiteLLM, opencode, OpenHands and others put in front of the name that they were given."""

_QUANTISATION: Final = r"(?:UD-)?(?:I?Q\d\w*|TQ\d\w*|B?F16|F32|(?:MX|NV)FP4\w*)"
_LABELLED: Final = re.compile(rf"(?P<stem>[^:@]+)[:@](?P<label>{_QUANTISATION})", re.IGNORECASE)
_HAS_LABEL: Final = re.compile(rf"(?:^|[-_.]){_QUANTISATION}(?:$|[-_.])", re.IGNORECASE)

_UNSEEN: Final = re.compile("[\u200b-\u200d\u2060\ufeff]")  # of no width
_AROUND: Final = re.compile(r"""^[\s"'`<>]+|[\s"'`<>/]+$""")
_BESIDE_SEPARATOR: Final = re.compile(r"\s*([:/])\s*")


def tidied(name: str) -> Iterator[str]:
    """Yield what may have been meant before it was pasted (blanks and quotes around it), typed on another
    keyboard (letters of full width), or encoded for a URL (`org%2Fmodel`) once too often."""
    found: dict[str, None] = {}
    for one in (name, unquote(name)):
        bare = _BESIDE_SEPARATOR.sub(r"\1", _AROUND.sub("", _UNSEEN.sub("", one)))
        for form in (one, bare, unicodedata.normalize("NFKC", bare), bare.replace(" ", "+")):
            found[form] = None
    yield from (form for form in found if form and form != name)


def without_provider(name: str) -> str | None:
    """Return what stands behind the word for this server, if one does."""
    provider, _slash, rest = name.partition("/")
    return rest if rest and provider.lower() in PROVIDERS else None


def path_parts(name: str) -> tuple[str, ...]:
    """Return the parts of the path of a GGUF, none where `name` is no path."""
    if not name.lower().endswith(".gguf"):
        return ()
    parts = tuple(part for part in re.split(r"[/\\]", name) if part not in ("", "."))
    return parts if len(parts) > 1 else ()


def labelled(name: str) -> tuple[str, str] | None:
    """Split `model:Q4_K_M`, or `model@q4_k_m` as LM Studio writes it."""
    found = _LABELLED.fullmatch(name)
    return (found["stem"], found["label"]) if found else None


def has_label(name: str) -> bool:
    """Return whether a file's name tells a quantisation."""
    return _HAS_LABEL.search(name) is not None


def with_label(stem: str, label: str) -> Iterator[str]:
    """Yield what a file of that quantisation is called."""
    yield from (f"{stem}-{label}", f"{stem}.{label}", f"{stem}_{label}")


def in_old_cache(repository: str, stem: str) -> str:
    """Return what llama.cpp called a file of `org/repo` in its own cache, before it used Hugging Face's."""
    return f"{repository.replace('/', '_')}_{stem}"
