"""Pure: what a repository offers (`router.wire.hub_offer`) → the rows and sentences of the download dialog."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import pull as words
from app.texts.common import context
from app.texts.translate import tr
from router.config.sizes import file_size, memory_size
from router.hub.fit import SPARE
from router.memory.forecast.needs import Fit
from router.wire.hub_offer import Offer, OfferedFit, OfferedModel


@dataclass(frozen=True, slots=True)
class QuantisationRow:
    """One quantisation. `fits` is None where nobody knows; `tip`: the same with all figures."""

    reference: str
    label: str
    size: str
    fit: str
    context: str
    fits: Fit | None = None
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of the chosen one. `possible`: it can be fetched; `doubt`: one sentence against it, or "";
    `goes_on`: a part of it came before."""

    lines: tuple[str, ...]
    possible: bool
    doubt: str = ""
    goes_on: bool = False


def quantisation_rows(offer: Offer) -> tuple[QuantisationRow, ...]:
    """Return the rows in the offer's order, smallest first."""
    return tuple(_row(offer, model) for model in offer.models)


def verdict(offer: Offer, reference: str) -> Verdict:
    """Say what fetching `reference`, one of the offer's models, would mean."""
    model = next(model for model in offer.models if model.reference == reference)
    if model.here is not None:
        return Verdict((words.is_here(model.here),), possible=False)
    needed = model.total_bytes - model.done_bytes
    figures = (file_size(needed), file_size(offer.disk_free), offer.folder)
    lines = [words.files(model.files, model.has_projector)] if model.files > 1 else []
    if model.done_bytes:
        lines.append(words.came_before(file_size(model.done_bytes), file_size(model.total_bytes)))
    if model.room is not None:
        lines.append(fit_words(model.room))
    if offer.disk_free < needed + SPARE:
        return Verdict(tuple(lines), possible=False, doubt=words.disk_short(*figures))
    lines.append(words.disk(*figures))
    return Verdict(tuple(lines), True, offer.warning or "", bool(model.done_bytes))


def fit_words(found: OfferedFit) -> str:
    """`Memory: fits with 64k of its 128k tokens of context (needs about 6 GiB; 9 GiB of …)`."""
    verdict = {
        Fit.FITS: tr("fits"),
        Fit.TIGHT: tr("tight"),
        Fit.SHORT: tr("short by {margin} now").format(margin=memory_size(found.margin)),
    }[_fits(found)]
    tokens = tr("all {trained} tokens of context")
    if found.context < found.context_trained:
        tokens = tr("{context} of its {full} tokens of context")
    template = tr("Memory: {verdict} with {tokens} (needs about {needs}; {free} of {total} {pool} free)")
    if found.held:
        template = tr(
            "Memory: {verdict} with {tokens} (needs about {needs}; {free} of {total} {pool} free once slots "
            "give back {held})"
        )
    return template.format(
        tokens=tokens.format(
            context=context(found.context), full=context(found.context_trained), trained=found.context_trained
        ),
        needs=memory_size(found.needs),
        free=memory_size(found.free),
        total=memory_size(found.total),
        pool="VRAM" if found.is_gpu else "RAM",
        verdict=verdict,
        held=memory_size(found.held),
    )


def _row(offer: Offer, model: OfferedModel) -> QuantisationRow:
    label = words.with_note(model.label, words.SUGGESTED) if model.reference == offer.chosen else model.label
    total, found = file_size(model.total_bytes), model.room
    if model.here is not None:
        return QuantisationRow(
            model.reference, label, total, words.HERE, words.UNKNOWN, None, words.is_here(model.here)
        )
    if found is None:
        return QuantisationRow(model.reference, label, total, words.UNKNOWN, words.UNKNOWN)
    fits = _fits(found)
    fit = words.short_by(memory_size(found.margin)) if fits is Fit.SHORT else words.fit(fits)
    return QuantisationRow(
        model.reference, label, total, f"≈ {fit}", context(found.context), fits, fit_words(found)
    )


def _fits(found: OfferedFit) -> Fit:
    """Return how it fits; a word of a newer version counts as the worst."""
    return Fit(found.fits) if found.fits in set(Fit) else Fit.SHORT
