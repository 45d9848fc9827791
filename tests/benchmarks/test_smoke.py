"""The benchmarks still run; how fast is for them to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def test_the_quickest_benchmark_runs_and_leaves_nothing_behind(tmp_path: Path, llama_server: Path) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    output = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "profiles", "--json", output],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HAL0_LLAMA_SERVER": str(llama_server), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {figure["name"]: figure for figure in json.loads(output.read_text())["figures"]}
    assert figures["profile switch: same model again"]["value"] > 0
    assert figures["profile switch: added"]["limit"] == 5.0
    assert "of 1 targets met" in done.stdout
    assert {process.pid for process in psutil.Process().children(recursive=True)} == before
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
