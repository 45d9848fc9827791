"""The texts of the Activity tab, and of the curves in the slots' cards."""

from __future__ import annotations

from app.texts.common import speed as brief_speed
from app.texts.translate import tr
from router.config.sizes import memory_size

UNKNOWN = "–"
REQUESTS = tr("Requests")
SLOT, MODEL, CLIENT, STATUS, TOKENS = tr("Slot"), tr("Model"), tr("Client"), tr("Status"), tr("Tokens")
SPEED = tr("Tokens/s")
COLUMNS = (tr("Time"), SLOT, MODEL, CLIENT, STATUS, tr("Waited"), tr("First byte"), tr("Total"), TOKENS, SPEED)
NOT_KNOWN = tr("not known")
BROWSER = tr("browser")

# -- filters -----------------------------------------------------------------------------------------------
ALL_SLOTS = tr("all slots")
ONLY_FAILURES = tr("Only failures")
SEARCH = tr("Search")
SEARCH_HINT = tr("model, client, error…")
PAUSE = tr("Pause")
OLDER = tr("Older")
FORGET_ALL, FORGET_YES = tr("Forget all…"), tr("Forget all")
FORGET_QUESTION = tr("Forget every request that was recorded?")
FORGET_CONSEQUENCE = tr("What is kept of their texts is deleted, too. This cannot be undone.")

# -- states ------------------------------------------------------------------------------------------------
READING_LIST = tr("Reading…")
NOTHING_ASKED = tr("No requests yet. Each appears here when it ends.")
NOTHING_KEPT = tr(
    "Requests are not kept: activity.keep is 0 in hal0.yaml. Set it to 10000, for example, and later ones "
    "appear here."
)
NO_MATCH = tr("No request matches; all that are kept were searched.")
CHOOSE = tr("Choose a request to see what happened when.")

# -- one request -------------------------------------------------------------------------------------------
OUTCOMES = {
    "refused": tr("refused"),
    "broken": tr("broken"),
    "left": tr("left"),
    "stopped": tr("stopped"),
}
REQUEST, ASKED_FOR, FOUND_BY, PATH = tr("Request"), tr("Asked for"), tr("Found by"), tr("Path")
ANSWERED_BY, SWITCH, BYTES = tr("Answered by"), tr("Switch"), tr("Bytes")
TIMELINE = tr("What happened when")
READING, WAITING, SWITCHING = tr("read"), tr("waited"), tr("waited for a switch")
FIRST_TOKEN, ANSWERING, GENERATING, SENDING = tr("first token"), tr("answer"), tr("generation"), tr("sending")


def looked_through(count: int) -> str:
    return tr("No request matches among the newest {count}; “Older” goes further back.").format(count=count)


def no_more(count: int) -> str:
    return tr("No request matches among the newest {count}; `hal0 activity` searches all.").format(count=count)


def not_read(reason: str) -> str:
    return tr("The requests could not be read: {reason}").format(reason=reason)


def not_forgotten(reason: str) -> str:
    return tr("The requests were not forgotten: {reason}").format(reason=reason)


def span(seconds: float | None) -> str:
    """`0.3 ms`, `310 ms`, `2.5 s`; `–` where it is not known."""
    if seconds is None:
        return UNKNOWN
    if seconds >= 0.9995:
        return tr("{time} s").format(time=f"{seconds:.1f}")
    shown = f"{seconds * 1000:.{1 if seconds < 0.00995 else 0}f}".removesuffix(".0")
    return tr("{time} ms").format(time=shown)


def switch(part: str, switched_from: str) -> str:
    said = {"caused": tr("caused"), "joined": tr("joined")}.get(part, part)
    return tr("{part}, {model} made room").format(part=said, model=switched_from) if switched_from else said


def tokens(prompt: int | None, cached: int, completion: int) -> str:
    return tr("{prompt} in ({cached} cached), {completion} out").format(
        prompt="?" if prompt is None else prompt, cached=cached, completion=completion
    )


def speed(per_second: float) -> str:
    return f"{per_second:.1f}" if per_second < 100 else f"{per_second:.0f}"


def transferred(received: int, sent: int) -> str:
    return tr("{received} in, {sent} out").format(received=received, sent=sent)


# -- the last hour of a slot -------------------------------------------------------------------------------
SPEED_CURVE, MEMORY_CURVE = tr("Speed in the last hour"), tr("Memory in the last hour")


def most_speed(per_second: float) -> str:
    return tr("≤ {speed} tok/s").format(speed=brief_speed(per_second))


def most_memory(size: int) -> str:
    return tr("≤ {size}").format(size=memory_size(size))


def speed_spoken(least: float, most: float) -> str:
    return tr("Speed of the answers in the last hour: {least} to {most} tokens per second").format(
        least=brief_speed(least), most=brief_speed(most)
    )


def memory_spoken(least: int, most: int) -> str:
    return tr("Memory in the last hour: {least} to {most}").format(
        least=memory_size(least), most=memory_size(most)
    )
