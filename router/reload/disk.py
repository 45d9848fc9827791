"""hal0.yaml and the model folders as they are on the disk. Blocking: called in a thread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from router.base.paths import Paths
from router.catalog.folders import FolderWatch
from router.catalog.models import Catalog, build_catalog
from router.config.default import default_config, usual_model_dirs, with_downloads
from router.config.file import ConfigFile
from router.config.problems import ConfigErrors
from router.config.schema import Config
from router.hub.local_models import with_references


class Disk:
    """For one thread at a time.

    Attributes:
        file: hal0.yaml.
        seen: the signature with which it was read last.
        catalog: what the last scan of the model folders found.
    """

    def __init__(self, paths: Paths, demo: Path | None, config: Config) -> None:
        """Scan the folders of `config`, with which hal0 starts; what changes after this is noticed. `demo`: the
        embedded model for when there is no other, not even a starter."""
        self.file = ConfigFile(paths)
        self._paths = paths
        self._demo = demo
        seen = self.file.signature()
        # One that hal0 did not start with is noticed at the first look, and told.
        self.seen = seen if self.file.keep_good() else None
        self._said_something = self.file.says_something()
        self.file.refresh_schema()
        self._folders, self.catalog = self._scan(config)

    def lost(self) -> bool:
        """Return whether hal0.yaml is gone or empty, though it said something when it was read last."""
        return self._said_something and not self.file.says_something()

    def read(self) -> Config:
        """Return hal0.yaml as it is in the file. Raises ConfigErrors."""
        self.seen = self.file.signature()
        config = self.file.parse().config
        self._said_something = self.file.says_something()
        self.file.keep_good()
        return config

    def scan(self, config: Config) -> Catalog:
        """Return the models of `config`."""
        self._folders, self.catalog = self._scan(config)
        return self.catalog

    def folders_changed(self) -> bool:
        """Return whether another scan might find something else."""
        return self._folders.changed()

    def with_folders(self, config: Config) -> Config:
        """Return `config` with the model folders there are now, where it leaves the choice to hal0."""
        if config.source == self.file.path and self.file.signature() == self.seen:
            try:
                return self.file.parse().config
            except ConfigErrors:
                return config
        default = default_config(self._paths)
        return default if replace(config, model_dirs=default.model_dirs) == default else config

    def known_ids(self, config: Config) -> set[str]:
        """Return the ids and aliases that slots of `config` may name."""
        return build_catalog(with_downloads(config, self._paths), *self._own()).names(config)

    def _own(self) -> tuple[Path | None, ...]:
        return self._paths.starter, self._demo

    def _scan(self, config: Config) -> tuple[FolderWatch, Catalog]:
        config = with_downloads(config, self._paths)
        watch = FolderWatch(config, usual_model_dirs(self._paths))
        catalog = with_references(build_catalog(config, *self._own()), self._paths)
        watch.found(catalog)
        return watch, catalog
