"""All models there are, as they are published."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from router.activity.speeds import Speeds
from router.base.errors import ModelNotFound
from router.base.names import speakable
from router.catalog.model import Model
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.reload.diff import with_engine
from router.reload.in_effect import InEffect
from router.state import DeviceMemory, LeftOutFile, ModelStatus, StateStore

log = logging.getLogger(__name__)


class PublishedModels:
    """Owns `Snapshot.models` and what goes with them."""

    def __init__(
        self,
        in_effect: InEffect,
        store: StateStore,
        forecasts: LaunchForecasts,
        speeds: Speeds,
        gone: Callable[[], Iterable[Model]],
        told: Callable[[], None],
    ) -> None:
        """Publish models; `gone`: those that run on without being a choice any more. `told` is called when
        other models, or other figures, were published."""
        self._in_effect = in_effect
        self._store = store
        self._forecasts = forecasts
        self._speeds = speeds
        self._gone = gone
        self._told = told
        self._logged: dict[str, str] = {}

    def all(self) -> dict[str, Model]:
        """Return all models there are by id, and those that run on without being a choice any more."""
        catalog = self._in_effect.catalog
        models: dict[str, Model] = dict(catalog.models)
        for slot in with_engine(self._in_effect.config).values():
            models.update((model.id, model) for model in catalog.for_slot(slot))
        for model in self._gone():
            models.setdefault(model.id, model)
        return models

    def publish(self) -> None:
        """Tell everyone of the models and what they take."""
        config, memory = self._in_effect.config, self._store.snapshot.memory
        found = [
            replace(
                model_status(model, self._forecasts, memory),
                measured=self._speeds.of(model.id, model.launch_key.digest),
            )
            for model in self.all().values()
        ]
        told = _unambiguous(found, config.slots)
        left_out = tuple(LeftOutFile(str(left.path), left.reason) for left in self._in_effect.catalog.left_out)
        before = self._store.snapshot.models
        self._log_problems(told)
        self._store.update(models=told, left_out=left_out, headroom=config.memory.headroom)
        if before != told:
            self._told()

    async def note_speed(self, model: str, reads: float, writes: float) -> None:
        """Remember how fast a model was, as hal0.yaml has it, in tokens per second. Raises ModelNotFound."""
        known = self.all().get(model)
        if known is None:
            raise ModelNotFound(f'There is no model "{model}" any more.', param="model")
        await self._speeds.note(known.id, known.launch_key.digest, reads, writes)
        self.publish()

    def _log_problems(self, models: Sequence[ModelStatus]) -> None:
        """Log each once, until it changes."""
        problems = {model.id: model.problem for model in models if model.problem}
        for model, problem in problems.items():
            if self._logged.get(model) != problem:
                log.warning("model %s: %s", model, problem)
        self._logged = problems


def model_status(model: Model, forecasts: LaunchForecasts, memory: Sequence[DeviceMemory] = ()) -> ModelStatus:
    """Return what is told of `model`, with what it takes of `memory`, as far as that is known by now."""
    forecast = forecasts.known_placed(model)
    problem = model.problem or forecasts.refused(model)
    return ModelStatus(
        id=model.id,
        display_name=model.display_name,
        kind=model.kind,
        aliases=model.aliases,
        size_bytes=model.size_bytes,
        context_length=forecasts.as_launched(model).context_length,
        context_trained=model.context_trained,
        quantisation=model.quantisation,
        file=speakable(str(model.file)) if model.file else None,
        problem=speakable(problem) if problem else None,
        needs=forecast.needs if forecast else None,
        needs_source=forecast.source.value if forecast else None,
        needs_by_device=forecasts.by_device(forecast, memory) if forecast else (),
        gpu_auto=forecasts.goes_whole(model),
        context_auto=model.context_open,
        prompt_cache=forecasts.prompt_cache(model),
        parallel=model.slots if model.file else None,
        capabilities=model.capabilities,
        note=model.note,
        fetched=model.fetched,
        listed=model.listed,
        metadata=dict(model.metadata),  # a read-only one cannot be copied by asdict
    )


def _unambiguous(models: Sequence[ModelStatus], slots: Collection[str]) -> tuple[ModelStatus, ...]:
    """Return them with the aliases that do mean them: a slot's name or another model's id comes first."""
    taken = {*slots, *(model.id for model in models)}
    settled = []
    for model in models:
        aliases = tuple(alias for alias in dict.fromkeys(model.aliases) if alias not in taken)
        taken.update(aliases)
        settled.append(model if aliases == model.aliases else replace(model, aliases=aliases))
    return tuple(settled)
