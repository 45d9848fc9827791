"""hal0's desktop around a hand-written router service; run as a script by the tests."""

from __future__ import annotations

import os
import sys
from functools import partial

from app.desktop import run_desktop
from router.base.errors import BadRequest
from router.base.paths import Paths
from tests.app.fake_service import FakeService


def make_service() -> FakeService:
    service = FakeService(step=float(os.environ.get("FAKE_STEP", "0")))
    if sentence := os.environ.get("FAKE_START_ERROR"):
        service.start_error = BadRequest(sentence)
    return service


if __name__ == "__main__":
    announce = partial(print, flush=True) if "--announce" in sys.argv else lambda _line: None
    paths = Paths.for_user().create()
    sys.exit(run_desktop(make_service, paths, hidden="--hidden" in sys.argv, announce=announce))
