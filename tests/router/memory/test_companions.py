"""Row 36: what an engine loads besides its model is in the forecast, against the buffers it allocates."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from benchmarks.forecast import load
from benchmarks.shapes import Shape, build
from router.base.errors import EngineMissing
from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.command import build_command
from router.engine.environment import engine_environment
from router.engine.options import read_options
from router.memory.forecast.companions import Companions, companions_of, draft_flags
from router.memory.forecast.forecaster import Forecaster
from router.memory.forecast.needs import MIB, Forecast, Source
from tests.resources.ggufs import build_multi_token, build_projector

DRAFT = Shape(heads_kv=2, layers=4)


class Engine:
    """A real llama-server, asked as the launcher asks it; or none."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.absent = False

    @property
    def environment(self) -> dict[str, str]:
        return engine_environment({}, api_key="", private_config=self.folder / "none", child_mode=False)

    async def argv(self, model: Model) -> list[str]:
        return build_command(model, await read_options(self.program), self.program, 0, log_jsonl=True)

    async def dry_run(self, model: Model) -> tuple[list[str], dict[str, str]]:
        if self.absent:
            raise EngineMissing("There is no llama-server.")
        return [*await self.argv(model), "--verbosity", "4", "--fit", "on"], self.environment

    async def taken(self, model: Model) -> int:
        """Bytes of every buffer it allocates for the model and what goes with it."""
        argv = [*await self.argv(model), "--fit", "off"]
        buffers = await asyncio.to_thread(load, argv, self.environment)
        # A head of its own has its work buffers laid out again once it drafts, in place of the first.
        pairs = itertools.pairwise([("", 0.0), *buffers])
        once = [found for before, found in pairs if found != before or found[0] != "compute"]
        return round(sum(size for _kind, size in once) * MIB)


@pytest.fixture
def engine(llama_server: Path, tmp_path: Path) -> Engine:
    return Engine(llama_server, tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    file = build(tmp_path / "model.gguf", Shape(heads_kv=4, layers=8))
    flags = {"ctx-size": "16384"}
    return Model("m", Kind.CHAT, "m", file=file, flags=flags, size_bytes=file.stat().st_size)


async def asked(engine: Engine, folder: Path, model: Model, **flags: Any) -> tuple[Model, Forecast]:
    named = {name.replace("_", "-"): value for name, value in flags.items()}
    asked = replace(model, flags={**model.flags, **named})
    found = await Forecaster(folder / "cache", engine).forecast(asked)
    assert found is not None
    return asked, found


@pytest.mark.parametrize(
    "flags",
    [
        {"spec_type": "draft-simple"},
        {"spec_type": "draft-simple", "parallel": "2"},
        {"spec_type": "draft-simple", "cache_type_k": "q8_0", "cache_type_v": "q8_0", "flash_attn": "on"},
        {"spec_type": "draft-simple", "spec_draft_type_k": "q8_0", "spec_draft_n_ubatch": "128"},
        {"spec_type": "draft-simple", "ctkd": "f32"},
    ],
)
async def test_a_draft_with_its_cache_and_buffers(
    engine: Engine, model: Model, tmp_path: Path, flags: dict[str, Any]
) -> None:
    draft = build(tmp_path / "draft.gguf", DRAFT)
    drafting, found = await asked(engine, tmp_path, model, spec_draft_model=str(draft), **flags)
    taken = await engine.taken(drafting)
    assert found.source is Source.ENGINE
    assert found.total == pytest.approx(taken, rel=0.02)
    alone = (await asked(engine, tmp_path, model, **flags))[1]
    assert found.total > alone.total + draft.stat().st_size + 8 * MIB, "not its file only"
    engine.absent = True
    computed = (await asked(engine, tmp_path, model, spec_draft_model=str(draft), **flags))[1]
    assert computed.source is Source.FORMULA and computed.total == pytest.approx(taken, rel=0.15)


@pytest.mark.parametrize("drafts", [True, False])
async def test_a_head_of_its_own_takes_a_context_and_no_weights_of_its_own(
    engine: Engine, tmp_path: Path, drafts: bool
) -> None:
    file = build_multi_token(tmp_path / "mtp.gguf", context_length=131_072, width=2048)
    flags = {"ctx-size": "131072", "parallel": "1", "ubatch-size": "256"}
    model = Model("m", Kind.CHAT, "m", file=file, flags=flags, size_bytes=file.stat().st_size)
    more = {"spec_type": "draft-mtp"} if drafts else {}
    drafting, found = await asked(engine, tmp_path, model, **more)
    taken = await engine.taken(drafting)
    assert found.total == pytest.approx(taken, rel=0.02)
    engine.absent = True
    computed = (await asked(engine, tmp_path, model, **more))[1]
    assert computed.total == pytest.approx(taken, rel=0.35), "weights that are not loaded are counted"


async def test_a_projector_with_its_buffers(engine: Engine, model: Model, tmp_path: Path) -> None:
    projector = build_projector(tmp_path / "mmproj.gguf", width=1024)
    plain = (await asked(engine, tmp_path, model))[1]
    seeing = (await asked(engine, tmp_path, model, mmproj=str(projector)))[1]
    assert seeing.total > plain.total + projector.stat().st_size
    assert seeing.total - plain.total < projector.stat().st_size + 8 * MIB


async def test_adapters_are_counted_by_their_files(engine: Engine, model: Model, tmp_path: Path) -> None:
    adapters = [
        _adapter(tmp_path / name, size) for name, size in (("one.gguf", 3 * MIB), ("two.gguf", 2 * MIB))
    ]
    plain = (await asked(engine, tmp_path, model))[1]
    tuned = (await asked(engine, tmp_path, model, lora=",".join(map(str, adapters))))[1]
    sizes = [adapter.stat().st_size for adapter in adapters]
    assert tuned.total - plain.total == sum(sizes)
    scaled = companions_of(replace(model, flags={"lora-scaled": f"{adapters[0]}:0.5,{adapters[1]}:-1"}))
    assert scaled == Companions(adapters=sum(sizes))
    comma = adapters[0].rename(tmp_path / "t,wo.gguf")
    named = companions_of(replace(model, flags={"lora": f'"{comma}",{adapters[1]}'}))
    assert named == scaled, "a comma may be part of a name"


def _adapter(path: Path, size: int) -> Path:
    writer: Any = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("x", np.zeros(size // 4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_what_the_flags_name(model: Model, tmp_path: Path) -> None:
    def of(**flags: Any) -> Companions:
        return companions_of(
            replace(model, flags={name.replace("_", "-"): value for name, value in flags.items()})
        )

    assert of() == Companions() and of().contexts == 1
    assert of(spec_type="ngram-mod").contexts == 1
    assert of(spec_type="ngram-mod,draft-mtp").own_head
    mtp = of(spec_draft_model=str(tmp_path / "absent"), spec_type="draft-mtp")
    assert mtp.draft == tmp_path / "absent" and not mtp.own_head and mtp.contexts == 2
    (tmp_path / "mmproj").write_bytes(b"x" * 10)
    for off in ({"no_mmproj_offload": True}, {"mmproj_offload": False}, {"mmproj_device": "none"}):
        assert of(mmproj=str(tmp_path / "mmproj"), **off) == Companions(projector=10, projector_on_host=True)
    assert draft_flags({"ctx-size": "4096", "cache-type-k": "q8_0", "ctvd": "q4_0", "temp": "1"}) == {
        "ctx-size": "4096",
        "cache-type-v": "q4_0",
    }


async def test_a_draft_that_the_engine_does_not_tell_of_is_computed(
    engine: Engine, model: Model, tmp_path: Path
) -> None:
    draft = build(tmp_path / "draft.gguf", DRAFT)
    told = (await asked(engine, tmp_path, model, spec_draft_model=str(draft)))[1]
    alone = (await asked(engine, tmp_path, model))[1]
    assert told.total > alone.total + draft.stat().st_size
