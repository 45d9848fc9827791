"""Pure: giving a model flags in hal0.yaml, also one that is not named there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.settings_view import MODELS, changes, form_of, with_entry
from router.config.change import ConfigChange, ConfigDocument
from router.config.flags import flag_name
from router.state import ModelStatus


def remedy_changes(document: ConfigDocument, model: ModelStatus, flags: Sequence[str]) -> list[ConfigChange]:
    """What gives `model` these flags ("name=value"); a spelling that stands in the file is kept (`n_ctx`).

    Raises NotReadable.
    """
    wanted = dict(flag.split("=", 1) for flag in flags)
    form = form_of(document)
    key = (MODELS, model.id, "flags")
    if key not in form:
        form = with_entry(form, MODELS, model.id, file=model.file or "")
    form[key] = _with(form[key], wanted)
    return changes(document, form)


def _with(written: Sequence[tuple[str, str]], wanted: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    kept = tuple((name, wanted.get(flag_name(name), value)) for name, value in written)
    there = {flag_name(name) for name, _ in written}
    return kept + tuple((name, value) for name, value in wanted.items() if name not in there)
