"""The pages Server and Advanced, and the forms of one slot and one model.

A key of hal0.yaml has a field here as soon as router.config.schema declares it; its type says which editor
(`settings_editors`). Captions, hints and the order of those with words of their own stand below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.texts import models as words
from app.views.settings import (
    BASIC,
    LOCAL_ONLY,
    MODEL_DIRS,
    MODELS,
    SERVER,
    SLOTS,
    UPDATES,
    Form,
    Key,
    names,
    row_of,
)
from app.window.pick_button import FileButton, PickButton
from app.window.settings_allowed import AllowedField
from app.window.settings_editors import editor_of
from app.window.settings_fields import ChoiceField, TextField
from app.window.settings_lists import FoldersField
from app.window.settings_page import Page
from router.config.keys import Truth, keys_of
from router.config.schema import Config, Kind, ModelConfig, SlotConfig, SwitchPolicy
from router.state import Snapshot

# llama-server does not do these: their slots run another engine's command.
_OTHER_ENGINES = (Kind.STT, Kind.TTS, Kind.IMAGE)
# What only belongs to slots that are served in one way.
_ONLY_FOR = {
    "upstream": "upstream",
    "command": "command",
    "health": "command",
    "stop": "command",
    "env": "command",
}
_FROM_UPSTREAMS = ("upstream", "fallback")


class Field(NamedTuple):
    """`make`: the editor, where the key's type does not say which."""

    caption: str
    hint: str = ""
    make: Callable[[], Any] | None = None


def _fill(page: Page, keys: Sequence[Key], fields: Mapping[str, Field]) -> Page:
    """`page` with a field for each of `keys`, in the order of `fields`; those without words come last."""
    order = list(fields)
    for key in sorted(keys, key=lambda key: order.index(key[-1]) if key[-1] in fields else len(order)):
        row = row_of(key)
        said = fields.get(key[-1]) or Field(words.key_caption(key[-1], key[0]), words.key_hint(row.key.meaning))
        editor = said.make() if said.make else editor_of(row, said.caption)
        page.add(key, "" if isinstance(row.key.type, Truth) else said.caption, editor, said.hint)
    return page


def server_page() -> Page:
    fields = {
        "host": Field(words.HOST, words.HOST_HINT),
        "port": Field(words.PORT),
        "api_keys": Field(words.API_KEYS, words.API_KEYS_HINT),
        "allowed_hosts": Field(words.ALLOWED_HOSTS, words.ALLOWED_HOSTS_HINT),
        "allowed_origins": Field(words.ALLOWED_ORIGINS, words.ALLOWED_ORIGINS_HINT),
    }
    return _fill(Page(), [key for key in BASIC if key[0] == SERVER], fields)


def advanced_page() -> Page:
    """Every setting without a page of its own."""
    fields = {
        "llama_server": Field(words.LLAMA_SERVER, words.LLAMA_HINT, TextField),
        "ports": Field(words.ENGINE_PORTS, words.PORTS_HINT),
        "queue": Field(words.QUEUE, words.QUEUE_HINT),
        "wait": Field(words.WAIT, words.WAIT_HINT),
        "headroom": Field(words.HEADROOM, words.HEADROOM_HINT),
        "together": Field(words.TOGETHER, words.TOGETHER_HINT),
    }
    elsewhere = (SERVER, *MODEL_DIRS, *LOCAL_ONLY, *UPDATES)
    keys = [key for key in BASIC if key[0] not in elsewhere]
    page = _fill(Page(), [key for key in keys if key[-1] in fields], fields)
    for section, row in keys_of(Config).items():
        if own := [key for key in keys if key[0] == section and key[-1] not in fields]:
            page.add_heading(words.key_caption(section), words.key_hint(row.key.meaning))
            _fill(page, own, {})
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
    shape = served_by(form, slot)
    rows = keys_of(SlotConfig).items()
    fitting = [name for name, row in rows if shape not in row.key.apart and _ONLY_FOR.get(name, shape) == shape]
    page = _fill(Page(), [(SLOTS, slot, name) for name in fitting], _slot_fields())
    for name in _FROM_UPSTREAMS:
        if (box := page.boxes.get((SLOTS, slot, name))) is not None:
            page.picks[SLOTS, slot, name] = chooser = PickButton(words.CHOOSE_UPSTREAM)
            box.fill_by(chooser, more=name == "fallback")
    return page


def _slot_fields() -> dict[str, Field]:
    switches = [
        (SwitchPolicy.ON_REQUEST.value, words.SWITCH_ON_REQUEST),
        (SwitchPolicy.MANUAL.value, words.SWITCH_MANUAL),
    ]
    idle = keys_of(SlotConfig)["idle_unload"]
    return {
        "kind": Field(words.KIND),
        "upstream": Field(words.UPSTREAM, words.UPSTREAM_HINT),
        "command": Field(words.COMMAND, words.COMMAND_HINT),
        "health": Field(words.HEALTH),
        "model": Field(words.SLOT_MODEL, make=lambda: ChoiceField([(None, words.FIRST_THAT_RUNS)])),
        "models": Field(words.SLOT_MODELS, make=AllowedField),
        "autoload": Field(words.AUTOLOAD),
        "pinned": Field(words.PINNED, words.PINNED_HINT),
        "switch": Field(words.SWITCH, make=lambda: ChoiceField(switches)),
        "idle_unload": Field(words.IDLE_UNLOAD, words.IDLE_HINT, lambda: editor_of(idle, zero=words.NEVER)),
        "drain_timeout": Field(words.DRAIN, words.DRAIN_HINT),
        "priority": Field(words.PRIORITY, words.PRIORITY_HINT),
        "fallback": Field(words.FALLBACK, words.FALLBACK_HINT),
    }


def offer_models(page: Page, slot: str, form: Form, snapshot: Snapshot) -> None:
    """Put the models of the slot's kind into its two lists, and those elsewhere beside what names one."""
    for name in _FROM_UPSTREAMS:
        if (chooser := page.picks.get((SLOTS, slot, name))) is not None:
            chooser.offer(upstream_models(snapshot, alone=name == "fallback"))
    if (first := page.boxes.get((SLOTS, slot, "model"))) is None:
        return
    ids = _models_of_kind(form[SLOTS, slot, "kind"], form, snapshot)
    first.editor.offer([(None, words.FIRST_THAT_RUNS), *((model_id, model_id) for model_id in ids)])
    page.boxes[SLOTS, slot, "models"].editor.offer(ids)


def _models_of_kind(kind: str, form: Form, snapshot: Snapshot) -> list[str]:
    known = [model.id for model in snapshot.models if model.kind == kind]
    named: Iterable[str] = (n for n in names(form, MODELS) if form[MODELS, n, "kind"] == kind)
    return sorted({*known, *named}, key=str.casefold)


def upstream_models(snapshot: Snapshot, *, alone: bool) -> list[str]:
    """Return what a slot may name elsewhere; `alone`: an upstream without a model means something, too."""
    found = []
    for upstream in snapshot.upstreams:
        found += [upstream.name] if alone else []
        found += [f"{upstream.name}/{model}" for model in upstream.models]
    return found


def unnamed_models(form: Form, snapshot: Snapshot) -> list[str]:
    """Return the ids of models that have no settings of their own yet."""
    named = set(names(form, MODELS))
    return sorted((m.id for m in snapshot.models if m.id not in named and m.file), key=str.casefold)


def model_page(model: str, _form: Form) -> Page:
    kinds = [(None, words.KIND_FROM_FILE), *((kind.value, kind.value) for kind in Kind)]
    fields = {
        "file": Field(words.FILE, words.FILE_HINT),
        "display_name": Field(words.DISPLAY_NAME, make=lambda: TextField(optional=True, placeholder=model)),
        "kind": Field(words.KIND, make=lambda: ChoiceField(kinds)),
        "aliases": Field(words.ALIASES, words.ALIASES_HINT),
        "flags": Field(words.FLAGS, words.FLAGS_HINT),
        "request": Field(words.REQUEST, words.REQUEST_HINT),
        "rpc": Field(words.RPC, words.RPC_HINT),
    }
    page = _fill(Page(), [(MODELS, model, name) for name in keys_of(ModelConfig)], fields)
    page.boxes[MODELS, model, "file"].fill_by(FileButton())
    return page
