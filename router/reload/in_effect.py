"""What the router goes by at the moment."""

from __future__ import annotations

from dataclasses import dataclass

from router.catalog.models import Catalog
from router.config.schema import Config


@dataclass(slots=True)
class InEffect:
    """Changed by `router.reload.apply` alone; all others read.

    Attributes:
        config: its `server` stays the old one while the new address cannot be had.
        catalog: the models that go with it.
    """

    config: Config
    catalog: Catalog
