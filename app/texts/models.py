"""Every text of the Models and Settings tabs. Read these through the module: a language reloads it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from app.texts import common
from app.texts.translate import tr
from router.config.default import USUAL
from router.state import Measured

# -- models -------------------------------------------------------------------------------------------------

SEARCH_MODELS = tr("Search models")
ADD_FOLDER = tr("+ Folder…")
ADD_FOLDER_HINT = tr("Show the GGUF files of a folder and of those below it")
CHOOSE_FOLDER = tr("Choose a folder with GGUF files")
MODEL_LIST = tr("Models")
LOAD_IN = tr("Load in")
COPY_ID = tr("Copy id")
SHOW_FILE = tr("Show in file manager")
DELETE, DELETE_ASK = tr("Delete"), tr("Delete…")
CLEAR_SEARCH = tr("Clear search")
NO_MODELS_TITLE = tr("No models yet")
NO_MODELS_HELP = tr(
    "hal0 runs models from GGUF files. Get one that suits this computer, drag a .gguf file or a folder here, "
    "or add the folder that holds them."
)
NO_MATCH_HELP = tr("The search looks at names, ids, aliases, quantisation and kind.")
SELECT_MODEL = tr("Select a model to load it, copy its id or find its file.")
COMMAND_MODEL = tr("This model is another engine's command; it has no file.")
NOTHING_DROPPED = tr("Only folders and .gguf files can be dropped here.")
WEB_DROPPED = tr(
    "Only files and folders of this computer can be dropped here; use Get models… for a model on Hugging Face."
)
ONLY_FILE, WHOLE_FOLDER, CANCEL = tr("Only this file"), tr("The whole folder"), tr("Cancel")
ONLY_FILES, WHOLE_FOLDERS = tr("Only these files"), tr("Their whole folders")
DROP_HINT = tr("A folder is watched: models that are put there later appear by themselves.")
USUAL_FOLDERS = tr("The usual folders: ~/models, Hugging Face, LM Studio, llama.cpp, Ollama")
COLUMNS = (
    tr("Model"), tr("Size"), tr("Quantisation"), tr("Needs"), tr("Context"), tr("Kind"), tr("Loaded in"),
    tr("Fit"),
)  # fmt: skip
FITS, TIGHT, TOO_BIG = tr("≈ fits"), tr("≈ tight"), tr("≈ too big")
RUNS_ON = tr("running")
CANNOT_LOAD = tr("cannot be loaded")
UNKNOWN = "–"
NOT_KNOWN = tr("none")
FITS_EXACTLY, TIGHT_EXACTLY = tr("fits"), tr("tight")
MAKE_ROOM = tr("Unload something first, or choose less context.")
COMPUTED = tr("An estimate from the file's header; llama-server could not be asked.")
ESTIMATE = tr("An estimate from the file's size: context and images need memory as well.")


def measured(speed: Measured) -> str:
    """`Measured 28 Nov 2026: reads 812, writes 42 tokens/s`: of the last `hal0 bench`."""
    day = time.strftime("%d %b %Y", time.localtime(speed.at)).lstrip("0")
    reads, writes = common.speed(speed.reads), common.speed(speed.writes)
    return tr("Measured {day}: reads {reads}, writes {writes} tokens/s").format(
        day=day, reads=reads, writes=writes
    )


def delete_question(name: str) -> str:
    return tr("Delete {name} from this computer?").format(name=name)


def delete_consequence(fetched: str, others: Sequence[str]) -> str:
    """Say what it costs. `fetched`: what fetches it again; `others`: the other ids of the same file."""
    again = tr("All its files are deleted. To get it back, download {fetched}.").format(fetched=fetched)
    also = tr("The same file is also offered as {others}.").format(others=", ".join(others)) if others else ""
    return f"{again} {also}".rstrip()


def no_match(search: str) -> str:
    return tr("Nothing matches “{search}”").format(search=search)


def counted(shown: int, total: int) -> str:
    if shown != total:
        return tr("{shown} of {total} models").format(shown=shown, total=total)
    return tr("1 model") if total == 1 else tr("{total} models").format(total=total)


def with_others(models: str, files: int) -> str:
    """`files` in the model folders are no models."""
    others = tr("1 other file") if files == 1 else tr("{files} other files").format(files=files)
    if not files:
        return models
    return tr("{models}, {others}").format(models=models, others=others) if models else others


def context(loads_with: str, trained: str | None) -> str:
    """`32k of 128k`: what it will load with, and what it was trained for."""
    return tr("{context} of {trained}").format(context=loads_with, trained=trained) if trained else loads_with


def context_line(chosen: str) -> str:
    return tr("Context: {chosen}").format(chosen=chosen)


def context_tip(loads_with: int, trained: int | None) -> str:
    first = tr("Loads with {tokens:,} tokens of context.").format(tokens=loads_with)
    return first if not trained else f"{first} {tr('Trained for {tokens:,}.').format(tokens=trained)}"


def fits_tip(file: str, free: str, pool: str) -> str:
    facts = tr("The file is {file}; {free} of {pool} is free now.").format(file=file, free=free, pool=pool)
    return f"{facts} {ESTIMATE}"


def tight_tip(file: str, free: str, pool: str) -> str:
    return f"{fits_tip(file, free, pool)} {MAKE_ROOM}"


def too_big_tip(file: str, total: str, pool: str) -> str:
    facts = tr("The file is {file}; {pool} has {total} in all.").format(file=file, pool=pool, total=total)
    return f"{facts} {tr('It may still run slowly, partly in other memory.')} {ESTIMATE}"


def needs_tip(needs: str, free: str, pool: str) -> str:
    return tr("Takes {needs} with its context full; {free} of {pool} is free now.").format(
        needs=needs, free=free, pool=pool
    )


def plan_tip(needs: str, margin: str, pool: str, *, short: bool) -> str:
    takes = tr("Takes {needs} of {pool} with its context full").format(needs=needs, pool=pool)
    if short:
        return tr("{takes}: {margin} short, whatever is unloaded.").format(takes=takes, margin=margin)
    return tr("{takes}; {margin} would stay free.").format(takes=takes, margin=margin)


def prompts_tip(most: str) -> str:
    return tr("Also, up to {most} of RAM keeps earlier prompts, less where RAM is short (cache-ram).").format(
        most=most
    )


def leave_tip(slots: str) -> str:
    return tr("To make room, the models of these slots are unloaded: {slots}.").format(slots=slots)


def short_by(missing: str) -> str:
    return tr("short by {missing}").format(missing=missing)


def load_in(slot: str) -> str:
    return tr("Load in {slot}").format(slot=slot)


def wrong_kind(slot_kind: str) -> str:
    return tr("only for {kind} models").format(kind=slot_kind)


NOT_A_CHOICE = tr("not among its models")
LOADED_THERE = tr("loaded")
NO_SLOT = tr("No slot can load this model: add one under Settings › Slots.")


def copied(what: str) -> str:
    return tr("Copied {what}").format(what=what)


def folder(entry: str) -> str:
    """Return an entry of model_dirs as the settings show it."""
    return USUAL_FOLDERS if entry == USUAL else entry


def drop_question(names: Sequence[str]) -> str:
    if len(names) == 1:
        return tr("Add {name} to your models?").format(name=names[0])
    return tr("Add these {count} files to your models?").format(count=len(names))


def file_added(name: str) -> str:
    return tr("Added {name}; it appears in a moment.").format(name=name)


def file_known(file: object) -> str:
    return tr("{file} is already one of your models.").format(file=file)


def not_taken(names: Sequence[str]) -> str:
    return tr("Not added: {names}. {rule}").format(names=", ".join(names), rule=NOTHING_DROPPED)


def folder_added(folder: object) -> str:
    return tr("Added {folder}; its models appear in a moment.").format(folder=folder)


def folder_known(folder: object) -> str:
    return tr("{folder} is already one of your model folders.").format(folder=folder)


def no_file_manager(folder: object) -> str:
    return tr("No file manager could be opened; the file is in {folder}.").format(folder=folder)


# -- settings -----------------------------------------------------------------------------------------------

SETTINGS_PAGES = tr("Settings pages")
GENERAL, SERVER, SLOTS, MODELS, ADVANCED = (
    tr("General"), tr("Server"), tr("Slots"), tr("Models"), tr("Advanced"),
)  # fmt: skip
APPLY, DISCARD, ADD, REMOVE, OPEN, SHOW_FOLDER, GENERATE = (
    tr("Apply"), tr("Discard"), tr("Add"), tr("Remove"), tr("Open"), tr("Show in folder"),
    tr("Generate"),
)  # fmt: skip
COPY_PATH, COPY_COMMAND = tr("Copy the path of hal0.yaml"), tr("Copy the engine command")
NO_CHANGES = tr("No unsaved changes")
READING = tr("Reading hal0.yaml…")
APPLYING = tr("Applying…")
UNEXPECTED = tr("hal0.yaml could not be changed because of a bug in hal0; see its log.")
FIX_FIRST = tr("Nothing was applied: fix the fields marked in red first.")


def unsaved(count: int) -> str:
    return tr("1 unsaved change") if count == 1 else tr("{count} unsaved changes").format(count=count)


UNSAVED_QUESTION = tr("Apply your changes to the settings?")
UNSAVED_CONSEQUENCE = tr("They are lost if you discard them.")
KEEP_EDITING = tr("Keep editing")


def not_readable(problem: object) -> str:
    return tr("hal0.yaml has an error; fix it in an editor before changing it here: {problem}.").format(
        problem=problem
    )


def marked(name: str, wrong: bool) -> str:
    """Return a page's or an entry's name, with a mark that something in it has to be corrected."""
    return f"{name} (!)" if wrong else name


def sentence(message: str, suggestion: str | None) -> str:
    """Return a problem's message, which has no full stop, as a sentence for people."""
    hint = f" {tr('Did you mean “{name}”?').format(name=suggestion)}" if suggestion else ""
    return f"{message[:1].upper()}{message[1:]}.{hint}"


_KEY_CAPTIONS = {
    ("activity", "keep"): tr("Requests kept"),
    ("activity", "days"): tr("Days kept"),
    ("activity", "size"): tr("Size on disk"),
    ("activity", "bodies"): tr("Texts kept"),
    ("activity", "body_size"): tr("Kept of each text"),
    ("conversations", "keep"): tr("Size on disk"),
    ("conversations", "per_model"): tr("Kept of each model"),
    ("conversations", "max_age"): tr("Kept for"),
    ("conversations", "save_timeout"): tr("Time to save"),
    ("", "vars"): tr("Shared values"),
    ("vars", "vars"): tr("Values"),
}


def key_caption(name: str, section: str = "") -> str:
    """Of a key of hal0.yaml that has no words of its own on its page."""
    return _KEY_CAPTIONS.get((section, name)) or name.replace("_", " ").capitalize()


def key_hint(meaning: str) -> str:
    """Return what the manual says of such a key, which is in English."""
    whole = meaning.replace("${", "$\u2060{")  # no line ends within ${name}
    return sentence(whole.replace("`", ""), None)


START_AT_LOGIN = tr("Start hal0 when I log in")
START_HINT = tr("It starts in the tray, without this window.")
LOGIN = tr("Login")
THEME = tr("Appearance")
THEME_CHOICES = {"system": tr("as the system"), "light": tr("light"), "dark": tr("dark")}
CONFIG_FILE = tr("Settings file")
CONFIG_HINT = tr("Edit it with any editor: hal0 picks up what you save, and keeps comments and order.")
CONFIG_ABSENT = tr("It does not exist yet: hal0 uses its defaults, and your first change here creates it.")


def start_failed(reason: object) -> str:
    return tr("Start at login could not be changed: {reason}.").format(reason=reason)


def no_editor(file: object) -> str:
    return tr("No program could be opened for it; the file is {file}.").format(file=file)


HOST = tr("Address")
HOST_HINT = tr("Use 127.0.0.1 for this computer only, or 0.0.0.0 for your whole network.")
HOST_HERE = tr("Only this computer can use hal0. 0.0.0.0 opens it to your network, with an API key.")
HOST_NETWORK = tr(
    "Other computers can use hal0 with an API key. The connection is not encrypted, so use it only on networks "
    "you trust."
)
LAN_NEEDS_KEY = tr("With this address other computers could use your models: add an API key, or use 127.0.0.1.")


def no_address(typed: str) -> str:
    if not typed:
        return tr("The address is missing: use 127.0.0.1 for this computer only.")
    if "/" in typed or typed.count(":") == 1 or "]:" in typed:
        return tr("Only the address belongs here, without http:// and without the port.")
    return tr("“{typed}” is not an address of this computer.").format(typed=typed)


PORT = tr("Port")
API_KEYS = tr("API keys")
API_KEYS_HINT = tr("Clients must send one of them. Without any, every program on this computer may use hal0.")
ALLOWED_HOSTS = tr("Allowed names")
ALLOWED_HOSTS_HINT = tr(
    "Names by which clients may call without a key, such as pc.local or *.ts.net, separated by commas."
)
ALLOWED_ORIGINS = tr("Allowed web pages")
ALLOWED_ORIGINS_HINT = tr(
    "Pages that may call without a key, such as https://chat.example.org, separated by commas."
)
NEW_KEY = tr("New key, or env:NAME")
KEYS_ONLY_IN_FILE = tr("These keys can only be changed in hal0.yaml itself.")
BAD_KEY = tr("A key may only hold ASCII letters, digits and signs, without spaces.")
KEY_TWICE = tr("This key is already in the list.")
KEY_COPY_HINT = tr("It takes effect when you apply. Copy it now: afterwards only its end is shown.")


def masked(key: str) -> str:
    """`••••••••a1b2`: enough to tell keys apart; short keys show nothing."""
    if key.startswith("env:"):
        return tr("{key} (from the environment)").format(key=key)
    return "•" * 8 + (key[-4:] if len(key) >= 16 else "")


SLOT_LIST, MODEL_NAMES = tr("Slots"), tr("Named models")
NEW_SLOT, NEW_MODEL = tr("Name of a new slot"), tr("Id of a new model")
KIND = tr("Kind")
KIND_FROM_FILE = tr("as the file says")
SLOT_MODEL = tr("Model at start")
FIRST_THAT_RUNS = tr("the first that works")
SLOT_MODELS = tr("Allowed models")
EVERY_MODEL = tr("All models of this kind")
AUTOLOAD = tr("Load when hal0 starts")
SWITCH = tr("Requests")
SWITCH_ON_REQUEST = tr("may switch the model")
SWITCH_MANUAL = tr("never switch it")
IDLE_UNLOAD = tr("Unload after")
IDLE_HINT = tr("How long without a request.")
NEVER = tr("never")
PINNED = tr("Pinned")
PINNED_HINT = tr("Only you switch or unload it.")
DRAIN = tr("Wait for answers")
DRAIN_HINT = tr("How long a switch waits for answers that are still being written before it cuts them off.")
COMMAND = tr("Command")
COMMAND_HINT = tr("Another engine's command line, with {port}; it is not run through a shell.")
HEALTH = tr("Health path")
DURATIONS = ((86400, tr("{count} d")), (3600, tr("{count} h")), (60, tr("{count} min")), (1, tr("{count} s")))
LAST_SLOT = tr("hal0 needs at least one slot.")
NO_NAMED_MODELS = tr(
    "Every GGUF file in your model folders works as it is. Name a model here to give it flags, aliases or "
    "defaults for requests."
)
NAME_MISSING = tr("Enter a name first.")
BAD_SLOT_NAME = tr("A slot's name may only hold letters, digits, dot, hyphen and underscore.")
BAD_MODEL_NAME = tr("A model's id must not hold spaces.")
NAME_TAKEN = tr("This name is in use already: each must mean one thing.")

MODEL_FOLDERS = tr("Model folders")
FILE = tr("File")
CHOOSE = tr("Choose")
BROWSE = tr("Browse…")
CHOOSE_FILE = tr("Choose a model file")
GGUF_FILES = tr("Models (*.gguf)")
CHOOSE_MODEL = tr("Choose one of the models that are here")
CHOOSE_UPSTREAM = tr("Choose one of the upstreams and their models")
FILE_HINT = tr("A path, or the name of a file in a model folder.")
FILE_MISSING = tr("Enter the GGUF file to load.")
DISPLAY_NAME = tr("Display name")
ALIASES = tr("Aliases")
ALIASES_HINT = tr("Other names clients may use, separated by commas.")
FLAGS = tr("Flags")
FLAGS_HINT = tr("llama-server's long flags, without dashes. Leave the value empty for a flag that takes none.")
FLAG_COLUMNS = (tr("Flag"), tr("Value"))
VARIABLE_COLUMNS = (tr("Variable"), tr("Value"))
TOGETHER = tr("Loaded together")
TOGETHER_HINT = tr(
    "Slots that may be loaded at the same time: primary, embed; coder. Empty: all, as memory allows."
)
REQUEST = tr("Request defaults")
REQUEST_HINT = tr("JSON, merged into every request that does not set these fields itself.")
RPC = tr("RPC servers")
RPC_HINT = tr("Computers that hold parts of it: HOST:PORT of llama.cpp's rpc-server, separated by commas.")

PRIVACY = tr("Privacy")
LOCAL_ONLY = tr("Local only")
LOCAL_ONLY_HINT = tr("hal0 never sends a request to another server, even if a slot is set up to use one.")
UPDATES = tr("New versions")
UPDATES_NOTIFY = tr("tell me about them")
UPDATES_OFF = tr("do not look for them")
UPDATES_HINT = tr("hal0 looks for newer versions of itself and of llama-server. It installs nothing by itself.")
PRIORITY = tr("Priority")
PRIORITY_HINT = tr("When memory is short, idle slots with a lower number are unloaded first.")
FALLBACK = tr("Fallbacks")
FALLBACK_HINT = tr(
    "Upstreams that answer while this slot cannot, in this order: NAME or NAME/MODEL, separated by commas."
)
UPSTREAM = tr("Answered by")
UPSTREAM_HINT = tr("UPSTREAM/MODEL answers instead of a local model. Leave it empty to use a local one.")
HEADROOM = tr("Memory to spare")
HEADROOM_HINT = tr("Left for the desktop and other programs: on each GPU, or in RAM if there is no GPU.")
SUFFIXES = {"KiB": tr(" KiB"), "MiB": tr(" MiB")}

LLAMA_SERVER = tr("llama-server")
LLAMA_HINT = tr("“auto” looks at HAL0_LLAMA_SERVER, the PATH and hal0's own folders.")
ENGINE_PORTS = tr("Engine ports")
PORTS_HINT = tr("The first and the last port that engines may use.")
FIRST_PORT, LAST_PORT = tr("First engine port"), tr("Last engine port")
QUEUE = tr("Queue length")
QUEUE_HINT = tr("How many requests may wait in a slot for another model.")
WAIT = tr("Give up after")
WAIT_HINT = tr("How long a request waits for its turn; a load that has begun is always waited for.")
ENGINE_COMMAND = tr("Engine command")
COMMAND_OF = tr("Slot whose command is shown")
NO_ENGINE = tr("No engine runs in this slot.")


def flag_twice(name: str) -> str:
    return tr("The flag {name} is given twice: remove one.").format(name=name)


def bad_json(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        message = tr("This is not JSON (line {line}, column {column}): {reason}.")
        return message.format(line=error.lineno, column=error.colno, reason=error.msg)
    return tr('This must be a JSON object, such as {{"temperature": 0.6}}.').format()


def exact_duration(seconds: float) -> str:
    """Return `10 min` of 600 seconds, `90 s` of 90: in the largest unit of which it is a whole number."""
    count, unit = next(
        ((seconds / size, unit) for size, unit in DURATIONS if seconds and not seconds % size),
        (seconds, DURATIONS[-1][1]),
    )
    return unit.format(count=int(count) if float(count).is_integer() else f"{count:.2f}".rstrip("0"))


def remove_entry(name: str) -> str:
    return tr("Remove {name}").format(name=name)
