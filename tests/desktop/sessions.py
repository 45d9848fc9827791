"""A private desktop session for tests: X server, D-Bus, and either a StatusNotifier watcher or a real panel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts" / "desktop"
NEEDED = ("Xvfb", "dbus-daemon", "xdotool", "import")
START_SECONDS = 20.0
STOP_SECONDS = 10.0


def missing_programs(*more: str) -> list[str]:
    return [name for name in (*NEEDED, *more) if shutil.which(name) is None]


@dataclass
class Session:
    """A running display and bus. `env` is all that its programs see; `home` is their private HOME."""

    home: Path
    env: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def launch(self, argv: Sequence[str | Path], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a program in this session; its output goes to `log_of(process)`."""
        number = len(self.processes)
        with (self.home / f"process-{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(part) for part in argv],
                env=self.env | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        number = self.processes.index(process)
        return (self.home / f"process-{number}.log").read_text(errors="replace")

    def screenshot(self, name: str) -> Path:
        """The whole screen as artifacts/desktop/<name>.png."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTIFACTS / f"{name}.png"
        subprocess.run(["import", "-window", "root", path], env=self.env, check=True, timeout=30)
        return path

    def xdotool(self, *arguments: str | int) -> str:
        argv = ["xdotool", *(str(a) for a in arguments)]
        return subprocess.run(argv, env=self.env, check=True, timeout=30, capture_output=True, text=True).stdout

    def close(self) -> None:
        for process in reversed(self.processes):
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, by its own process group, and reap it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


async def open_session(home: Path) -> Session:
    """Xvfb first, then a bus that knows its DISPLAY (programs it activates need it)."""
    folders = {f"XDG_{name}_HOME": home / name.lower() for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    runtime = home / "run"
    for folder in (*folders.values(), runtime):
        folder.mkdir(parents=True, mode=0o700)
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CURRENT_DESKTOP": "XFCE",
        "QT_QPA_PLATFORM": "xcb",
        "NO_AT_BRIDGE": "1",
        # There is no portal in a private session, and Qt says so each time.
        "QT_LOGGING_RULES": "qt.qpa.*.warning=false;qt.qpa.*=false",
        "GIO_USE_VFS": "local",
        "GSETTINGS_BACKEND": "memory",
        **{name: str(folder) for name, folder in folders.items()},
    }
    session = Session(home, env)
    try:
        x = ["Xvfb", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset", "-displayfd"]
        session.env["DISPLAY"] = ":" + await _start_announcing(session, x)
        bus = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog"]
        session.env["DBUS_SESSION_BUS_ADDRESS"] = await _start_announcing(session, bus, "--print-address=")
    except BaseException:
        session.close()
        raise
    return session


async def _start_announcing(session: Session, argv: list[str], option: str = "") -> str:
    """Start a program that writes one line to a descriptor of ours when it is ready; returns the line."""
    reading, writing = os.pipe()
    try:
        full = [*argv[:-1], argv[-1], str(writing)] if not option else [*argv, f"{option}{writing}"]
        process = subprocess.Popen(  # noqa: ASYNC220 - forks and returns
            full,
            env=session.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(writing,),
            start_new_session=True,
        )
    finally:
        os.close(writing)
    session.processes.append(process)
    with os.fdopen(reading, "rb") as lines:
        line = await asyncio.wait_for(asyncio.to_thread(lines.readline), START_SECONDS)
    assert line, f"{argv[0]} did not start"
    return line.decode().strip()


PANEL_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="{dark}"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"""


def start_panel(session: Session, *, dark: bool = True) -> subprocess.Popen[bytes]:
    """xfce4-panel with nothing but a systray, along the top of the screen."""
    folder = Path(session.env["XDG_CONFIG_HOME"]) / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    folder.mkdir(parents=True)
    (folder / "xfce4-panel.xml").write_text(PANEL_CONFIG.format(dark=str(dark).lower()))
    return session.launch(["xfce4-panel", "--disable-wm-check", "--sm-client-disable"])
