"""What hal0 does without a configuration file, or where the file leaves a section out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from router.base.paths import Paths
from router.config.programs import program_folders, readable
from router.config.schema import Config, SlotConfig

USUAL = "default"
"""In `model_dirs`: the folders that are searched if the key is left out, including those that appear later."""


def default_slots() -> Mapping[str, SlotConfig]:
    """Return one chat slot that loads its model at start."""
    return MappingProxyType({"primary": SlotConfig(name="primary", autoload=True)})


def default_model_dirs(paths: Paths) -> tuple[Path, ...]:
    """Return `~/models`, what other programs fetched, and hal0's own downloads, where they exist."""
    return tuple(folder for folder in usual_model_dirs(paths) if readable(folder))


def usual_model_dirs(paths: Paths) -> tuple[Path, ...]:
    """Return the same as `default_model_dirs`, whether or not they exist."""
    others = (found.folder for found in program_folders())
    return tuple(dict.fromkeys((*_in_home("models"), *others, paths.downloads)))


def with_downloads(config: Config, paths: Paths) -> Config:
    """Return `config` as it is used to look for models: hal0's own downloads count, whatever `model_dirs`
    says."""
    if paths.downloads in config.model_dirs or not paths.downloads.is_dir():
        return config
    return replace(config, model_dirs=(*config.model_dirs, paths.downloads))


def _in_home(name: str) -> list[Path]:
    try:
        return [Path.home() / name]
    except RuntimeError:  # a service account may have no home folder
        return []


def default_config(paths: Paths) -> Config:
    """Return the configuration of a computer that has no hal0.yaml."""
    return Config(model_dirs=default_model_dirs(paths), slots=default_slots())
