"""A llama-server that says it needs a GPU, and runs without one.

No engine that needs a GPU can run here. So what it tells of memory before it loads is made up, by the file's
name and --ctx-size, for a GPU that the stub driver says is there; all else is the real llama-server.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.engines.running import make_program

_TELLS = """import json, os, subprocess, sys
real, needs, offloads, gpus = {real!r}, {needs!r}, {offloads!r}, {gpus!r}
argv = sys.argv[1:]
if "--log-jsonl" not in argv:
    if sys.platform == "win32":  # where execv leaves another process behind
        sys.exit(subprocess.run([real, *argv]).returncode)
    os.execv(real, [real, *argv])
name = os.path.basename(argv[argv.index("-m") + 1]).removesuffix(".gguf")
sizes = [int(after) for flag, after in zip(argv, argv[1:]) if flag == "--ctx-size"]
weights, per_1024 = needs.get(name, (10, 0))
cache = per_1024 * (sizes or [0])[-1] // 1024
layers = [int(after) for flag, after in zip(argv, argv[1:]) if flag == "--n-gpu-layers"]
host = weights if offloads and layers and not layers[-1] else 0
seen = os.environ.get("CUDA_VISIBLE_DEVICES")
count = len(seen.split(",")) if seen else gpus
split = [after for flag, after in zip(argv, argv[1:]) if flag == "--tensor-split"]
shares = [int(share) for share in split[-1].split(",")] if split else [1] * count
rows = [
    {{"kind": "device", "name": "CUDA%d" % number, "model": (weights - host) * share // sum(shares),
      "context": cache * share // sum(shares), "compute": 0}}
    for number, share in enumerate(shares)
]
rest = {{"kind": "host", "name": "Host", "model": host, "context": 0, "compute": 0}}
print(json.dumps({{"type": "fit_memory_breakdown", "data": {{"unit": "MiB", "rows": [*rows, rest]}}}}))
"""


def gpu_engine(
    folder: Path,
    llama_server: Path,
    needs: Mapping[str, tuple[int, int]],
    *,
    offloads: bool = False,
    gpus: int = 1,
) -> Path:
    """`needs`: by the file's name without its suffix, MiB of weights and MiB more for each 1,024 tokens.
    `offloads`: with `--n-gpu-layers 0` the weights are in RAM instead. `gpus`: how many it sees where nobody
    says which, and divides models among, as `--tensor-split` says or evenly."""
    script = folder / "llama-server.py"
    script.write_text(
        _TELLS.format(real=str(llama_server), needs=dict(needs), offloads=offloads, gpus=gpus), encoding="utf-8"
    )
    return make_program(folder / "llama-server", script)
