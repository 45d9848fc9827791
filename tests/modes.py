"""Whether a file is its owner's alone, as the system says that."""

from __future__ import annotations

import stat
import sys
from pathlib import Path


def is_private(path: Path) -> bool:
    """True on Windows, where no bits say it: what is made in a person's folders has their access list."""
    return sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600
