"""Pure: what there is to fetch (`router.wire.hub_search`) → rows, the choice to begin with, and how far a model
that was chosen is until it can be tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.texts import discover as words
from app.texts import pull as texts_pull
from app.views.first_run import DEMO
from app.views.pull import progress_fraction, progress_words
from app.views.quantisations import fit_words
from router.config.schema import Kind
from router.config.sizes import file_size, memory_size
from router.memory.forecast.needs import Fit
from router.state import DownloadState, DownloadStatus, SlotState, SlotStatus, Snapshot
from router.wire.hub_offer import Offer, OfferedFit
from router.wire.hub_search import Findings, FoundRepository, Suggestion

_SLOT_KINDS = {"embedding": Kind.EMBEDDING, "rerank": Kind.RERANK}


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One model, or repository of models, to fetch. `reference` is what to ask for; `fits` None where nobody
    has asked yet; `details`: one line on it while it is chosen."""

    reference: str
    name: str
    purpose: str
    size: str
    fit: str
    licence: str
    fits: Fit | None = None
    details: str = ""
    kind: Kind = Kind.CHAT


class Stage(StrEnum):
    """How far a chosen model is."""

    COMING = "coming"
    STOPPED = "stopped"
    LOADING = "loading"
    READY = "ready"
    HERE = "here"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is said of it; `share` is 0..1, None while that is not known. `slot`: where it can be tried, ""
    elsewhere."""

    stage: Stage
    message: str
    share: float | None = None
    slot: str = ""


def kind_words(kind: str) -> str:
    return words.kind(kind)


def repository_words(room: OfferedFit) -> str:
    """`≈ fits`, `≈ short by 3 GiB`"""
    fit = fit_of(room)
    return f"≈ {texts_pull.short_by(memory_size(room.margin)) if fit is Fit.SHORT else texts_pull.fit(fit)}"


def finding_rows(findings: Findings) -> tuple[FindingRow, ...]:
    """Return the suggestions, then what was found."""
    return (
        *(_suggested(item) for item in findings.suggestions),
        *(_found(item, findings.hub) for item in findings.repositories),
    )


def fit_of(room: OfferedFit) -> Fit:
    """Return how it fits; a word of a newer version counts as the worst."""
    return Fit(room.fits) if room.fits in set(Fit) else Fit.SHORT


def preselected(offer: Offer) -> str | None:
    """Return what to begin with: hal0's choice, or, where that is too large for this computer, the largest that
    is not; None where the repository holds several models and nobody has said which."""
    by_reference = {model.reference: model for model in offer.models}
    chosen = by_reference.get(offer.chosen or "")
    if chosen is None:
        return None
    if chosen.here is not None or chosen.room is None or fit_of(chosen.room) is not Fit.SHORT:
        return chosen.reference
    for wanted in (Fit.FITS, Fit.TIGHT):
        fitting = [m for m in offer.models if m.room is not None and fit_of(m.room) is wanted]
        if fitting:
            return max(fitting, key=lambda model: model.total_bytes).reference
    return chosen.reference


def slot_for(snapshot: Snapshot, kind: Kind) -> str:
    """Return the slot of this computer that a model of `kind` is loaded into, "" where there is none: one that
    holds nothing of the person's, else the first."""
    fitting = [slot for slot in snapshot.slots if slot.kind is kind and slot.upstream is None]
    free = [slot for slot in fitting if slot.serving is None or slot.serving == DEMO]
    return next((slot.name for slot in (*free, *fitting)), "")


def arrival(snapshot: Snapshot, reference: str) -> Arrival | None:
    """Return how far the download of `reference` is; None where there is none."""
    found = next((d for d in snapshot.downloads if d.reference == reference), None)
    if found is None:
        return None
    match found.state:
        case DownloadState.FAILED:
            return Arrival(Stage.FAILED, found.error or "")
        case DownloadState.PAUSED:
            came, total = file_size(found.done_bytes), file_size(found.total_bytes)
            return Arrival(Stage.STOPPED, texts_pull.paused(came, total), progress_fraction(found))
        case DownloadState.QUEUED:
            return Arrival(Stage.COMING, texts_pull.queued(file_size(found.total_bytes)))
        case DownloadState.RUNNING if found.step is None:
            return Arrival(Stage.COMING, words.ASKING)
        case DownloadState.RUNNING:
            return Arrival(Stage.COMING, progress_words(found), progress_fraction(found))
        case DownloadState.DONE:
            return _come(snapshot, found)


def _come(snapshot: Snapshot, found: DownloadStatus) -> Arrival:
    slot = snapshot.slot(found.slot) if found.slot else None
    model = found.model or found.reference
    if found.error is not None:
        return Arrival(Stage.FAILED, words.not_loaded(model, found.error))
    if slot is None:
        return Arrival(Stage.HERE, f"{texts_pull.has_come(model)} {words.LOADED_LATER}", 1.0)
    if found.model is not None and found.model in slot.loaded and slot.state is SlotState.READY:
        return Arrival(Stage.READY, words.ready(model, slot.name), 1.0, _to_try(slot))
    fraction = slot.progress.fraction if slot.progress is not None else None
    return Arrival(Stage.LOADING, words.loading(model, slot.name), fraction)


def _to_try(slot: SlotStatus) -> str:
    return slot.name if slot.kind is Kind.CHAT else ""


def _suggested(item: Suggestion) -> FindingRow:
    fit = fit_of(item.room)
    name = words.short_name(item.reference)
    name = texts_pull.with_note(name, texts_pull.SUGGESTED) if item.best else name
    return FindingRow(
        item.reference,
        name,
        words.kind(item.kind),
        file_size(item.size_bytes),
        repository_words(item.room),
        item.licence,
        fit,
        f"{item.why}\n{fit_words(item.room)}",
        _SLOT_KINDS.get(item.kind, Kind.CHAT),
    )


def _found(item: FoundRepository, hub: str) -> FindingRow:
    told = [words.downloads(item.downloads), words.some_of(item.quantisations)]
    details = words.gated_tip(item.repo, f"{hub}/{item.repo}") if item.gated else " · ".join(told)
    return FindingRow(
        item.repo,
        words.gated(item.repo) if item.gated else item.repo,
        item.architecture or words.UNKNOWN,
        words.weights(item.parameters) if item.parameters else words.UNKNOWN,
        words.UNKNOWN,
        item.licence or words.UNKNOWN,
        details=details,
    )
