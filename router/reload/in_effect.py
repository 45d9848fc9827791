"""The configuration and models that the router currently uses."""

from __future__ import annotations

from dataclasses import dataclass

from router.catalog.models import Catalog
from router.config.schema import Config


@dataclass(slots=True)
class InEffect:
    """Changed only by `router.reload.apply`; all others read.

    Attributes:
        config: its `server` stays the old one while the new address cannot be had.
        catalog: the models that go with it.
    """

    config: Config
    catalog: Catalog
