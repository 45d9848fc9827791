"""`hal0 check`: is hal0.yaml right, and would every model's command line be accepted?"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

from resources import demo_model
from router.base.errors import BadModel, RouterError
from router.base.paths import Paths
from router.catalog.model import Model
from router.catalog.models import Catalog, build_catalog
from router.config.default import with_downloads
from router.config.load import ConfigErrors, ConfigProblem, ParsedConfig, check_references, examine_file
from router.engine.launcher import Launcher
from router.engine.readiness import probe_session


def check(config_file: Path | None, *, as_json: bool = False) -> int:
    """Print where the file is and every problem with its place; 0 only if there is none. Needs no hal0 that
    runs."""
    if config_file is not None and not config_file.is_file():
        print(f"hal0: There is no file {config_file}; correct --config.", file=sys.stderr)
        return 1
    paths = Paths.for_user(config_file)
    parsed, wrong = examine_file(paths.config_file, paths)
    if parsed is None:
        return _broken(paths, wrong, as_json=as_json)
    config = parsed.config
    catalog = build_catalog(with_downloads(config, paths), paths.starter, demo_model())
    paths.create()
    placed = _Placed(parsed, config.source or paths.config_file)
    problems = [
        *check_references(parsed, catalog.names(config)),
        *_other_kinds(parsed, catalog, placed),
        *_lost_aliases(parsed, catalog, placed),
        *asyncio.run(_models(parsed, catalog, paths, placed)),
    ]
    if wrong:
        return _broken(paths, (*wrong, *problems), as_json=as_json)
    if as_json:
        document = _document(paths, problems, len(config.slots), len(catalog.models))
        print(json.dumps(document | {"hints": [asdict(hint) for hint in parsed.hints]}))
        return 1 if problems else 0
    counts = f"Slots: {len(config.slots)}, models: {len(catalog.models)}."
    if config.source:
        verdict = "fine" if not problems else "valid, but not every model can run"
        print(f"{config.source}: {verdict}. {counts}", flush=True)
    else:
        verdict = "" if not problems else " Not every model can run:"
        print(f"There is no {paths.config_file} yet, so hal0 uses its defaults. {counts}{verdict}", flush=True)
    for problem in sorted(dict.fromkeys(problems), key=lambda found: found.line):
        said = str(problem) if problem.line else problem.message
        print(f"hal0: {said}{'' if said.endswith('?') else '.'}", file=sys.stderr)
    for hint in parsed.hints:
        print(f"hal0: to know: {hint}.", file=sys.stderr)
    return 1 if problems else 0


def _broken(paths: Paths, problems: Sequence[ConfigProblem], *, as_json: bool) -> int:
    """Tell of a file that cannot be used. Raises ConfigErrors for people to read."""
    if not as_json:
        raise ConfigErrors(problems)
    print(json.dumps(_document(paths, problems, None, None)))
    return 1


def _document(
    paths: Paths, problems: Iterable[ConfigProblem], slots: int | None, models: int | None
) -> dict[str, object]:
    """Return what there is to say as JSON; `slots` and `models` are None where the file cannot be used."""
    told = sorted(dict.fromkeys(problems), key=lambda found: found.line)
    return {
        "file": str(paths.config_file),
        "exists": paths.config_file.exists(),
        "usable": slots is not None,
        "slots": slots,
        "models": models,
        "problems": [asdict(problem) for problem in told],
    }


class _Placed:
    """Makes problems out of sentences, at the line of the first key that stands in the file."""

    def __init__(self, parsed: ParsedConfig, source: Path) -> None:
        self._lines = parsed.lines
        self._file = source.name

    def __call__(self, message: str, *keys: str) -> ConfigProblem:
        key = next((key for key in keys if key in self._lines), "")
        return ConfigProblem(self._file, self._lines.get(key, 0), key, message.removesuffix("."))


def _other_kinds(parsed: ParsedConfig, catalog: Catalog, placed: _Placed) -> Iterator[ConfigProblem]:
    """Return models whose file says another kind than the slot's; a kind in hal0.yaml was compared already."""
    config = parsed.config
    for slot in config.slots.values():
        for field, names in (("model", (slot.model,)), ("models", slot.models or ())):
            for name in names if slot.command is None and slot.upstream is None else ():
                model = catalog.find(name) if name is not None else None
                if model is None or model.problem or model.kind is slot.kind:
                    continue
                if model.id not in config.models or config.models[model.id].kind is None:
                    yield placed(
                        f'"{name}" is a model for {model.kind}, as its file says, and this slot is for '
                        f"{slot.kind}; write the kind: that is right for the slot or the model",
                        f"slots.{slot.name}.{field}",
                    )


def _lost_aliases(parsed: ParsedConfig, catalog: Catalog, placed: _Placed) -> Iterator[ConfigProblem]:
    """Return aliases that mean a file of that name; between the names of hal0.yaml it was looked at already."""
    for named in parsed.config.models.values():
        for alias in named.aliases:
            owner = catalog.models.get(alias)
            if owner is not None and owner.id not in parsed.config.models and owner.file is not None:
                yield placed(
                    f'"{alias}" already means the file {owner.file}; rename the alias, or the file',
                    f"models.{named.id}.aliases",
                )


async def _models(parsed: ParsedConfig, catalog: Catalog, paths: Paths, placed: _Placed) -> list[ConfigProblem]:
    problems = []
    async with probe_session() as session:
        launcher = Launcher(parsed.config.engine, paths, session)
        for model in catalog.models.values():
            if model.problem and model.file is None and model.id not in parsed.config.models:
                continue  # only a slot names it, which check_references tells
            for key, message in await _reasons(launcher, model):
                problems.append(placed(message, *_keys(parsed, model, key)))
    return problems


async def _reasons(launcher: Launcher, model: Model) -> list[tuple[str | None, str]]:
    """Return why it cannot start, with the flag to blame. Each flag is looked at by itself, so that all are
    told."""
    try:
        await launcher.check(model)
    except BadModel as error:
        if model.problem:
            return [(None, error.message)]
        alone = [(name, await _alone(launcher, model, name)) for name in model.flags]
        return [(name, said) for name, said in alone if said is not None] or [(None, error.message)]
    except RouterError as error:
        return [("", error.message)]
    return []


async def _alone(launcher: Launcher, model: Model, name: str) -> str | None:
    try:
        await launcher.check(replace(model, flags=MappingProxyType({name: model.flags[name]})))
    except BadModel as error:
        return error.message
    return None


def _keys(parsed: ParsedConfig, model: Model, flag: str | None) -> Iterable[str]:
    """Return where to look for it, the best place first. `flag` None: the model as a whole; "": no model's
    fault."""
    if flag == "":
        return ()
    if model.command is not None:
        return (
            f"slots.{slot.name}.command"
            for slot in parsed.config.slots.values()
            if slot.command == model.command
        )
    here = f"models.{model.id}"
    return (f"{here}.flags.{flag}", here) if flag else (f"{here}.file", here)
