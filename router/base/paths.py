"""Where hal0 keeps things, by the platform's own rules (platformdirs); every folder is private (0700)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from router.base.errors import RouterError

CONFIG_NAME = "hal0.yaml"
_HOME = (
    "USERPROFILE"
    if sys.platform == "win32"
    else "HOME, or XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME"
)
NO_HOME = f"This account has no home folder, so hal0 does not know where to keep its files; set {_HOME}."

STARTER = "smollm2-135m-starter"
"""The id of the small model in `Paths.starter`."""


@dataclass(frozen=True, slots=True)
class Paths:
    """`config_file`: hal0.yaml. `data`: engines and downloads. `state`: slot selection, instance file.
    `logs`: engine and router logs. `cache`: what may be deleted at any time."""

    config_file: Path
    data: Path
    state: Path
    logs: Path
    cache: Path

    @classmethod
    def for_user(cls, config_file: Path | None = None) -> Paths:
        """Return the platform's folders; the config is `config_file`, else $HAL0_CONFIG, else the config
        folder's.

        Raises RouterError where the account has no home folder and the environment names none.
        """
        try:
            dirs = platformdirs.PlatformDirs("hal0", appauthor=False, roaming=False)
            if config_file is None:
                from_env = os.environ.get("HAL0_CONFIG")
                config_file = Path(from_env) if from_env else _usual_config_file(dirs)
            return cls(
                config_file=config_file.expanduser().absolute(),
                data=Path(dirs.user_data_dir),
                state=Path(dirs.user_state_dir),
                logs=Path(dirs.user_log_dir),
                cache=Path(dirs.user_cache_dir),
            )
        except RuntimeError as error:  # pathlib's, of `~`
            raise RouterError(NO_HOME) from error

    @property
    def downloads(self) -> Path:
        """Models that hal0 fetched. Always a model folder; what is not whole lies in a hidden one inside."""
        return self.data / "models"

    @property
    def starter(self) -> Path:
        """The small model that `make run` or the window fetches (router.hub.starter): hal0's own, not the
        person's."""
        return self.downloads / "starter" / f"{STARTER}.gguf"

    def create(self) -> Paths:
        """Make the writable folders, readable by their owner alone."""
        for folder in (self.data, self.state, self.logs, self.cache):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self


def _usual_config_file(dirs: platformdirs.PlatformDirs) -> Path:
    """Return where hal0.yaml is. Windows takes settings along from one computer to the next in `%APPDATA%`, and
    nothing else; hal0 used to have them with its data: a file that lies there goes on being used."""
    beside_data = Path(dirs.user_config_dir) / CONFIG_NAME
    if sys.platform == "win32" and not beside_data.exists():
        return Path(platformdirs.user_config_dir("hal0", appauthor=False, roaming=True)) / CONFIG_NAME
    return beside_data
