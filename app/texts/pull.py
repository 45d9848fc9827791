"""Every text about fetching models and newer versions. Read these through the module: a language reloads it."""

from __future__ import annotations

from app.texts.translate import tr
from router.memory.forecast.needs import Fit
from router.state import UpdateStatus

# -- the dialog --------------------------------------------------------------------------------------------

DOWNLOAD = tr("Download")
GO_ON = tr("Continue")
CLOSE = tr("Close")
CHOICES = tr("Quantisations")
COLUMNS = (tr("Quantisation"), tr("Size"), tr("Fit"), tr("Context"))
EXPLAIN = tr(
    "Models for llama-server are GGUF files; their repositories mostly end in -GGUF. A smaller quantisation "
    "needs less memory and answers a little less well."
)
ASKING = tr("Asking Hugging Face…")
STARTING = tr("Starting…")
UNEXPECTED = tr("That failed because of a bug in hal0; see its log.")
SUGGESTED = tr("suggested")
HERE = tr("already here")
UNKNOWN = "–"
SEVERAL = tr("This repository has several models: choose one.")


def short_by(margin: str) -> str:
    return tr("short by {margin}").format(margin=margin)


def fit(found: Fit) -> str:
    """Say how it fits, where it does."""
    return {Fit.FITS: tr("fits"), Fit.TIGHT: tr("tight")}[found]


def with_note(label: str, note: str) -> str:
    """`Q4_K_M (suggested)`"""
    return f"{label} ({note})"


def is_here(path: str) -> str:
    return tr("It is on this computer already: {path}").format(path=path)


def came_before(done: str, total: str) -> str:
    return tr("{done} of {total} are already here; the download continues from there.").format(
        done=done, total=total
    )


def files(count: int, projector: bool) -> str:
    files = tr("{count} files").format(count=count)
    return tr("{files}, an mmproj for images among them").format(files=files) if projector else files


def disk(needed: str, free: str, folder: str) -> str:
    return tr("Disk: {needed} to fetch, {free} free in {folder}").format(
        needed=needed, free=free, folder=folder
    )


def disk_short(needed: str, free: str, folder: str) -> str:
    return tr(
        "The disk has too little room: {needed} to fetch, {free} free in {folder}. Make room, or choose a "
        "smaller one."
    ).format(needed=needed, free=free, folder=folder)


# -- downloads under way -----------------------------------------------------------------------------------

DOWNLOADS = tr("Downloads")
PAUSE, RESUME, TRY_AGAIN, REMOVE, DISMISS = (
    tr("Pause"), tr("Resume"), tr("Try again"), tr("Remove"), tr("Dismiss"),
)  # fmt: skip
REMOVE_TIP = tr("Stops the download and deletes what has been downloaded so far.")
DISMISS_TIP = tr("Removes it from this list; the model stays.")


def queued(total: str) -> str:
    return tr("Waiting for other downloads · {total}").format(total=total)


def paused(done: str, total: str) -> str:
    return tr("Paused · {done} of {total}").format(done=done, total=total)


def done(total: str) -> str:
    return tr("Downloaded · {total}").format(total=total)


def action_on(action: str, reference: str) -> str:
    """Return what a button does and to which download, for those who do not see where it stands."""
    return f"{action} {reference}"


def has_come(reference: str) -> str:
    return tr("{model} is downloaded and ready to load.").format(model=reference)


def has_failed(reference: str, reason: str) -> str:
    return tr("{model} was not fetched: {reason}").format(model=reference, reason=reason)


# -- newer versions ----------------------------------------------------------------------------------------

INSTALL_UPDATE = tr("Install")
INSTALL_TIP = tr("Installs it beside the current one; `hal0 engine rollback` goes back.")


def update_entry(name: str, newest: str) -> str:
    return tr("Install {name} {version}…").format(name=name, version=newest)


def update_line(update: UpdateStatus) -> str:
    line = tr("{name} {newest} is available; you have {current}.").format(
        name=update.name, newest=update.newest, current=update.current
    )
    return f"{line} {tr('Update it with `{command}`.').format(command=update.how)}" if update.how else line


def engine_updated(version: str) -> str:
    return tr("llama-server {version} is installed; each slot uses it from its next switch on.").format(
        version=version
    )
