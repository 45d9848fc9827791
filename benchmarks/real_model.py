"""A model that really computes: SmolLM2-135M, as packaging/starter.py fetches it (93 MB, once)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACE = ROOT / "artifacts" / "models" / "smollm2-135m.gguf"


def real_model() -> Path:
    """$HAL0_REAL_MODEL, else the one that was fetched, else it is fetched now. Raises RuntimeError."""
    if named := os.environ.get("HAL0_REAL_MODEL"):
        return Path(named)
    if not PLACE.exists():
        _fetch()
    return PLACE


def _fetch() -> None:
    argv = [sys.executable, str(ROOT / "packaging" / "starter.py"), "--into", str(PLACE)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the model could not be fetched; set HAL0_REAL_MODEL to one. {done.stderr.strip()}")
