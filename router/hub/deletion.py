"""Deleting a model that hal0 fetched, while no slot uses it."""

from __future__ import annotations

import asyncio

from router.base.errors import ModelNotFound, NotDeletable
from router.base.paths import Paths
from router.hub import local_models, store
from router.state import ModelStatus, SlotState, Snapshot, StateStore


async def delete_model(model: ModelStatus, state: StateStore, paths: Paths) -> str:
    """Take its files away, all shards and its mmproj; return what fetches it again, `org/repo:label`.

    Raises NotDeletable, ModelNotFound where its folder is gone already, PullFailed where that cannot be moved.
    """
    reference = model.fetched
    if reference is None:
        raise NotDeletable(f"hal0 did not fetch {model.id}, so it does not delete it{_place(model)}.")
    download = await asyncio.to_thread(store.fetched, paths.downloads, reference)
    if download is None:
        raise ModelNotFound(f"{reference} is not in {paths.downloads} any more.", param="model")
    # Last of all, as a load may begin meanwhile: one that begins after this finds no file, and says so.
    if (used := user_of(reference, state.snapshot)) is not None:
        raise NotDeletable(f"{used[1]} is in use in {used[0]}: unload {used[0]}, then delete it.")
    await asyncio.to_thread(local_models.remove, download, paths)
    return reference


def user_of(reference: str, snapshot: Snapshot) -> tuple[str, str] | None:
    """Return a slot that runs, loads or still ends what was fetched as `reference`, and the model's id there.
    Pure."""
    ids = {model.id for model in snapshot.models if model.fetched == reference}
    for slot in snapshot.slots:
        # An empty slot names what it would load next.
        held = slot.model if slot.state not in (SlotState.UNLOADED, SlotState.FAILED) else None
        for used in (*slot.loaded, slot.target, held, *slot.leaving):
            if used in ids:
                return slot.name, used
    return None


def _place(model: ModelStatus) -> str:
    return f": it lies at {model.file}" if model.file else ""
