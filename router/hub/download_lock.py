"""A download's folder is one hal0's at a time, and says what is to be in it. Blocking."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from router.base.errors import PullFailed
from router.engine.store import Locked, locked
from router.hub import store
from router.hub.file_download import disk_failed


@contextmanager
def lock_download(download: store.Download, downloads: Path) -> Iterator[None]:
    """Hold the folder that `download` comes into, with its mark written: whatever ends hal0, it is known then.

    Raises PullFailed: another hal0 is at it, or the disk does not take it.
    """
    with ExitStack() as stack:
        try:
            downloads.mkdir(parents=True, exist_ok=True, mode=0o700)
            stack.enter_context(locked(download.folder.parent))
            store.sweep(downloads)
            download.folder.mkdir(exist_ok=True, mode=0o700)
            store.write_mark(download)
        except Locked:
            raise PullFailed(
                f"{download.reference} is being fetched by another hal0 right now; wait for it, or end it."
            ) from None
        except OSError as error:
            raise disk_failed(error, downloads) from error
        yield
    if sys.platform == "win32" and not download.folder.exists():
        # It has come: what publishing could not remove is the open lock.
        shutil.rmtree(download.folder.parent, ignore_errors=True)
