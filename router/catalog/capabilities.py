"""What a model can do, before it loads: from its header, its chat template, its projector and its flags. Pure.

The words are Ollama's (`types/model/capability.go`): completion, tools, thinking, insert, vision, audio,
embedding; `rerank` is hal0's own. What is not known is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from router.catalog.context import Flags, is_on, number
from router.catalog.header import GgufHeader
from router.config.schema import Kind

BY_KIND: Final = {
    Kind.CHAT: ("completion",),
    Kind.EMBEDDING: ("embedding",),
    Kind.RERANK: ("rerank",),
}
"""What a model does by its kind alone."""
# What is never closed goes on to the end: looked for again at each next mark, a template of a megabyte of them
# takes hours.
_COMMENTS: Final = re.compile(r"\{#.*?(?:#\}|\Z)", re.DOTALL)
_BLOCKS: Final = re.compile(r"\{[{%].*?(?:[%}]\}|\Z)", re.DOTALL)
_STRINGS: Final = re.compile(r"'(?:[^'\\]|\\.)*(?:'|\\?\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)", re.DOTALL)
# llama.cpp says "supports_tools" of a template that looks into the list: writes it as JSON, or goes through it.
_TOOLS: Final = re.compile(r"(?<![\w.])tools\b(?!\s*=[^=])")
_LOOKED_INTO: Final = re.compile(r"\btojson\b|\bin\s+tools\b|(?<![\w.])tools\s*\[")
_SWITCHES: Final = re.compile(r"(?<![\w.])(?:enable_thinking|thinking|thinking_budget|reasoning_effort)\b")
_MARKS: Final = re.compile(r"<(?:seed:)?think(?:ing)?>|\[THINK\]|<\|channel\|>analysis|<\|START_THINKING\|>")


def capabilities_of(
    header: GgufHeader, flags: Flags, kind: Kind, template: str | None, projector: GgufHeader | None = None
) -> tuple[str, ...]:
    """`template`: the chat template that the engine will use, None: its own (ChatML). `projector`: the mmproj's
    header, where the flags name one."""
    found = list(BY_KIND.get(kind, ()))
    if kind is Kind.CHAT:
        found += _of_template(template or "", flags)
        if header.fills_in:
            found.append("insert")
    if projector is not None and kind is not Kind.RERANK:
        found += senses(projector)
    return tuple(found)


def _of_template(template: str, flags: Flags) -> Iterable[str]:
    if is_on(flags, "jinja") is False or is_on(flags, "skip-chat-parsing"):
        return
    plain = _COMMENTS.sub("", template)
    code = " ".join(_STRINGS.sub("''", block) for block in _BLOCKS.findall(plain))
    if _TOOLS.search(code) and _LOOKED_INTO.search(code):
        yield "tools"
    silent = str(flags.get("reasoning", "")).lower() in ("off", "false", "0")
    silent = silent or number(flags, "reasoning-budget") == 0
    if not silent and (_SWITCHES.search(code) or _MARKS.search(plain)):
        yield "thinking"


def senses(projector: GgufHeader) -> tuple[str, ...]:
    """Return what a projector makes a model take in besides text."""
    encoders = {sense: projector.metadata.get(f"clip.has_{sense}_encoder") for sense in ("vision", "audio")}
    if not any(value is not None for value in encoders.values()):  # converted before there were others
        return ("vision",)
    return tuple(sense for sense, value in encoders.items() if value is True)


def input_modalities(capabilities: Iterable[str]) -> list[str]:
    """Return llama-server's `architecture.input_modalities`; a model that sees images takes videos, too."""
    known = set(capabilities)
    senses = [*(["image", "video"] if "vision" in known else []), *(["audio"] if "audio" in known else [])]
    return ["text", *senses]
