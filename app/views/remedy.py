"""Pure: what can help a model that could not be loaded, and giving it flags in hal0.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.views.settings import MODELS, changes, form_of, with_entry
from router.base.errors import BadModel, EngineMissing, LocalOnly, MemoryInsufficient
from router.config.change import ConfigChange, ConfigDocument
from router.config.flags import flag_name
from router.state import ModelStatus, SlotError, Snapshot


class Help(StrEnum):
    """What a person can do besides loading the model again."""

    SHOW_FILE = "show-file"
    SETTINGS = "settings"
    INSTALL = "install"


@dataclass(frozen=True, slots=True)
class Offers:
    """`retry`: a moment may have mended it; `force`: the memory's arithmetic may be wrong; `flags`
    ("name=value"): with these it would go; `help`: what has to be done first."""

    retry: bool = False
    force: bool = False
    flags: tuple[str, ...] = ()
    help: Help | None = None


def offers_for(error: SlotError, snapshot: Snapshot, ram: int | None = None) -> Offers:
    """Return what to offer after `error`: nothing that cannot help. `ram`: this computer's, in bytes, where
    known; a model that does not fit on the GPU may still run from there."""
    model = snapshot.model(error.model) if error.model else None
    if model is not None and model.problem is not None:
        return Offers(help=Help.SHOW_FILE if model.file else Help.SETTINGS)
    match error.code:
        case BadModel.code:
            return Offers(help=Help.SETTINGS)
        case EngineMissing.code:
            return Offers(help=Help.INSTALL)
        case MemoryInsufficient.code:
            flags = tuple(flag for flag in error.remedy if _helps(flag, model))
            possible = not _never_fits(model, snapshot, ram)
            return Offers(retry=possible, force=possible, flags=flags)
        case LocalOnly.code:
            return Offers(help=Help.SETTINGS)
        case _:
            return Offers(retry=True, flags=error.remedy)


def _helps(flag: str, model: ModelStatus | None) -> bool:
    """No model gains by a context longer than what it was trained for."""
    name, _, value = flag.partition("=")
    trained = model.context_trained if model is not None else None
    return name != "ctx-size" or not trained or not value.isdecimal() or 0 < int(value) <= trained


def _never_fits(model: ModelStatus | None, snapshot: Snapshot, ram: int | None) -> bool:
    """Return whether all memory of this computer together is too little; False where that is not known."""
    needs = (model.needs or model.size_bytes or 0) if model is not None else 0
    pools = snapshot.memory
    if not needs or not pools or (pools[0].is_gpu and ram is None):
        return False
    return needs > sum(pool.total for pool in pools) + (ram or 0 if pools[0].is_gpu else 0)


def remedy_changes(document: ConfigDocument, model: ModelStatus, flags: Sequence[str]) -> list[ConfigChange]:
    """Return what gives `model` these flags ("name=value"); a spelling that stands in the file is kept
    (`n_ctx`).

    Raises NotReadable.
    """
    wanted = dict(flag.split("=", 1) for flag in flags)
    form = form_of(document)
    key = (MODELS, model.id, "flags")
    if key not in form:
        form = with_entry(form, MODELS, model.id, file=model.file or "")
    form[key] = _with(form[key], wanted)
    return changes(document, form)


def _with(written: Sequence[tuple[str, str]], wanted: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    kept = tuple((name, wanted.get(flag_name(name), value)) for name, value in written)
    there = {flag_name(name) for name, _ in written}
    return kept + tuple((name, value) for name, value in wanted.items() if name not in there)
