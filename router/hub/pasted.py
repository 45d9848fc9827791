"""What people paste where a model's name is asked for: addresses, and commands off a model's page. Pure.

The hub's "Use this model" has commands of llama.cpp, Ollama, LM Studio, Docker, vLLM and llama-cpp-python, the
hub's own `hf download`, and a file's page offers `?download=true`.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_INVISIBLE: Final = re.compile("[\u200b-\u200f\u2060\ufeff]")
_PROMPT: Final = re.compile(r"^[$>#%]\s+")
_QUOTES: Final = "\"'`<>\u201c\u201d\u2018\u2019\u00ab\u00bb"
_PROGRAMS: Final = frozenset(
    {
        *("ollama", "lms", "hf", "huggingface-cli", "docker", "hal0", "vllm"),
        *("llama", "llama-server", "llama-cli"),
        *("wget", "curl", "aria2c", "git", "sudo", "uvx", "pipx"),
    }
)
_REPO_FLAGS: Final = ("-hf", "-hfr", "--hf-repo")
_FILE_FLAGS: Final = ("-hff", "--hf-file")
_PYTHON: Final = re.compile(r"""\b(repo_id|filename)\s*=\s*["']([^"']+)["']""")
_LINK: Final = re.compile(r"(?:lmstudio|jan|hal0)://", re.IGNORECASE)
_PAGES: Final = re.compile(
    r"(?<=/)(?P<repo>[^/]+/[^/]+)/(?:discussions|commits?|settings|edit|upload|activity|community)(?:/.*)?$"
)


def unwrapped(text: str) -> tuple[str, str | None]:
    """Return the name or address in what was pasted, and the file that it names besides."""
    plain = re.sub(r"\\\s*\n", " ", _INVISIBLE.sub("", text)).strip().strip(_QUOTES).strip()
    if found := dict(_PYTHON.findall(plain)):
        return found.get("repo_id", plain), _model_file(found.get("filename"))
    if _LINK.match(plain):
        return _of_link(plain)
    for line in reversed(plain.splitlines()):
        if (command := _of_command(_words(_PROMPT.sub("", line.strip())))) is not None:
            return command
    address = urlsplit(plain) if "/" in plain and " " not in plain else None
    shown = parse_qs(address.query).get("show_file_info", [None])[0] if address else None
    return _PAGES.sub(r"\g<repo>", re.sub(r"[?#].*", "", plain)), _model_file(shown)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote that is not closed
        return [word.strip(_QUOTES) for word in line.split()]


def _of_command(words: Sequence[str]) -> tuple[str, str | None] | None:
    """Return what a command names; None for what is none."""
    if not words:
        return None
    named = {flag: value for flag, value in _flags(words) if flag in (*_REPO_FLAGS, *_FILE_FLAGS)}
    repo = next((named[flag] for flag in _REPO_FLAGS if flag in named), None)
    file = next((named[flag] for flag in _FILE_FLAGS if flag in named), None)
    if repo is not None:
        return repo, file
    if re.split(r"[/\\]", words[0])[-1].lower() not in _PROGRAMS:
        return None
    plain = [word for word in words[1:] if "/" in word and not word.startswith(("-", ".", "~", "/"))]
    files = [word for word in words[1:] if word.lower().endswith(".gguf") and "://" not in word]
    return (
        (re.sub(r"[?#].*", "", plain[0]), files[0] if files and files[0] != plain[0] else None)
        if plain
        else None
    )


def _flags(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return each flag with what stands behind it."""
    joined = [(flag, value) for flag, equals, value in (word.partition("=") for word in words) if equals]
    return [*itertools.pairwise(words), *joined]


def _of_link(link: str) -> tuple[str, str | None]:
    """Return what a button on the hub's page opens a program with."""
    address = urlsplit(link)
    query = parse_qs(address.query)
    if "model" in query:
        return query["model"][0], _model_file(query.get("file", [None])[0])
    return "/".join(address.path.strip("/").split("/")[-2:]), None


def _model_file(name: str | None) -> str | None:
    """Return the file, where it is one; of several (`*Q4_K_M.gguf`) the quantisation is all that is told."""
    return unquote(name).lstrip("*-_.") if name else None
