"""`hal0 service install | remove | status`: `hal0 serve` as a service of the person's own systemd."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from app.system.autostart import program
from router.base.files import write_atomic

UNIT = "hal0.service"
PACKAGED = Path("/usr/lib/systemd/user") / UNIT
_TEMPLATE_COMMAND = "/usr/bin/hal0 serve"
_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")


def install(config_file: Path | None) -> int:
    """Start hal0 now and at each login, without a window."""
    if (problem := unavailable()) is not None:
        return _fail(problem)
    argv = [*program(sys.argv, sys.executable, os.environ, frozen=hasattr(sys, "frozen"))]
    argv += ["--config", str(config_file.absolute())] if config_file else []
    file = unit_file(os.environ)
    if config_file is None and PACKAGED.is_file() and Path(argv[0]).is_relative_to("/usr/lib/hal0"):
        file.unlink(missing_ok=True)  # an older one of ours would hide the package's
    else:
        write_atomic(file, unit([*argv, "serve"]).encode())
    for step in (["daemon-reload"], ["enable", "--now", UNIT]):
        if (said := _systemctl(*step)) is not None:
            return _fail(
                f"systemctl --user {' '.join(step)} failed ({said}); see `journalctl --user -u {UNIT}`."
            )
    print("hal0 is a service now, and at each login; `loginctl enable-linger` starts it with the computer.")
    return 0


def remove() -> int:
    """Stop the service and forget it; models and settings stay."""
    if (problem := unavailable()) is not None:
        return _fail(problem)
    said = _systemctl("disable", "--now", UNIT)
    file = unit_file(os.environ)
    known = file.exists() or PACKAGED.is_file()
    file.unlink(missing_ok=True)
    _systemctl("daemon-reload")
    if said is not None and known:
        return _fail(
            f"systemctl --user disable {UNIT} failed ({said}); stop it with `systemctl --user stop hal0`."
        )
    print("hal0 is no service any more." if known else "hal0 was not a service.")
    return 0


def status(*, as_json: bool = False) -> int:
    """Print one sentence; return 0 if it runs, 1 if not."""
    if (problem := unavailable()) is not None:
        return _fail(problem)
    running = _systemctl("is-active", UNIT) is None
    enabled = _systemctl("is-enabled", UNIT) is None
    if as_json:
        print(json.dumps({"running": running, "at_login": enabled}))
        return 0 if running else 1
    words = ("runs" if running else "does not run", "starts" if enabled else "does not start")
    print(f"The service {words[0]}, and {words[1]} at login.")
    return 0 if running else 1


def unavailable() -> str | None:
    """Return why there can be no service here: one sentence; None where there can."""
    if shutil.which("systemctl") is None:
        return (
            "Services need systemd, and systemctl was not found; start `hal0 serve` by your system's own means."
        )
    said = _systemctl("show-environment")
    if said is not None:
        return f"Your own systemd does not answer ({said}); log in on a desktop or by SSH, not with su or sudo."
    return None


def unit(argv: Sequence[str]) -> str:
    """Return the unit that runs `argv`."""
    template = resources.files("resources").joinpath("systemd", UNIT).read_text(encoding="utf-8")
    return template.replace(_TEMPLATE_COMMAND, exec_start(argv))


def unit_file(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    return folder / "systemd" / "user" / UNIT


def exec_start(argv: Sequence[str]) -> str:
    """`argv` as systemd.service(5) reads it: no specifier, no variable, no word split.

    The program itself may hold no quotes and backslashes there, so such a one is started by env.
    """
    if set(argv[0]) & set("'\"\\"):
        argv = ["/usr/bin/env", *argv]
    program, *others = argv
    return " ".join((_quoted(program, variables=False), *(_quoted(other, variables=True) for other in others)))


def _quoted(part: str, *, variables: bool) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    escaped = escaped.replace("$", "$$") if variables else escaped
    return f'"{escaped}"' if not _PLAIN.fullmatch(part) else part


def _systemctl(*arguments: str) -> str | None:
    """Return what it complained about; None if it did not."""
    done = subprocess.run(["systemctl", "--user", *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or done.stdout.strip() or f"code {done.returncode}").splitlines()[0]


def _fail(sentence: str) -> int:
    print(f"hal0: {sentence}", file=sys.stderr)
    return 1
