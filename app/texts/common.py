"""Every sentence, label and number format of the desktop, free of Qt: what people read is decided here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from app.texts.translate import tr
from router.config.sizes import file_size, memory_size
from router.state import DeviceMemory, ModelStatus, ServerState, ServerStatus, SlotState, SlotStatus, Snapshot

# Absolute, of two parts or more; one of a URL is none.
_PATH = re.compile(r"(?<![\w:/\\.])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:;,'\"“”()]+){2,}")
PROBLEM_ENTRY, PROBLEM_NAME = 64, 30  # characters of a list's entry that cannot be chosen, and of its name

Escape = Callable[[str], str]

APP = "hal0"
SEPARATOR = " · "
ELLIPSIS = "…"

OPEN = tr("Open hal0")
COPY_URL = tr("Copy endpoint URL")
TRY = tr("Try it…")
UNLOAD = tr("Unload")
WAKE = tr("Wake")
WAKE_TIP = tr("Send the packet that wakes this computer, and wait until it answers.")
NO_MODELS = tr("No model of this kind yet: choose Get models…, or add one in the Models tab")
NO_MODELS_AT_ALL = tr("no models")
NOT_IN_CATALOG = tr("not in the catalog")
NO_MODEL_ENTRY = tr("No models")
NO_SLOTS = tr("No slots: add one in Settings › Slots")
NOTHING_LOADED = tr("nothing loaded")
CHOOSE_MODEL = tr("Choose a model…")
LOADED = tr("loaded")
FITS = tr("fits")
TIGHT = tr("tight")
ALREADY_RUNNING = tr("hal0 is already running; its window is now open.")
NOT_ANSWERING = tr(
    "hal0 is already running (process {pid}) but does not answer; end that process, then start hal0 again."
)
NO_LOCK = tr("hal0 cannot write its lock file {path}; make its folder writable, then start hal0 again.")
STILL_IN_TRAY = tr("hal0 keeps running in the tray. Quit it from the tray menu.")

_STATE_WORDS = {
    SlotState.UNLOADED: tr("Unloaded"),
    SlotState.QUEUED: tr("Queued"),
    SlotState.DRAINING: tr("Draining"),
    SlotState.STOPPING: tr("Stopping"),
    SlotState.STARTING: tr("Starting"),
    SlotState.LOADING: tr("Loading"),
    SlotState.WARMING: tr("Warming up"),
    SlotState.READY: tr("Ready"),
    SlotState.FAILED: tr("Error"),
}
_SERVER_WORDS = {
    ServerState.STARTING: tr("Starting…"),
    ServerState.RUNNING: tr("Running"),
    ServerState.STOPPING: tr("Stopping…"),
    ServerState.FAILED: tr("Not running"),
}


def elide(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut at the end."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def elide_middle(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; both ends stay, as a model's name ends in its quantization."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return text[: limit - 1 - tail].rstrip() + ELLIPSIS + text[len(text) - tail :].lstrip()


def reason(problem: str, file: str | None = None) -> str:
    """Shorten a problem: `truncated: it ended at …` of `/home/me/models/x.gguf is truncated: …`. What is wrong
    comes first, and of a path only its last part stays."""
    if file and problem.startswith(f"{file} "):
        problem = problem.removeprefix(f"{file} ").removeprefix("is ")
    elif file:
        problem = problem.replace(file, _last_part(file))
    return _PATH.sub(lambda found: _last_part(found[0]), problem)


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def utf16_length(text: str) -> int:
    """Return the length as Windows counts it (its tooltip holds 127 of these units)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def no_longer_offered(model_id: str) -> str:
    """Describe a model that runs on although its file or its entry is gone."""
    return tr("{model} (still running, no longer available)").format(model=model_id)


def held(count: int, estimated: bool) -> str:
    """Return bytes that a program holds, as measured; with a ~ where the driver does not tell and hal0
    guesses."""
    return f"~{memory_size(count)}" if estimated else memory_size(count)


def gpus(numbers: Sequence[int]) -> str:
    """Return `GPU 1` or `GPU 0 + 1`; they are counted as the driver does."""
    return tr("GPU {numbers}").format(numbers=" + ".join(map(str, numbers)))


def holds_of(slot: SlotStatus) -> tuple[int, ...]:
    """Return of which of several GPUs a slot holds memory; () where there is one, or none."""
    if len(slot.memory_by_device) < 2:
        return ()
    return tuple(number for number, size in enumerate(slot.memory_by_device) if size)


def duration(seconds: float) -> str:
    """Return seconds as `12 s`, `3 min` or `2 h`."""
    if seconds < 90:
        return tr("{count} s").format(count=f"{seconds:.0f}")
    if seconds < 5400:
        return tr("{count} min").format(count=f"{seconds / 60:.0f}")
    return tr("{count} h").format(count=f"{seconds / 3600:.1f}".removesuffix(".0"))


def speed(tokens_per_second: float) -> str:
    return f"{tokens_per_second:.0f}" if tokens_per_second >= 10 else f"{tokens_per_second:.1f}"


def host_port(server: ServerStatus) -> str:
    return server.url.removeprefix("http://")


def endpoint(server: ServerStatus) -> str:
    """Return the URL a client pastes as its OpenAI base URL."""
    return f"{server.url}/v1"


def page(server: ServerStatus, slot: str) -> str:
    """Return the URL of the page's chat with `slot`."""
    return f"{server.url}/#/chat/{quote(slot, safe='')}"


def try_slot(slot: str) -> str:
    return tr("Try {slot}…").format(slot=elide_middle(slot, 24))


def no_browser(url: str) -> str:
    return tr("No browser could be opened; open {url} yourself.").format(url=url)


def use_port(port: int) -> str:
    return tr("Use port {port}").format(port=port)


def server_word(server: ServerStatus) -> str:
    return _SERVER_WORDS[server.state]


def header(server: ServerStatus) -> str:
    """`hal0 · 127.0.0.1:8080 · Running`, or the error in its place."""
    if server.error:
        return f"{APP}{SEPARATOR}{server.error}"
    return SEPARATOR.join((APP, host_port(server), server_word(server)))


def model_name(snapshot: Snapshot, model_id: str) -> str:
    """Return the display name of a model, or its id where the catalog does not know it (any more)."""
    model = snapshot.model(model_id)
    return model.display_name or model.id if model else model_id


def choice(model: ModelStatus | None, model_id: str, limit: int, room: str = "", *, sized: bool = True) -> str:
    """Return one entry of a model list: `Qwen3-30B   17.8 GB · fits`, or what is wrong with it."""
    name = elide_middle((model.display_name or model.id) if model else model_id, limit)
    if model is None:
        return f"{name}{SEPARATOR}{NOT_IN_CATALOG}"
    if model.problem:
        name = elide_middle(name, PROBLEM_NAME)
        said = reason(model.problem.removeprefix(f'Model "{model.id}" cannot start: '), model.file)
        return f"{name}{SEPARATOR}{elide(said, PROBLEM_ENTRY - len(name) - 3)}"
    held = file_size(model.size_bytes) if model.size_bytes and sized else ""
    facts = SEPARATOR.join(part for part in (held, room) if part)
    return f"{name}   {facts}" if facts else name


def short_of_room(needs: int | None, missing: int) -> str:
    """`needs 18.2 GiB, 8.6 GiB short`; both in bytes."""
    if not needs:
        return tr("{missing} short").format(missing=memory_size(missing))
    return tr("needs {needs}, {missing} short").format(needs=memory_size(needs), missing=memory_size(missing))


def makes_leave(slots: Sequence[str], more: int) -> str:
    """Return `unloads embed and coder`: the slots emptied to make room. `more` slots are not named."""
    names = tr(" and ").join(elide_middle(name, 16) for name in slots)
    if more > 0:
        names = tr("{slots} and {more} more").format(slots=names, more=more)
    return tr("unloads {slots}").format(slots=names)


def making_room(slots: Sequence[str]) -> str:
    return tr("Making room: unloading {slots}").format(slots=", ".join(slots))


def kept_apart(slot: SlotStatus) -> str:
    """Return which slots `together:` does not let be loaded beside this one's target, and what becomes of
    them."""
    waits = [name for name in slot.apart if name not in slot.evicting]
    if waits:
        return tr("Waits until {slots} is idle: hal0.yaml does not let both be loaded (together)").format(
            slots=", ".join(waits)
        )
    return tr("Unloading {slots}: hal0.yaml does not let both be loaded (together)").format(
        slots=", ".join(slot.apart)
    )


def wake(name: str) -> str:
    return tr("Wake {name}").format(name=name)


def answered_by(upstream: str) -> str:
    return tr("answered by {upstream}").format(upstream=upstream)


def answers_meanwhile(model: str) -> str:
    return tr("{model} answers until then").format(model=model)


def state(slot: SlotStatus, server: ServerState = ServerState.RUNNING) -> str:
    """Return the state chip: `Ready`, `Busy (2)`, `Queued (3)`, `Loading 45%`. What nobody can ask, as the
    endpoint does not run, is no more than `Loaded`."""
    word = _STATE_WORDS[slot.state]
    if slot.state is SlotState.READY and server is ServerState.FAILED:
        return tr("Loaded")
    if slot.state is SlotState.READY and slot.in_flight:
        return tr("Busy ({count})").format(count=slot.in_flight)
    if slot.state is SlotState.QUEUED and slot.queued:
        return f"{word} ({slot.queued})"
    if slot.state is SlotState.DRAINING and slot.in_flight:
        return f"{word} ({slot.in_flight})"
    share = percent(slot)
    return word if share is None else f"{word} {share}%"


def percent(slot: SlotStatus) -> int | None:
    """0..100 while a switch knows where it is, else None."""
    if not slot.state.switching or slot.progress is None or slot.progress.fraction is None:
        return None
    return round(100 * min(1.0, max(0.0, slot.progress.fraction)))


def slot_line(snapshot: Snapshot, slot: SlotStatus, limit: int) -> str:
    """`primary · Qwen3-30B Q4_K_M · Ready`; a switch shows its goal: `coder · → Gemma-27B · Loading 45%`."""
    name = elide_middle(slot.name, limit // 2)
    if slot.upstream is not None:
        answers = answered_by(elide_middle(slot.upstream, limit))
        return SEPARATOR.join((name, answers, *([state(slot)] if slot.state is SlotState.FAILED else [])))
    if slot.served_by is not None and not slot.state.switching:
        return SEPARATOR.join((name, answered_by(elide_middle(slot.served_by, limit)), state(slot)))
    if slot.serving is None:
        model = NOTHING_LOADED if slot.choices else NO_MODELS_AT_ALL
    else:
        model = elide_middle(model_name(snapshot, slot.serving), limit)
    arrow = "→ " if slot.state.switching and slot.target else ""
    return SEPARATOR.join((name, arrow + model, state(slot, snapshot.server.state)))


def slot_detail(slot: SlotStatus, now: float) -> str:
    """Return the line under a slot: why it failed, how long a switch runs, what it uses. `now`: Unix
    seconds."""
    if slot.state.switching:
        return _switch_detail(slot, now)
    if slot.upstream is not None:
        return answered_by(slot.upstream)
    if slot.last_error is not None:
        return slot.last_error.message
    if not slot.choices:
        return NO_MODELS
    if slot.state is SlotState.UNLOADED:
        return tr("Unloaded: the next request loads it") if slot.model else tr("Nothing loaded")
    facts = [line] if (line := drain_line(slot, now)) else []
    if slot.in_flight and slot.tokens_per_second:
        facts.append(tr("{speed} tok/s").format(speed=speed(slot.tokens_per_second)))
    if slot.context_length:
        facts.append(tr("{tokens} context").format(tokens=context(slot.context_length)))
    if slot.memory:
        size, of = held(slot.memory, slot.memory_estimated), holds_of(slot)
        on = tr("uses {size} of {gpus}").format(size=size, gpus=gpus(of)) if of else ""
        facts.append(on or tr("uses {size}").format(size=size))
    if slot.queued:
        facts.append(tr("{count} waiting").format(count=slot.queued))
    return SEPARATOR.join(facts) or state(slot)


def drain_line(slot: SlotStatus, now: float) -> str:
    """Return `waits for 1 request, cut off in 12 s` while a model that leaves still answers; else ""."""
    count = slot.draining
    if not count:
        return ""
    waits = tr("waits for 1 request") if count == 1 else tr("waits for {count} requests").format(count=count)
    if slot.drain_deadline is None:
        return waits
    left = duration(max(0.0, slot.drain_deadline - now))
    return tr("{waits}, cut off in {time}").format(waits=waits, time=left)


def _switch_detail(slot: SlotStatus, now: float) -> str:
    switching = tr("Switching")
    if slot.progress is not None:
        switching = tr("Switching for {time}").format(time=duration(slot.progress.elapsed(now)))
    others = [name for name in slot.evicting if name not in slot.apart]
    evicting = making_room(others) if others else ""
    apart = kept_apart(slot) if slot.apart else ""
    return SEPARATOR.join(part for part in (apart, evicting, switching, drain_line(slot, now)) if part)


def context(tokens: int) -> str:
    """Return tokens as people name them: `32k`, `4096` stays `4k`, odd numbers stay exact."""
    return f"{tokens // 1024}k" if tokens >= 1024 and tokens % 1024 == 0 else f"{tokens:,}"


def unload(slot: SlotStatus) -> str:
    if not slot.memory:
        return UNLOAD
    return tr("Unload (frees {size})").format(size=held(slot.memory, slot.memory_estimated))


def memory(devices: Iterable[DeviceMemory]) -> str:
    """`VRAM 19.2/24 GiB used · other apps 3.1 GiB`, several GPUs added up; without one, the RAM."""
    pools = tuple(devices)
    gpus = tuple(d for d in pools if d.is_gpu)
    if gpus:
        line = memory_short(gpus)
        if len(gpus) > 1:
            line = tr("{vram} on {count} GPUs").format(vram=line, count=len(gpus))
        others = sum(max(0, d.used - d.used_by_slots) for d in gpus)
        if others < 1 << 20:
            return line
        return line + SEPARATOR + tr("other apps {size}").format(size=memory_size(others))
    if pools:
        return tr("RAM {used} (no GPU found)").format(used=_used_of(pools))
    return tr("Memory: not measured yet")


def memory_short(devices: Iterable[DeviceMemory]) -> str:
    """`VRAM 19.2/24 GiB used`, or nothing where no GPU was measured."""
    gpus = tuple(d for d in devices if d.is_gpu)
    return tr("VRAM {used}").format(used=_used_of(gpus)) if gpus else ""


def memory_each(devices: Iterable[DeviceMemory], limit: int) -> str:
    """Return what `memory` does, and of several GPUs what is used of each: `GPU 0 19.2/24 · GPU 1 3/16`, unless
    that takes more than `limit` characters."""
    pools = tuple(devices)
    found = [d for d in pools if d.is_gpu]
    line = memory(pools)
    if len(found) < 2:
        return line
    parts = (_of_total(d.used, d.total) for d in found)
    each = [f"{gpus([number])} {used}/{total}" for number, (used, total, _unit) in enumerate(parts)]
    longer = SEPARATOR.join([line, *each])
    return longer if len(longer) <= limit else line


def _of_total(used: int, total: int) -> tuple[str, str, str]:
    """Return `19.2`, `24` and `GiB`, the unit of the total; what is used has its own where that is another."""
    number, _, unit = memory_size(used).partition(" ")
    whole, _, of = memory_size(total).partition(" ")
    return number if unit == of else f"{number} {unit}", whole, of


def _used_of(pools: tuple[DeviceMemory, ...]) -> str:
    used, total, unit = _of_total(sum(d.used for d in pools), sum(d.total for d in pools))
    return tr("{used}/{total} used").format(used=used, total=f"{total} {unit}")


def more(hidden: int) -> str:
    return tr("+{count} more").format(count=hidden)


def quit_entry(running: int) -> str:
    """`Quit hal0 (stops 2 models)`; `running` counts slots with an engine."""
    return tr("Quit hal0 (stops {models})").format(models=models(running)) if running else tr("Quit hal0")


def quit_question(in_flight: int) -> str:
    if in_flight == 1:
        return tr("1 request is still being answered.")
    return tr("{count} requests are still being answered.").format(count=in_flight)


def models(count: int) -> str:
    return tr("1 model") if count == 1 else tr("{count} models").format(count=count)


def qt_label(text: str) -> str:
    """`text` shown as it is by a QMenu of Qt itself, for which `&` marks a mnemonic."""
    return text.replace("&", "&&")


def status_notifier_label(text: str) -> str:
    """`text` shown as it is by a StatusNotifier host.

    Qt turns the first `&` into `_` (unless it ends the text) and sends the rest raw; hosts read a single `_`
    as a mnemonic and `__` as one `_` (qdbusmenutypes.cpp, `convertMnemonic`).
    """
    text = text.replace("_", "__")
    first = text.find("&")
    if first < 0 or first == len(text) - 1:
        return text
    # "A & B" leaves Qt as "A _& B": hosts draw that as an (underlined) "&".
    return f"{text[:first]}&{text[first:]}"


def no_file_manager(folder: object) -> str:
    return tr("No file manager could be opened; hal0's logs are in {folder}.").format(folder=folder)


def unexpected(action: str) -> str:
    return tr("The command “{action}” failed unexpectedly; hal0's log says why.").format(action=action)


def failure_title(slot: str) -> str:
    return f"{APP}{SEPARATOR}{slot}" if slot else APP


def crashed(slot: str, message: str) -> str:
    return tr("The engine of {slot} stopped: {message}").format(slot=slot, message=message)


QUIT_CONSEQUENCE = tr("Quitting stops the models and cuts those answers off.")
QUIT_BUTTON = tr("Quit")
STAY_BUTTON = tr("Keep running")
CLOSE_QUESTION = tr("Quit hal0?")
CLOSE_CONSEQUENCE = tr("This session has no tray to hide in. Quitting stops the models and the endpoint.")
NO_DISPLAY = tr("hal0 found no graphical session; run “hal0 serve” to use it without a window.")
STARTUP_FAILED = tr("hal0 could not start")
COPY = tr("Copy")
COPIED = tr("Copied")
CANCEL = tr("Cancel")


def model_of(slot: str) -> str:
    return tr("Model in {slot}").format(slot=slot)


def progress_of(slot: str) -> str:
    return tr("Loading progress of {slot}").format(slot=slot)
