"""Every order there is. A new one: a class, a line in `ORDERS`, a case in `router.dispatch`, and a button."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from router.activity.listing import Listing, listing_json, parse_listing
from router.base.errors import BadRequest
from router.base.names import speakable
from router.config.change import REMOVE, ConfigChange, ConfigDocument
from router.engine.find import EngineProblem
from router.memory.measure.history import Held, held_json, parse_held
from router.orders.order import (
    READ_SECONDS,
    Endpoint,
    Order,
    Outcome,
    flag,
    listed,
    number,
    perhaps,
    plain,
    speed,
    text,
)
from router.state import DownloadOrder, DownloadStatus
from router.wire.config import document_json, parse_document
from router.wire.fit_ways import FitWays, fit_ways_json, parse_fit_ways
from router.wire.hub_offer import Offer, offer_json, parse_offer
from router.wire.hub_search import Findings, findings_json, parse_findings
from router.wire.json_dataclass import SchemaMismatch, read

if TYPE_CHECKING:
    from router.engine.install.progress import OnProgress

R = TypeVar("R")

APPLY_SECONDS = 60.0
"""For hal0.yaml to be written and in effect."""

HUB_SECONDS = 120.0
"""For Hugging Face to be asked, which may be slow, and asked again."""

_EXAMPLE = "org/repo:Q4_K_M"


def _lines(name: str) -> Outcome[list[str]]:
    def read_lines(answer: Any) -> list[str]:
        lines = answer[name]
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise SchemaMismatch(f"{name} is not a list of lines")
        return lines

    return Outcome(lambda lines: {name: [speakable(line) for line in lines]}, read_lines)


_DOCUMENT = Outcome(document_json, parse_document)
_PROBLEM: Outcome[EngineProblem | None] = Outcome(
    lambda problem: {"problem": asdict(problem) if problem else None},
    lambda answer: None if answer["problem"] is None else read(EngineProblem, answer["problem"]),
)
_DOWNLOAD: Outcome[DownloadStatus | None] = Outcome(
    lambda download: {"download": asdict(download) if download else None},
    lambda answer: None if answer["download"] is None else read(DownloadStatus, answer["download"]),
)


def _count(answer: Any) -> int:
    if not isinstance(answer["forgotten"], int) or isinstance(answer["forgotten"], bool):
        raise SchemaMismatch("forgotten is no number")
    return answer["forgotten"]


_FORGOTTEN: Outcome[int] = Outcome(lambda count: {"forgotten": count}, _count)

# -- slots -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SlotOrder(Order[R]):
    """`bigpc/primary` is the slot `primary` of the other hal0 `bigpc`."""

    slot: str


@dataclass(frozen=True, slots=True)
class Load(SlotOrder[None]):
    """Put a model, named by id or alias, into the slot; done when it is ready. A failure restores the slot.
    `force`: whatever the memory's arithmetic says. `flags` ("name=value"): llama-server's, beside those of
    hal0.yaml, which does not change; they are forgotten with this load."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/load")
    model: str = text('Say which model to load: {"model": "<id>"}.')
    force: bool = flag()
    flags: tuple[str, ...] = listed()


@dataclass(frozen=True, slots=True)
class Warm(SlotOrder[None]):
    """Read the model's files ahead: it may be loaded soon. Done at once; changes nothing that is shown."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/warm", READ_SECONDS)
    model: str = text('Say which model may be loaded soon: {"model": "<id>"}.')


@dataclass(frozen=True, slots=True)
class Unload(SlotOrder[None]):
    """Done when the engine is gone."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/unload")


@dataclass(frozen=True, slots=True)
class UnloadAll(Order[None]):
    """Every slot of this computer; what other hal0s hold is theirs."""

    endpoint = Endpoint("POST", "/api/unload")


@dataclass(frozen=True, slots=True)
class Restart(SlotOrder[None]):
    """Give the slot's model a new process; done when it is ready."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/restart")


@dataclass(frozen=True, slots=True)
class Cancel(SlotOrder[None]):
    """Give up the slot's switch, if one is under way."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/cancel", READ_SECONDS)


@dataclass(frozen=True, slots=True)
class Cut(SlotOrder[None]):
    """End the requests that a switch, or an engine that leaves, still waits for (`SlotStatus.draining`)."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/cut", READ_SECONDS)


@dataclass(frozen=True, slots=True)
class WaitForRequests(SlotOrder[None]):
    """Wait for those requests, however long they take."""

    endpoint = Endpoint("POST", "/api/slots/{slot}/wait", READ_SECONDS)


@dataclass(frozen=True, slots=True)
class ReadEngineLog(SlotOrder[list[str]]):
    """The last lines of the slot's engines, oldest first."""

    endpoint = Endpoint("GET", "/api/slots/{slot}/logs", READ_SECONDS)
    outcome = _lines("lines")


@dataclass(frozen=True, slots=True)
class ReadEngineCommand(SlotOrder[list[str]]):
    """The exact command line of the slot's engine; [] while none runs. Keys are never in it."""

    endpoint = Endpoint("GET", "/api/slots/{slot}/command", READ_SECONDS)
    outcome = _lines("command")


@dataclass(frozen=True, slots=True)
class Wake(Order[None]):
    """Wake a sleeping computer elsewhere, by its name under `upstreams:`; done when it answers.

    Raises UpstreamFailed if it does not within its `wake_timeout`.
    """

    endpoint = Endpoint("POST", "/api/upstreams/{upstream}/wake")
    upstream: str


# -- hal0 itself -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadLog(Order[list[str]]):
    """hal0's own last log lines, oldest first; secrets are never in them."""

    endpoint = Endpoint("GET", "/api/log", READ_SECONDS)
    outcome = _lines("lines")


@dataclass(frozen=True, slots=True)
class ReadConfig(Order[ConfigDocument]):
    """hal0.yaml as it lies on the disk, its keys hidden. Raises ConfigErrors when it cannot be read at all."""

    endpoint = Endpoint("GET", "/api/config", READ_SECONDS)
    outcome = _DOCUMENT


def _read_changes(written: Any, where: str) -> tuple[ConfigChange, ...]:
    if not isinstance(written, list) or not written:
        raise BadRequest('Say what to change: {"changes": [{"path": [...], "value": ...}]}.', param=where)
    return tuple(_read_change(item, where) for item in written)


def _read_change(item: Any, where: str) -> ConfigChange:
    path = item.get("path") if isinstance(item, dict) else None
    names = path if isinstance(path, list) and all(isinstance(n, str) and n for n in path) else []
    if not names or ("value" in item) is (item.get("remove") is True):
        raise BadRequest(
            'Each change needs "path", a list of names, and either "value" or "remove": true.', param=where
        )
    return ConfigChange(tuple(names), item.get("value", REMOVE))


def _change_json(change: ConfigChange) -> dict[str, Any]:
    path = list(change.path)
    return {"path": path, "remove": True} if change.value is REMOVE else {"path": path, "value": change.value}


@dataclass(frozen=True, slots=True)
class EditConfig(Order[ConfigDocument]):
    """Change hal0.yaml, keeping its comments and order, and apply what changed.

    Raises ConfigErrors, with nothing written, if the result would not be valid.
    """

    endpoint = Endpoint("POST", "/api/config", APPLY_SECONDS)
    outcome = _DOCUMENT
    changes: tuple[ConfigChange, ...] = plain(
        _read_changes, lambda changes: [_change_json(change) for change in changes]
    )


@dataclass(frozen=True, slots=True)
class Reload(Order[None]):
    """Apply hal0.yaml as it is now; done when it is in effect. Engines that must restart may still be at it."""

    endpoint = Endpoint("POST", "/api/reload")


@dataclass(frozen=True, slots=True)
class Forget(Order[int]):
    """Delete what is kept of conversations (`Snapshot.kept`), of all models or of one, named by id or alias;
    returns how many they were. What running engines have read by now is not kept later either."""

    endpoint = Endpoint("POST", "/api/forget")
    outcome = _FORGOTTEN
    model: str = perhaps()


@dataclass(frozen=True, slots=True)
class ReadActivity(Order[Listing]):
    """The requests that were recorded, newest first: `limit` of them at most (None: 100; no more than 500), of
    this slot ("": of any), perhaps only those that `failed`, with ids beyond `since` and below `before`."""

    endpoint = Endpoint("GET", "/api/activity", READ_SECONDS)
    outcome = Outcome(listing_json, parse_listing)
    slot: str = perhaps()
    failed: bool = flag()
    since: int | None = number()
    before: int | None = number()
    limit: int | None = number()


@dataclass(frozen=True, slots=True)
class ForgetActivity(Order[None]):
    """Delete every record of requests, with what is kept of their texts."""

    endpoint = Endpoint("DELETE", "/api/activity", READ_SECONDS)


@dataclass(frozen=True, slots=True)
class NoteSpeed(Order[None]):
    """Remember how fast a model, named by id or alias, was measured to read and write, in tokens a second
    (`ModelStatus.measured`): until another measurement, or until it is launched otherwise."""

    endpoint = Endpoint("POST", "/api/models/speed", READ_SECONDS)
    model: str = text('Say of which model: {"model": "<id>", "reads": 512.0, "writes": 42.0}.')
    reads: float = speed()
    writes: float = speed()


@dataclass(frozen=True, slots=True)
class ReadMemoryHistory(Order[Held]):
    """What each slot, also of other hal0s, held within the last hour."""

    endpoint = Endpoint("GET", "/api/memory/history", READ_SECONDS)
    outcome = Outcome(held_json, parse_held)


@dataclass(frozen=True, slots=True)
class ReadFitWays(Order[FitWays]):
    """Whether a model, named by id or alias, would go into the slot ("": into one of its own) now and, if not,
    what would help. Nothing is loaded."""

    endpoint = Endpoint("GET", "/api/fit", READ_SECONDS)
    outcome = Outcome(fit_ways_json, parse_fit_ways)
    model: str = text("Say which model: /api/fit?model=<id>.")
    slot: str = perhaps()


# -- llama-server ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckEngine(Order[EngineProblem | None]):
    """What keeps llama-server from running; None where one can be run."""

    endpoint = Endpoint("GET", "/api/engine", READ_SECONDS)
    outcome = _PROBLEM


def _ignore(_progress: object) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class InstallEngine(Order[str]):
    """Fetch a llama-server into hal0's own folder; returns its version. The next load uses it.

    `on_progress` is called on any thread. Raises InstallFailed; cancelling leaves nothing half-made behind.
    The API answers with events, see `router.server.routes.engine_install`.
    """

    endpoint = Endpoint("POST", "/api/engine/install")
    on_progress: OnProgress = field(default=_ignore, compare=False)


# -- models from Hugging Face ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadOffer(Order[Offer]):
    """What a repository on Hugging Face has, with sizes and what would fit. Raises PullFailed.

    Fetches nothing but files' headers.
    """

    endpoint = Endpoint("GET", "/api/hub/plan", HUB_SECONDS)
    outcome = Outcome(offer_json, parse_offer)
    reference: str = text(f"Say which repository: /api/hub/plan?ref={_EXAMPLE}.", name="ref")


@dataclass(frozen=True, slots=True)
class SearchHub(Order[Findings]):
    """What hal0 suggests to fetch, as it fits this computer, and what Hugging Face finds by `words`; without
    words nobody is asked. Raises PullFailed."""

    endpoint = Endpoint("GET", "/api/hub/search", HUB_SECONDS)
    outcome = Outcome(findings_json, parse_findings)
    words: str = perhaps(name="q")


@dataclass(frozen=True, slots=True)
class Download(Order[DownloadStatus | None]):
    """Start, pause, resume or remove one; None once it is removed. How far each is: `Snapshot.downloads`.
    `slot`: where to load one that is started, as soon as it has come ("": nowhere).

    Raises PullFailed; ModelNotFound for one that is not there; SlotNotFound.
    """

    endpoint = Endpoint("POST", "/api/downloads/{step}")
    outcome = _DOWNLOAD
    step: DownloadOrder
    reference: str = text(f'Say which model: {{"reference": "{_EXAMPLE}"}}.')
    slot: str = perhaps()


def _deleted(answer: Any) -> str:
    if not isinstance(answer["deleted"], str):
        raise SchemaMismatch("deleted is no text")
    return speakable(answer["deleted"])


@dataclass(frozen=True, slots=True)
class DeleteModel(Order[str]):
    """Delete the files of a model that hal0 fetched, named by id or alias; returns what fetches it again.

    Raises NotDeletable while it is in use, and for what others put there; ModelNotFound; PullFailed.
    """

    endpoint = Endpoint("POST", "/api/models/delete", APPLY_SECONDS)
    outcome = Outcome(lambda reference: {"deleted": reference}, _deleted)
    model: str = text('Say which model to delete: {"model": "<id>"}.')


ORDERS: tuple[type[Order[Any]], ...] = (
    Load,
    Warm,
    Unload,
    UnloadAll,
    Restart,
    Cancel,
    Cut,
    WaitForRequests,
    ReadEngineLog,
    ReadEngineCommand,
    Wake,
    ReadLog,
    ReadConfig,
    EditConfig,
    Reload,
    Forget,
    NoteSpeed,
    ReadFitWays,
    CheckEngine,
    ReadOffer,
    DeleteModel,
    SearchHub,
)
"""Those whose answer is one JSON document; Download, InstallEngine and what tells of the past have handlers of
their own."""
