"""What talks to Hugging Face is loaded when a model is fetched, not when hal0 serves."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "import app.run, app.serve, app.bootstrap, app.cli",
        "import router.hub.pull, router.hub.local_models, app.commands.model, app.views.pull",
    ],
)
def test_serving_and_listing_load_no_hugging_face(code: str) -> None:
    heavy = ("huggingface_hub", "httpx2", "hf_xet", "tqdm")
    check = f"{code}\nimport sys\nprint(*(m for m in sys.modules if m.split('.')[0] in {heavy!r}))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
