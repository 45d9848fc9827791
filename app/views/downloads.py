"""Pure: the snapshot's downloads → their rows in the Models tab."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import discover
from app.texts import pull as words
from app.views.pull import progress_fraction, progress_words
from router.config.sizes import file_size
from router.state import DownloadOrder, DownloadState, DownloadStatus, Snapshot


@dataclass(frozen=True, slots=True)
class Offered:
    """A button: what it says and what it asks for."""

    label: str
    order: DownloadOrder
    tip: str = ""


@dataclass(frozen=True, slots=True)
class DownloadRow:
    """One download. `share` is 0..1, None while that is not known; `moving`: a bar makes sense. `first` pauses
    or goes on, where that can be; `second` takes it away."""

    reference: str
    message: str
    moving: bool
    share: float | None
    failed: bool
    first: Offered | None
    second: Offered


def download_rows(snapshot: Snapshot) -> tuple[DownloadRow, ...]:
    return tuple(_row(download) for download in snapshot.downloads)


def _row(download: DownloadStatus) -> DownloadRow:
    state = download.state
    done = state is DownloadState.DONE
    remove = Offered(
        words.DISMISS if done else words.REMOVE,
        DownloadOrder.REMOVE,
        words.DISMISS_TIP if done else words.REMOVE_TIP,
    )
    known = download.total_bytes > 0 and not (state is DownloadState.RUNNING and download.step is None)
    return DownloadRow(
        download.reference,
        _message(download),
        moving=not done,
        share=progress_fraction(download) if known else None,
        failed=state is DownloadState.FAILED,
        first=_first(state),
        second=remove,
    )


def _first(state: DownloadState) -> Offered | None:
    match state:
        case DownloadState.QUEUED | DownloadState.RUNNING:
            return Offered(words.PAUSE, DownloadOrder.PAUSE)
        case DownloadState.PAUSED:
            return Offered(words.RESUME, DownloadOrder.RESUME)
        case DownloadState.FAILED:
            return Offered(words.TRY_AGAIN, DownloadOrder.RESUME)
        case DownloadState.DONE:
            return None


def _message(download: DownloadStatus) -> str:
    done, total = file_size(download.done_bytes), file_size(download.total_bytes)
    match download.state:
        case DownloadState.QUEUED:
            return words.queued(total)
        case DownloadState.RUNNING:
            return words.ASKING if download.step is None else progress_words(download)
        case DownloadState.PAUSED:
            return words.paused(done, total)
        case DownloadState.FAILED:
            return download.error or ""
        case DownloadState.DONE if download.error is not None:
            return discover.not_loaded(download.model or download.reference, download.error)
        case DownloadState.DONE:
            return words.done(total)
