"""The forecaster with a real llama-server, its cache, what it learns; its error on models of many shapes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.forecast import CASES, Row, measure, table
from resources import demo_model
from router.base.errors import BadModel, EngineMissing, RouterError
from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.command import build_command
from router.engine.environment import engine_environment
from router.engine.options import read_options
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.forecast.forecaster import MOST_LEARNT, RETRY_SECONDS, Forecaster
from router.memory.forecast.needs import MIB, Source
from router.memory.measure.pools import Pool
from router.reload.published import model_status
from tests.modes import is_private


class Engine:
    """Asks a real llama-server, or fails as told. `asked` counts."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.error: RouterError | None = None
        self.asked = 0

    async def dry_run(self, model: Model) -> tuple[list[str], dict[str, str]] | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        argv = build_command(model, await read_options(self.program), self.program, 0, log_jsonl=True)
        env = engine_environment({}, api_key="", private_config=self.folder / "none", child_mode=False)
        return argv, env


@pytest.fixture
def engine(llama_server: Path, tmp_path: Path) -> Engine:
    return Engine(llama_server, tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    file = Path(shutil.copy(demo_model(), tmp_path / "demo.gguf"))
    return Model("demo", Kind.CHAT, "Demo", file=file, flags={"ctx-size": "65536"}, size_bytes=175_000)


@pytest.fixture
def forecaster(engine: Engine, tmp_path: Path) -> Forecaster:
    return Forecaster(tmp_path / "cache", engine)


def untellable(forecaster: Forecaster, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the engine would not answer: what is known must come from elsewhere."""
    monkeypatch.setattr("router.memory.forecast.dryrun.LIMIT_SECONDS", 0.0)
    forecaster._runner._limit = 0.0


async def test_the_engine_is_asked_once_and_the_answer_survives(
    forecaster: Forecaster, engine: Engine, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forecaster.known(model) is None and forecaster.is_due(model, 0.0)
    found = await forecaster.forecast(model)
    assert found is not None and found.source is Source.ENGINE
    assert found.per_device[0].context == 16 * MIB
    assert forecaster.known(model) == found and not forecaster.is_due(model, 1e9)
    file = tmp_path / "cache" / "forecasts.json"
    assert is_private(file)
    later = Forecaster(tmp_path / "cache", engine)
    untellable(later, monkeypatch)
    assert await later.forecast(model) == found


async def test_other_flags_or_another_file_are_another_question(
    forecaster: Forecaster, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await forecaster.forecast(model)
    half = await forecaster.forecast(replace(model, flags={"ctx-size": "32768"}))
    assert first is not None and half is not None
    assert half.per_device[0].context == first.per_device[0].context // 2
    untellable(forecaster, monkeypatch)
    assert model.file is not None
    os.utime(model.file, (1, 1))
    touched = await forecaster.forecast(model)
    assert touched is not None and touched.source is Source.FORMULA


async def test_without_an_engine_the_formula_answers_for_a_while(
    forecaster: Forecaster, engine: Engine, model: Model
) -> None:
    engine.error = EngineMissing("There is no llama-server.")
    found = await forecaster.forecast(model)
    assert found is not None and found.source is Source.FORMULA
    assert found.per_device[0].context == 16 * MIB
    now = 1e9
    assert forecaster.is_due(model, now + RETRY_SECONDS)
    engine.error = None
    better = await forecaster.forecast(model)
    assert better is not None and better.source is Source.ENGINE


async def test_a_model_the_engine_would_refuse_is_not_asked_about_again(
    forecaster: Forecaster, engine: Engine, model: Model
) -> None:
    engine.error = BadModel("no such flag")
    found = await forecaster.forecast(model)
    assert found is not None and found.source is Source.FORMULA
    assert not forecaster.is_due(model, 1e9)
    forecaster.use_engine(engine)
    assert forecaster.is_due(model, 0.0) and forecaster.known(model) is None


async def test_a_model_that_cannot_start_is_not_told_to_fit(
    forecaster: Forecaster, engine: Engine, model: Model
) -> None:
    forecasts = LaunchForecasts(forecaster)
    await forecasts.forecast(model)
    assert model_status(model, forecasts).problem is None
    engine.error = BadModel('Model "demo" cannot start: this llama-server has no flag --ngll.')
    wrong = replace(model, flags={**model.flags, "ngll": "9"})
    await forecasts.forecast(wrong)
    assert model_status(wrong, forecasts).problem == engine.error.message
    assert model_status(model, forecasts).problem is None, "the one that was corrected"
    forecaster.use_engine(engine)
    assert model_status(wrong, forecasts).problem is None, "another engine may have the flag"


async def test_nothing_is_known_of_other_engines_and_broken_files(
    forecaster: Forecaster, engine: Engine, model: Model, tmp_path: Path
) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    command = Model("whisper", Kind.STT, "Whisper", command="whisper --port {port}")
    assert await forecaster.forecast(command) is None
    assert await forecaster.forecast(replace(model, problem="the file is damaged")) is None
    assert engine.asked == 0
    assert await forecaster.forecast(replace(model, file=tmp_path / "bad.gguf")) is None


TELLS = """
import json, sys
row = {"kind": "device", "name": sys.argv[1], "model": 5, "context": 0, "compute": 0}
print(json.dumps({"type": "fit_memory_breakdown", "data": {"unit": "MiB", "rows": [row]}}))
"""


@pytest.mark.parametrize(
    ("told", "hidden", "name"),
    [
        ("CUDA0", {}, "CUDA0"),
        ("CUDA1", {"CUDA_VISIBLE_DEVICES": "3, 2"}, "CUDA2"),
        ("CUDA0", {"CUDA_VISIBLE_DEVICES": "GPU-8932f937"}, "CUDA0"),
        ("ROCm0", {"HIP_VISIBLE_DEVICES": "1", "CUDA_VISIBLE_DEVICES": "4"}, "ROCm1"),
        ("ROCm0", {"CUDA_VISIBLE_DEVICES": "1"}, "ROCm1"),
        ("ROCm0", {"ROCR_VISIBLE_DEVICES": "2,3", "HIP_VISIBLE_DEVICES": "1"}, "ROCm3"),
        ("ROCm0", {"ROCR_VISIBLE_DEVICES": "GPU-DEADBEEFDEADBEEF"}, "ROCm0"),
        ("CUDA5", {"CUDA_VISIBLE_DEVICES": "1"}, "CUDA5"),
        ("MTL0", {"CUDA_VISIBLE_DEVICES": "1"}, "MTL0"),
    ],
)
async def test_gpus_that_are_hidden_from_the_engine_count(
    model: Model, tmp_path: Path, told: str, hidden: dict[str, str], name: str
) -> None:
    class Teller:
        """No engine with a GPU can run here: this one only tells."""

        async def dry_run(self, model: Model) -> tuple[list[str], dict[str, str]]:
            return [sys.executable, "-I", "-S", "-c", TELLS, told], hidden

    found = await Forecaster(tmp_path / "cache", Teller()).forecast(model)
    assert found is not None and [device.name for device in found.per_device] == [name]


async def test_other_gpus_are_another_question(
    forecaster: Forecaster, engine: Engine, model: Model, tmp_path: Path
) -> None:
    none, one = [Pool("RAM", False, 64, 0)], [Pool("GPU", True, 24, 0), Pool("RAM", False, 64, 0)]
    assert not forecaster.use_devices(none)
    found = await forecaster.forecast(model)
    assert forecaster.use_devices(one)
    assert forecaster.known(model) is None and forecaster.is_due(model, 1e9)
    await forecaster.forecast(model)
    assert len(json.loads((tmp_path / "cache" / "forecasts.json").read_text())["forecasts"]) == 2
    assert forecaster.use_devices(none) and forecaster.known(model) == found


async def test_a_projector_is_counted_too(forecaster: Forecaster, model: Model, tmp_path: Path) -> None:
    projector = tmp_path / "mmproj.gguf"
    projector.write_bytes(b"")
    os.truncate(projector, 3 * MIB)
    plain = await forecaster.forecast(model)
    seeing = await forecaster.forecast(
        replace(model, flags={**model.flags, "mmproj": str(projector)}, kind=Kind.CHAT)
    )
    assert plain is not None and seeing is not None
    assert seeing.total == plain.total + 3 * MIB


async def test_it_learns_what_was_really_taken_within_bounds(
    forecaster: Forecaster, engine: Engine, model: Model, tmp_path: Path
) -> None:
    said = await forecaster.forecast(model)
    assert said is not None
    assert await forecaster.learn(model, said.needs // 2) == said
    learnt = await forecaster.learn(model, said.needs * 12 // 10)
    assert learnt is not None and learnt.source is Source.LEARNT
    assert learnt.needs == pytest.approx(said.needs * 1.2, rel=0.01)
    assert learnt.per_device[0].context == said.per_device[0].context
    assert await Forecaster(tmp_path / "cache", engine).forecast(model) == learnt
    most = await forecaster.learn(model, said.needs * 100)
    assert most is not None and most.needs == pytest.approx(said.needs * MOST_LEARNT, rel=0.01)
    assert await forecaster.learn(model, said.needs) == said
    assert await forecaster.learn(replace(model, flags={}), 10 * MIB) is None


@pytest.mark.parametrize(
    "damage",
    ["", "[]", "null", '{"version": 2, "forecasts": {}}', '{"version": 1}', '{"version": 1, "forecasts": []}'],
)
async def test_a_cache_of_no_use_is_replaced(
    forecaster: Forecaster, model: Model, tmp_path: Path, damage: str
) -> None:
    (tmp_path / "cache").mkdir()
    file = tmp_path / "cache" / "forecasts.json"
    file.write_text(damage)
    found = await forecaster.forecast(model)
    assert found is not None and found.source is Source.ENGINE
    assert len(json.loads(file.read_text())["forecasts"]) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"devices": [], "ratio": 1.0},
        {"devices": [["Host", -1, 2, 3, False]], "ratio": 1.0},
        {"devices": [["Host", 1, 2, 3, False]], "ratio": 1e9},
        {"devices": [["Host", 1, 2]], "ratio": 1.0},
        {"devices": [["Host", "x", 2, 3, False]], "ratio": 1.0},
    ],
)
async def test_an_impossible_entry_is_not_believed(
    forecaster: Forecaster, model: Model, tmp_path: Path, entry: object
) -> None:
    found = await forecaster.forecast(model)
    file = tmp_path / "cache" / "forecasts.json"
    saved = json.loads(file.read_text())
    saved["forecasts"] = dict.fromkeys(saved["forecasts"], entry)
    file.write_text(json.dumps(saved))
    assert await Forecaster(tmp_path / "cache", forecaster._engine).forecast(model) == found


async def test_the_cache_stays_small(
    forecaster: Forecaster, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.memory.forecast.forecaster.KEPT", 2)
    for size in ("256", "65536", "32768"):
        await forecaster.forecast(replace(model, flags={"ctx-size": size}))
    assert len(json.loads((tmp_path / "cache" / "forecasts.json").read_text())["forecasts"]) == 2


async def test_a_cache_that_cannot_be_written_costs_only_the_memory_of_it(
    engine: Engine, model: Model, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = await Forecaster(tmp_path / "cache", engine).forecast(model)
    assert found is not None and found.source is Source.ENGINE


async def test_forecasts_are_what_the_engine_really_takes(llama_server: Path, tmp_path: Path) -> None:
    rows: list[Row] = [await measure(name, tmp_path, llama_server) for name in CASES]
    assert len(rows) >= 12
    assert all(row.taken > 100 * MIB for row in rows), "too small to tell a rounded MiB from an error"
    assert max(abs(row.error) for row in rows) <= 0.02, table(rows)
    assert max(abs(row.cache_error) for row in rows) <= 0.001, table(rows)
    assert max(abs(row.formula_error) for row in rows) <= 0.1, table(rows)
