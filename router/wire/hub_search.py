"""What there is to fetch from Hugging Face: hal0's own suggestions, and what a search finds (GET
/api/hub/search)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from router.wire.hub_offer import OfferedFit
from router.wire.json_dataclass import read


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A model that hal0 recommends; `reference` ("org/repo:Q4_K_M") is what fetches it.

    Attributes:
        kind: "chat", "coder", "vision", "embedding" or "rerank".
        size_bytes: of all its files, about.
        licence: its short name.
        why: one sentence what it is good for.
        room: whether it would fit into this computer's memory now.
        best: of its kind, the largest that fits.
    """

    reference: str
    kind: str
    size_bytes: int
    licence: str
    why: str
    room: OfferedFit
    best: bool = False


@dataclass(frozen=True, slots=True)
class FoundRepository:
    """A repository with GGUF files.

    Attributes:
        gated: its terms must be accepted on its page before anything can be fetched.
        parameters: weights, None where the hub does not tell; `context_trained` (tokens) likewise.
        licence: as it is tagged, such as "apache-2.0"; "" where it is not.
        quantisations: of its models, as their files' names tell, smallest name first.
    """

    repo: str
    downloads: int
    likes: int
    gated: bool
    licence: str = ""
    parameters: int | None = None
    architecture: str | None = None
    context_trained: int | None = None
    quantisations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """`repositories`: what a search found, most downloaded first; () where nothing was searched for. `hub`: its
    address, which is also that of the repositories' pages."""

    suggestions: tuple[Suggestion, ...]
    repositories: tuple[FoundRepository, ...] = ()
    hub: str = ""


def findings_json(findings: Findings) -> dict[str, Any]:
    return asdict(findings)


def parse_findings(document: Any) -> Findings:
    """Read the JSON. Raises router.wire.json_dataclass.SchemaMismatch."""
    return read(Findings, document)
