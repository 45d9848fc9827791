"""`make setup`: prepares .venv with hal0 and its pinned dependencies. Needs a Python and nothing else.

Usage: python packaging/setup_env.py [--dev]. Does nothing when the environment is up to date.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)
VERSION_CODE = "import sys; print(*sys.version_info[:2])"


def main() -> int:
    lock = ROOT / ("requirements-dev.lock" if "--dev" in sys.argv[1:] else "requirements.lock")
    stamp = VENV / f".installed-{lock.stem}"
    state = fingerprint(lock)
    if stamp.exists() and stamp.read_text() == state and venv_python().exists():
        return 0
    python = find_python()
    if python is None:
        return fail(
            "hal0 needs Python 3.11, 3.12 or 3.13, and none was found on PATH. "
            "Install one (Debian and Ubuntu: apt-get install python3 python3-venv; else python.org)."
        )
    if not venv_python().exists() and not make_venv(python):
        return 1
    if not install(lock):
        return 1
    stamp.write_text(state)
    return 0


def find_python() -> str | None:
    """The Python that runs this, if it fits, else the newest fitting one on PATH."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for candidate in [sys.executable, *map(shutil.which, [*names, "python3", "python"])]:
        if candidate and OLDEST <= version_of(candidate) <= NEWEST:
            return candidate
    return None


def version_of(python: str) -> tuple[int, int]:
    run = subprocess.run([python, "-c", VERSION_CODE], capture_output=True, text=True, check=False)
    parts = run.stdout.split()
    return (int(parts[0]), int(parts[1])) if run.returncode == 0 and len(parts) == 2 else (0, 0)


def make_venv(python: str) -> bool:
    say(f"Making .venv with {python}")
    run = subprocess.run([python, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return True
    shutil.rmtree(VENV, ignore_errors=True)
    fail(
        f"{python} could not make a virtual environment: {(run.stdout + run.stderr).strip().splitlines()[-1]} "
        "On Debian and Ubuntu: apt-get install python3-venv."
    )
    return False


def install(lock: Path) -> bool:
    say(f"Installing what {lock.name} pins (the first time: some minutes on a slow line)")
    pip = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--quiet"]
    steps = [
        [*pip, "--require-hashes", "-r", str(lock)],
        [*pip, "--no-build-isolation", "--editable", str(ROOT)],
    ]
    # pip warns about its own configuration on some machines; only its failure is ours to show.
    for step in steps:
        run = subprocess.run(step, cwd=ROOT, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            fail(f"pip failed; see its words above.\n{run.stdout}{run.stderr}")
            return False
    return True


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(lock: Path) -> str:
    """Changes when the pinned packages, our own metadata, or this folder's place change."""
    parts = [lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def say(sentence: str) -> None:
    print(f"setup: {sentence}", flush=True)


def fail(sentence: str) -> int:
    print(f"setup: {sentence}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
