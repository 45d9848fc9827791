"""Pure: `Snapshot` → the rows of the Models tab, where each may be loaded, and how a folder is added."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from app.texts import common as text
from app.texts import models as words
from app.texts import window as text_window
from app.views.first_run import BROUGHT
from app.views.fit import FitWords, fit_words
from app.views.settings import MODEL_DIRS, MODELS, Form, changes, form_of, names, with_entry
from app.views.settings_draft import name_problem
from router.config.change import ConfigChange, ConfigDocument
from router.config.sizes import file_size, memory_size
from router.memory.admit.model_fits import ModelFits, model_fits
from router.memory.forecast import needs
from router.state import DeviceMemory, ModelStatus, SlotState, SlotStatus, Snapshot

FITS_UP_TO = 0.85  # of what is free: the rest is for the context, whose size the file does not tell


class Grade(IntEnum):
    """What the list sorts and colours models by, best first."""

    FITS = 0
    TIGHT = 1
    TOO_BIG = 2
    UNKNOWN = 3
    BROKEN = 4


@dataclass(frozen=True, slots=True)
class FitText:
    grade: Grade
    text: str
    tip: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model as the list shows it. `slots` are those that answer for it now;
    `haystack` is what the search looks at, in lower case."""

    model: ModelStatus
    name: str
    size: str
    needs: str
    context: str
    context_tip: str
    slots: tuple[str, ...]
    fit: FitText
    haystack: str


@dataclass(frozen=True, slots=True)
class Target:
    """A slot that a model could be loaded into; `reason` says why not, what is so already, or what it takes."""

    slot: str
    enabled: bool
    loaded: bool = False
    reason: str = ""


def shown_of(snapshot: Snapshot) -> object:
    """Return what the tab shows of a snapshot: while this is equal, nothing of it changes (requests come and
    go)."""
    slots = tuple(
        (s.name, s.kind, s.state, s.loaded, s.choices, s.serving, s.memory_by_device, _evictable(s))
        for s in snapshot.slots
    )
    return snapshot.models, snapshot.left_out, snapshot.memory, snapshot.headroom, slots


def _evictable(slot: SlotStatus) -> tuple[bool, int]:
    return bool(slot.in_flight or slot.queued or slot.pinned), slot.priority


def rows(snapshot: Snapshot) -> tuple[ModelRow, ...]:
    """Return every model, in the catalog's order."""
    loaded: dict[str, list[SlotStatus]] = {}
    for slot in snapshot.slots:
        for model_id in slot.loaded if slot.state is SlotState.READY else ():
            loaded.setdefault(model_id, []).append(slot)
    fits = model_fits(snapshot)
    return tuple(_row(model, snapshot, loaded.get(model.id, []), fits) for model in snapshot.models)


def _row(model: ModelStatus, snapshot: Snapshot, holding: Sequence[SlotStatus], fits: ModelFits) -> ModelRow:
    slots = tuple(slot.name for slot in holding)
    most, length = model.context_trained, model.context_length
    trained = most if most and length and most > length else None
    context, tip = words.UNKNOWN, ""
    if model.context_length:
        context = words.context(text.context(model.context_length), text.context(trained) if trained else None)
        tip = words.context_tip(model.context_length, model.context_trained)
        tip = text_window.chosen_context(model) or tip
    size = file_size(model.size_bytes) if model.size_bytes else words.UNKNOWN
    running = any(model.id in slot.loaded for slot in holding)
    fit = _runs_on(model) if model.problem and running else None
    fit = (
        fit
        or _planned(model, snapshot.memory, fits)
        or fit_text(
            model, snapshot.memory, held=sum(needs.held_bytes(slot, snapshot.memory) for slot in holding)
        )
    )
    name = model.display_name or model.id
    searched = (name, model.id, *model.aliases, model.quantisation or "", model.kind.value, *slots)
    takes = memory_size(model.needs) if model.needs else words.UNKNOWN
    return ModelRow(model, name, size, takes, context, tip, slots, fit, " ".join(searched).casefold())


def _runs_on(model: ModelStatus) -> FitText:
    """Say that a model runs on: what answers is not broken, whatever became of its file."""
    tip = text_window.BROUGHT_LEAVES if model.id in BROUGHT else model.problem or ""
    return FitText(Grade.UNKNOWN, words.RUNS_ON, tip)


def _planned(model: ModelStatus, memory: tuple[DeviceMemory, ...], fits: ModelFits) -> FitText | None:
    """Return what a load would come to in the slot where it goes best; None where too little is known of it."""
    if model.problem is not None or not model.needs:
        return None
    found = fits.best(model.id)
    if found.fit is None:
        return None
    guess = model.needs_source == needs.Source.FORMULA
    told = fit_words(found, None)
    pool = "VRAM" if memory[0].is_gpu else "RAM"
    tip = words.plan_tip(
        memory_size(model.needs), memory_size(found.margin), pool, short=found.fit is needs.Fit.SHORT
    )
    if model.prompt_cache:
        tip = f"{tip} {words.prompts_tip(memory_size(model.prompt_cache))}"
    if found.evict:
        tip = f"{tip} {words.leave_tip(', '.join(found.evict))}"
    if found.fit is needs.Fit.SHORT:
        total = sum(device.total for device in memory)
        return FitText(_too_big(model.needs, total), _marked(told, guess), _with_source(tip, guess))
    grade = Grade.FITS if found.fit is needs.Fit.FITS and not found.evict else Grade.TIGHT
    return FitText(grade, _marked(told, guess), _with_source(tip, guess))


def _too_big(needed: int, total: int) -> Grade:
    return Grade.TIGHT if needed <= total else Grade.TOO_BIG


def _marked(label: str, guess: bool) -> str:
    return f"≈ {label}" if guess else label


def _with_source(tip: str, guess: bool) -> str:
    return f"{tip} {words.COMPUTED}" if guess else tip


def fit_text(model: ModelStatus, memory: tuple[DeviceMemory, ...], held: int = 0) -> FitText:
    """Return what the model takes against the memory that is free now; only what is an estimate has a "≈".

    All GPUs count together; without one, the RAM does. `held`: bytes the model has already.
    """
    if model.problem:
        return FitText(Grade.BROKEN, words.CANNOT_LOAD, model.problem)
    pools = needs.where_it_counts(memory)
    if not pools or not (model.needs or model.size_bytes):
        return FitText(Grade.UNKNOWN, words.UNKNOWN)
    total = sum(d.total for d in pools)
    free = min(total, needs.free_bytes(memory) + held)
    pool = "VRAM" if pools[0].is_gpu else "RAM"
    if model.needs and model.needs_source != needs.Source.FORMULA:
        return _exact(model.needs, free, total, pool)
    return _estimate(model, free, total, pool)


def _exact(needed: int, free: int, total: int, pool: str) -> FitText:
    fit, margin = needs.compare(needed, free)
    tip = words.needs_tip(memory_size(needed), memory_size(free), pool)
    if fit is needs.Fit.FITS:
        return FitText(Grade.FITS, words.FITS_EXACTLY, tip)
    tip = f"{tip} {words.MAKE_ROOM}"
    if fit is needs.Fit.TIGHT:
        return FitText(Grade.TIGHT, words.TIGHT_EXACTLY, tip)
    return FitText(_too_big(needed, total), words.short_by(memory_size(margin)), tip)


def _estimate(model: ModelStatus, free: int, total: int, pool: str) -> FitText:
    """Estimate by the formula where there is one; else the file's size is all that is known."""
    if model.needs:
        found = _exact(model.needs, free, total, pool)
        return FitText(found.grade, _marked(found.text, True), _with_source(found.tip, True))
    assert model.size_bytes, "seen by the caller"
    if model.size_bytes > total:
        tip = words.too_big_tip(file_size(model.size_bytes), memory_size(total), pool)
        return FitText(Grade.TOO_BIG, words.TOO_BIG, tip)
    numbers = (file_size(model.size_bytes), memory_size(free), pool)
    if model.size_bytes > FITS_UP_TO * free:
        return FitText(Grade.TIGHT, words.TIGHT, words.tight_tip(*numbers))
    return FitText(Grade.FITS, words.FITS, words.fits_tip(*numbers))


def targets(snapshot: Snapshot, model: ModelStatus) -> tuple[Target, ...]:
    """Every slot, and whether `model` may be loaded there."""
    found, fits = [], FitWords(snapshot)
    for slot in snapshot.slots:
        if model.id not in slot.choices:
            reason = words.wrong_kind(slot.kind.value) if slot.kind is not model.kind else words.NOT_A_CHOICE
            found.append(Target(slot.name, enabled=False, reason=reason))
        elif slot.state is SlotState.READY and slot.serving == model.id:
            found.append(Target(slot.name, enabled=False, loaded=True, reason=words.LOADED_THERE))
        else:
            found.append(Target(slot.name, enabled=True, reason=fits.words(slot, model)))
    return tuple(found)


def load_problem(snapshot: Snapshot, model: ModelStatus) -> str | None:
    """Return why no slot can load `model`, or None."""
    if model.problem:
        return text_window.BROUGHT_LEAVES if model.id in BROUGHT else model.problem
    return None if any(model.id in slot.choices for slot in snapshot.slots) else words.NO_SLOT


def matches(row: ModelRow, search: Sequence[str]) -> bool:
    """Return whether each of these words, in lower case, is somewhere in the row."""
    return all(word in row.haystack for word in search)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What came onto the window, by what can be done with it."""

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()


def sort_dropped(paths: Sequence[Path]) -> Dropped:
    """Blocking: looks at each of them."""
    folders = tuple(path for path in paths if path.is_dir())
    files = tuple(p for p in paths if p not in folders and folder_of(p) is not None and p.parent not in folders)
    return Dropped(folders, files, tuple(path for path in paths if folder_of(path) is None))


def folder_of(dropped: Path) -> Path | None:
    """Return the folder to add for something dropped on the window, None for what is no model."""
    if dropped.is_dir():
        return dropped
    return dropped.parent if dropped.suffix.lower() == ".gguf" and dropped.is_file() else None


def file_changes(document: ConfigDocument, file: Path) -> list[ConfigChange]:
    """Return what makes a model of this one file; [] if it is one already."""
    form, real = form_of(document), _resolved(file)
    named = [Path(form[MODELS, name, "file"]) for name in names(form, MODELS)]
    if not folder_changes(document, file.parent) or real in map(_resolved, named):
        return []
    stem = "-".join(file.stem.split()) or "model"
    return changes(document, with_entry(form, MODELS, _free_name(form, stem), file=str(file)))


def _free_name(form: Form, stem: str) -> str:
    numbered = (f"{stem}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain((stem,), numbered) if name_problem(form, MODELS, name) is None)


def folder_changes(document: ConfigDocument, folder: Path) -> list[ConfigChange]:
    """Return what adds `folder` to the model folders; [] if it, or one above it, is there already.

    Folders already listed stay as they were written (`~/models`).
    """
    known = [_resolved(known) for known in document.config.model_dirs]
    new = _resolved(folder)
    if any(_is_scanned(new, above) for above in known):
        return []
    return [ConfigChange(MODEL_DIRS, [*form_of(document)[MODEL_DIRS], str(folder)])]


def _is_scanned(folder: Path, above: Path) -> bool:
    """Return folders below a model folder are looked into, but for hidden ones (router.catalog.scan)."""
    if not folder.is_relative_to(above):
        return False
    return not any(part.startswith(".") for part in folder.relative_to(above).parts)


def _resolved(folder: Path) -> Path:
    try:
        return folder.expanduser().resolve()
    except (OSError, RuntimeError):  # a loop of links, or no home folder
        return folder.absolute()
