"""`hal0 connect CLIENT`, and then the real client: it finds hal0 by the file alone."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import SENTENCE
from tests.clients.programs import HERE, HERMES, environment, require_installed
from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel

CONFIG = "slots:\n  primary: {model: alpha, autoload: true}\n"


@pytest.mark.timeout(300)
async def test_hermes_answers_through_hal0_by_its_settings_alone(
    tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    require_installed()
    (tmp_path / "models").mkdir()
    shutil.copy(speaking_model(SENTENCE, "alpha"), tmp_path / "models" / "alpha.gguf")
    hal0 = Hal0.prepare(tmp_path, llama_server, CONFIG)
    hal0.env["HERMES_HOME"] = str(tmp_path / "hermes")
    settings = tmp_path / "hermes" / "config.yaml"
    settings.parent.mkdir()
    settings.write_text("# mine\nmodel:\n  provider: openrouter  # dear\n")
    try:
        await hal0.start()
        await hal0.until_ready("alpha")
        done = await asyncio.to_thread(hal0.cli, "connect", "hermes", "--yes")
        assert done.returncode == 0, done.stderr
        env = {**environment(tmp_path), "HERMES_HOME": str(settings.parent)}
        argv = [str(HERMES), str(HERE / "scripts" / "hermes_connected.py")]
        ran = await asyncio.to_thread(subprocess.run, argv, env=env, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        told = json.loads(ran.stdout)
        assert told == {
            **{"provider": "custom", "base_url": f"{hal0.url}/v1", "api_key": "hal0"},
            **{"model": "primary", "text": SENTENCE},
        }
        back = await asyncio.to_thread(hal0.cli, "connect", "hermes", "--undo", "--yes")
        assert back.returncode == 0, back.stderr
        assert "provider: openrouter  # dear" in settings.read_text() and hal0.url not in settings.read_text()
    finally:
        await hal0.close()
