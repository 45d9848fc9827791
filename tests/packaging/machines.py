"""Where installed programs run: in a private copy of this system, so that no test changes the developer's.

The copy is an overlay over `/` in a mount namespace of its own: what is installed in it is in memory, and gone
with it. The checkout and the Python that runs the tests are hidden in it. It needs root and the right to mount;
where that is missing, the machine itself is used if HAL0_TEST_INSTALL=1 (CI's, which is thrown away).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# /tmp is shared: homes, models and the X server's socket are there. $1: scratch, $2…: folders to hide.
_MAKE = """
set -e
scratch=$1; shift
mount -t tmpfs -o size=4g tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
for shared in dev proc sys tmp; do mount --rbind "/$shared" "$scratch/root/$shared"; done
for hidden in "$@"; do mount -t tmpfs -o ro tmpfs "$scratch/root$hidden"; done
echo ready
exec sleep infinity
"""


@dataclass
class Machine:
    """A system to run programs in, started with `prefix` before them; without a holder it is this very one."""

    prefix: tuple[str, ...] = ()
    holder: subprocess.Popen[str] | None = None

    @property
    def private(self) -> bool:
        return self.holder is not None

    def wrap(self, argv: Sequence[str | Path]) -> list[str]:
        """`argv` as it is started from outside; the process id is the program's own."""
        return [*self.prefix, *map(str, argv)]

    def run(
        self, *argv: str | Path, env: Mapping[str, str] | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end with nothing but `env` (default: a bare PATH)."""
        done = subprocess.run(
            self.wrap(argv),
            env=dict(env) if env is not None else bare_env(),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
        assert not check or done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done

    def has(self, path: str | Path) -> bool:
        """Whether something is at that place, a dangling link too."""
        return self.run("sh", "-c", '[ -e "$1" ] || [ -L "$1" ]', "sh", path, check=False).returncode == 0

    def close(self) -> None:
        if self.holder is not None:
            self.holder.kill()
            self.holder.wait(10)
            assert self.holder.stdout is not None
            self.holder.stdout.close()


def bare_env() -> dict[str, str]:
    return {"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def private_machine(scratch: Path) -> Machine | None:
    """A private copy of this system; None where it cannot be made."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return None
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _MAKE, "sh", str(scratch), *hidden()]
    holder = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert holder.stdout is not None
    if holder.stdout.readline().strip() != "ready":
        holder.kill()
        holder.wait(10)
        holder.stdout.close()
        return None
    enter = ("nsenter", "--target", str(holder.pid), "--mount", "chroot", str(scratch / "root"))
    return Machine((*enter,), holder)


def hidden() -> list[str]:
    """The checkout, and the Python that made its environment if it is not the system's."""
    base = Path(sys.base_prefix)
    return [str(ROOT), *([str(base)] if not base.is_relative_to("/usr") else [])]


def need(program: str) -> None:
    """`make test-packaging` brings these programs; elsewhere what needs one is skipped."""
    if shutil.which(program) is None:
        if os.environ.get("HAL0_TEST_BUNDLE"):
            pytest.fail(f"{program} is not installed; packaging/system_packages.py brings it")
        pytest.skip(f"{program} is not installed")
