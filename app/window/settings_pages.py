"""The pages Server and Advanced, and the forms of one slot and one model."""

from __future__ import annotations

from collections.abc import Iterable

from app.texts import models as words
from app.views.settings import (
    API_KEYS,
    HEADROOM,
    HOST,
    LLAMA_SERVER,
    MODEL_DIRS,
    MODELS,
    PORT,
    PORTS,
    QUEUE,
    SLOTS,
    WAIT,
    Form,
    names,
)
from app.window.settings_allowed import AllowedField
from app.window.settings_fields import (
    MONTH,
    CheckField,
    ChoiceField,
    JsonField,
    NamesField,
    NumberField,
    PortsField,
    TextField,
)
from app.window.settings_flags import FlagsField
from app.window.settings_keys import KeysField
from app.window.settings_lists import FoldersField
from app.window.settings_page import Page
from router.config.schema import Kind, SwitchPolicy
from router.state import Snapshot

DAY = 86_400.0
MOST_HEADROOM = 1 << 20  # MiB
# llama-server does not do these: their slots run another engine's command.
_OTHER_ENGINES = (Kind.STT, Kind.TTS, Kind.IMAGE)
_SWITCHES = (SwitchPolicy.ON_REQUEST, SwitchPolicy.MANUAL)


def server_page() -> Page:
    page = Page()
    page.add(HOST, words.HOST, TextField(), words.HOST_HINT)
    page.add(PORT, words.PORT, NumberField(1, 65535))
    page.add(API_KEYS, words.API_KEYS, KeysField(), words.API_KEYS_HINT)
    return page


def advanced_page() -> Page:
    page = Page()
    page.add(LLAMA_SERVER, words.LLAMA_SERVER, TextField(), words.LLAMA_HINT)
    page.add(PORTS, words.ENGINE_PORTS, PortsField(words.FIRST_PORT, words.LAST_PORT), words.PORTS_HINT)
    page.add(QUEUE, words.QUEUE, NumberField(0, 10_000), words.QUEUE_HINT)
    page.add(WAIT, words.WAIT, NumberField(1, DAY, whole=False, suffix=words.SECONDS), words.WAIT_HINT)
    headroom = NumberField(0, MOST_HEADROOM, suffix=words.MEBIBYTES)
    page.add(HEADROOM, words.HEADROOM, headroom, words.HEADROOM_HINT)
    return page


def folders_page() -> Page:
    page = Page()
    page.add(MODEL_DIRS, words.MODEL_FOLDERS, FoldersField())
    return page


def served_by(form: Form, slot: str) -> str:
    """Return what answers in this slot: an "upstream", another engine's "command", or a "model"."""
    if form[SLOTS, slot, "upstream"]:
        return "upstream"
    other = form[SLOTS, slot, "command"] or form[SLOTS, slot, "kind"] in _OTHER_ENGINES
    return "command" if other else "model"


def slot_page(slot: str, form: Form) -> Page:
    page = Page()
    kinds = ChoiceField([(kind.value, kind.value) for kind in Kind])
    page.add((SLOTS, slot, "kind"), words.KIND, kinds)
    match served_by(form, slot):
        case "upstream":
            upstream = TextField(optional=True)
            page.add((SLOTS, slot, "upstream"), words.UPSTREAM, upstream, words.UPSTREAM_HINT)
        case "command":
            page.add((SLOTS, slot, "command"), words.COMMAND, TextField(optional=True), words.COMMAND_HINT)
            page.add((SLOTS, slot, "health"), words.HEALTH, TextField())
            _add_policy(page, slot)
        case _:
            page.add((SLOTS, slot, "model"), words.SLOT_MODEL, ChoiceField([(None, words.FIRST_THAT_RUNS)]))
            page.add((SLOTS, slot, "models"), words.SLOT_MODELS, AllowedField())
            _add_policy(page, slot)
    page.add((SLOTS, slot, "fallback"), words.FALLBACK, NamesField(), words.FALLBACK_HINT)
    return page


def _add_policy(page: Page, slot: str) -> None:
    """Add the settings of when a slot with an engine of its own loads, switches and unloads it."""
    page.add((SLOTS, slot, "autoload"), "", CheckField(words.AUTOLOAD))
    page.add((SLOTS, slot, "pinned"), "", CheckField(words.PINNED), words.PINNED_HINT)
    policies = zip(_SWITCHES, (words.SWITCH_ON_REQUEST, words.SWITCH_MANUAL), strict=True)
    choices = [(policy.value, shown) for policy, shown in policies]
    page.add((SLOTS, slot, "switch"), words.SWITCH, ChoiceField(choices))
    idle = NumberField(0, MONTH, whole=False, suffix=words.SECONDS, zero=words.NEVER)
    page.add((SLOTS, slot, "idle_unload"), words.IDLE_UNLOAD, idle, words.IDLE_HINT)
    drain = NumberField(0, DAY, whole=False, suffix=words.SECONDS)
    page.add((SLOTS, slot, "drain_timeout"), words.DRAIN, drain, words.DRAIN_HINT)
    page.add((SLOTS, slot, "priority"), words.PRIORITY, NumberField(-1000, 1000), words.PRIORITY_HINT)


def offer_models(page: Page, slot: str, form: Form, snapshot: Snapshot) -> None:
    """Put the models of the slot's kind into its two lists."""
    if (first := page.boxes.get((SLOTS, slot, "model"))) is None:
        return
    ids = _models_of_kind(form[SLOTS, slot, "kind"], form, snapshot)
    first.editor.offer([(None, words.FIRST_THAT_RUNS), *((model_id, model_id) for model_id in ids)])
    page.boxes[SLOTS, slot, "models"].editor.offer(ids)


def _models_of_kind(kind: str, form: Form, snapshot: Snapshot) -> list[str]:
    known = [model.id for model in snapshot.models if model.kind == kind]
    named: Iterable[str] = (n for n in names(form, MODELS) if form[MODELS, n, "kind"] == kind)
    return sorted({*known, *named}, key=str.casefold)


def model_page(model: str, _form: Form) -> Page:
    page = Page()
    kinds = [(None, words.KIND_FROM_FILE), *((kind.value, kind.value) for kind in Kind)]
    page.add((MODELS, model, "file"), words.FILE, TextField(), words.FILE_HINT)
    display = TextField(optional=True, placeholder=model)
    page.add((MODELS, model, "display_name"), words.DISPLAY_NAME, display)
    page.add((MODELS, model, "kind"), words.KIND, ChoiceField(kinds))
    page.add((MODELS, model, "aliases"), words.ALIASES, NamesField(), words.ALIASES_HINT)
    page.add((MODELS, model, "flags"), words.FLAGS, FlagsField(), words.FLAGS_HINT)
    page.add((MODELS, model, "request"), words.REQUEST, JsonField(), words.REQUEST_HINT)
    return page
