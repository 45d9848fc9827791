"""Every text about finding a model to fetch. Read these through the module: a language reloads it."""

from __future__ import annotations

from collections.abc import Sequence

from app.texts.translate import tr

UNKNOWN = "–"
SHOWN = 6
"""Quantisations that are named of one repository."""

# -- the entries that lead there ---------------------------------------------------------------------------

GET_MODELS = tr("Get models…")
NO_MODELS_ENTRY = tr("No models yet: get one…")
GET_MODELS_HINT = tr("See which models run well on this computer, and fetch one")

# -- the dialog --------------------------------------------------------------------------------------------

TITLE = tr("Get models")
WHICH = tr("Search")
WHICH_HINT = tr("Words, or org/repo, or the address of a model's page")
SEARCH = tr("Search")
FOUND = tr("Models to fetch")
COLUMNS = (tr("Model"), tr("For"), tr("Size"), tr("Fit"), tr("Licence"))
EXPLAIN = tr(
    "These run well on many computers; what is suggested fits the memory of this one. For others search "
    "Hugging Face."
)
ASKING = tr("Asking Hugging Face…")
LOOKING = tr("Looking at this computer's memory…")
TRY = tr("Try it")
TRY_HINT = tr("Opens a chat with it in the browser")
BACK = tr("Get another")
PROGRESS = tr("Progress of the download")
LOADED_LATER = tr("It is in the Models tab; load it into a slot there or in the tray.")

_KINDS = {
    "chat": tr("chat"),
    "coder": tr("code"),
    "vision": tr("pictures"),
    "embedding": tr("embeddings"),
    "rerank": tr("reranking"),
}

# -- the terminal ------------------------------------------------------------------------------------------

HOW_TO_FETCH = tr(
    "* the largest of its kind that fits now. `hal0 model pull MODEL` fetches one, `hal0 model search WORDS` "
    "finds others."
)
LOOK_CLOSER = tr(
    "`hal0 model search org/repo` shows what each quantisation takes, `hal0 model pull` fetches one."
)


def kind(word: str) -> str:
    return _KINDS.get(word, word)


def short_name(reference: str) -> str:
    """`Qwen3-8B Q4_K_M` of `Qwen/Qwen3-8B-GGUF:Q4_K_M`"""
    repo, _, quant = reference.rpartition("/")[2].partition(":")
    return f"{repo.removesuffix('-GGUF')} {quant}".rstrip()


def nothing_found(text: str) -> str:
    return tr("Hugging Face finds no GGUF models by “{words}”: try fewer or other words.").format(words=text)


def fetch_with(reference: str) -> str:
    return tr("* suggested: `hal0 model pull {model}`").format(model=reference)


def gated(repo: str) -> str:
    return tr("{repo} (gated)").format(repo=repo)


def gated_tip(repo: str, page: str) -> str:
    return tr("{repo} is gated: accept its terms at {page} in your browser before you fetch it.").format(
        repo=repo, page=page
    )


def downloads(count: int) -> str:
    return tr("{count} downloads").format(count=f"{count:,}")


def weights(count: int) -> str:
    """`8.2 B`, as models are named after them."""
    if count >= 10**9:
        return f"{count / 10**9:.1f}".removesuffix(".0") + " B"
    return f"{round(count / 10**6)} M"


def some_of(quantisations: Sequence[str]) -> str:
    """`Q4_K_M, Q8_0, …`"""
    named = ", ".join(quantisations[:SHOWN])
    return f"{named}, …" if len(quantisations) > SHOWN else named or UNKNOWN


def load_when_come(slot: str) -> str:
    return tr("Load it into {slot} when it has come").format(slot=slot)


def loading(model: str, slot: str) -> str:
    return tr("{model} has come and is being loaded into {slot}…").format(model=model, slot=slot)


def ready(model: str, slot: str) -> str:
    return tr("{model} is ready in {slot}.").format(model=model, slot=slot)


def not_loaded(model: str, reason: str) -> str:
    return tr("{model} has come, but was not loaded: {reason}").format(model=model, reason=reason)
