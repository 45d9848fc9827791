"""What is built is tested by `make test-packaging`, which says where it is; plain pytest tests our files."""

from __future__ import annotations

import os

collect_ignore = [] if os.environ.get("HAL0_TEST_BUNDLE") else ["built"]
