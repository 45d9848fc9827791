"""What differs between operating systems in how engines are started and ended and files are read ahead, one
module each.

Every module offers the same seven functions; `current` is the one for this system.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from router.platforms import windows as current
elif sys.platform == "darwin":
    from router.platforms import macos as current
else:
    from router.platforms import linux as current

__all__ = ["current"]
