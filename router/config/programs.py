"""Where other programs keep their GGUF models on this computer, by their own rules and settings. Blocking.

Sources: huggingface_hub's constants.py; llama.cpp's common (fs_get_cache_directory); LM Studio's settings.json
and home pointer; Ollama's envconfig (OLLAMA_MODELS), its app's settings (app/store/database.go) and its Linux
service, which has a home of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from router.base.files import is_file


class Program(StrEnum):
    """Its name as its users call it."""

    HUGGING_FACE = "Hugging Face cache"
    LM_STUDIO = "LM Studio"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "Ollama"


@dataclass(frozen=True, slots=True)
class ProgramFolder:
    program: Program
    folder: Path


def program_folders(environment: Mapping[str, str] | None = None) -> tuple[ProgramFolder, ...]:
    """Return where each program would keep its models, whether or not it is here; each folder once."""
    env = os.environ if environment is None else environment
    found: dict[Path, ProgramFolder] = {}
    for candidate in _candidates(env):
        found.setdefault(candidate.folder, candidate)
    return tuple(folder for folder in found.values() if folder.folder.is_absolute())


def readable(folder: Path) -> bool:
    """Return whether the folder exists and may be read."""
    try:
        return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
    except OSError:  # a folder above it that may not be entered
        return False


def _candidates(env: Mapping[str, str]) -> Iterator[ProgramFolder]:
    home = _home()
    cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
    hugging_face = Path(env.get("HF_HOME") or cache / "huggingface").expanduser() / "hub"
    named = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE")
    yield ProgramFolder(Program.HUGGING_FACE, Path(named).expanduser() if named else hugging_face)
    for folder in _lm_studio(home):
        yield ProgramFolder(Program.LM_STUDIO, folder)
    yield ProgramFolder(Program.LLAMA_CPP, _llama_cpp(env, home, cache))
    for folder in _ollama(env, home):
        yield ProgramFolder(Program.OLLAMA, folder)
    if sys.platform == "linux":
        yield ProgramFolder(Program.OLLAMA, Path("/usr/share/ollama/.ollama/models"))


def _lm_studio(home: Path) -> Iterator[Path]:
    pointer = home / ".lmstudio-home-pointer"
    base = home / ".lmstudio"
    try:
        base = Path(pointer.read_text(encoding="utf-8").strip() or base)
    except (OSError, ValueError):
        base = home / ".lmstudio"  # not moved
    try:
        chosen = json.loads((base / "settings.json").read_bytes()).get("downloadsFolder")
    except (OSError, ValueError, AttributeError, RecursionError):
        chosen = None
    if isinstance(chosen, str) and chosen:
        yield Path(chosen).expanduser()
    yield base / "models"
    yield home / ".cache" / "lm-studio" / "models"


def _ollama(env: Mapping[str, str], home: Path) -> Iterator[Path]:
    if sys.platform == "win32" and (local := env.get("LOCALAPPDATA")):
        if chosen := ollama_setting(Path(local) / "Ollama" / "db.sqlite"):
            yield chosen
    elif sys.platform == "darwin" and (
        chosen := ollama_setting(home / "Library" / "Application Support" / "Ollama" / "db.sqlite")
    ):
        yield chosen
    own = env.get("OLLAMA_MODELS")
    yield Path(own).expanduser() if own else home / ".ollama" / "models"


def ollama_setting(database: Path) -> Path | None:
    """Return the folder chosen in the window of Ollama's app, which sets no variable; None: none is."""
    if not is_file(database):
        return None
    import sqlite3

    try:
        with contextlib.closing(
            sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0.2)
        ) as open_:
            row = open_.execute("SELECT models FROM settings").fetchone()
    except sqlite3.Error:
        return None
    return Path(row[0]) if row and isinstance(row[0], str) and row[0] else None


def _llama_cpp(env: Mapping[str, str], home: Path, cache: Path) -> Path:
    if named := env.get("LLAMA_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "llama.cpp"
    if sys.platform == "win32" and (local := env.get("LOCALAPPDATA")):
        return Path(local) / "llama.cpp"
    return cache / "llama.cpp"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a service account may have no home folder
        return Path(os.devnull)
