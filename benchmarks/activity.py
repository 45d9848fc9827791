"""A million records on disk: how long questions take, how large the file is, what writing costs.

python -m benchmarks.activity [ROWS]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figure, median
from router.activity.database import Database, Query
from router.activity.record import Record
from router.config.schema import ActivityConfig

SIZE = 512 << 20
LIMIT_MS = 50.0
_BATCH = 512


def rows(count: int) -> list[Record]:
    """Of some slots, models and clients, one of each rare; one request in fifty failed."""
    chance = random.Random(1)  # noqa: S311 - the same ones each time
    start = time.time_ns() // 1000 - count * 1000
    made = []
    for number in range(count):
        failed = number % 50 == 0
        rare = number % 10_000 == 7
        made.append(
            Record(
                *(start + number * 1000, (start + number * 1000) / 1e6, f"a1b2c3d4{number:08x}"),
                *("10.9.9.9" if rare else f"10.0.0.{chance.randrange(20)}", "OpenAI/Python 2.9.0", ""),
                *("/v1/chat/completions", "openai", "primary", "slot", "rare" if rare else "primary", ""),
                *("" if failed else "model-rare" if rare else f"model-{chance.randrange(8)}", 1),
                *(
                    (404, "refused", "model.not_found", "There is no such model.")
                    if failed
                    else (200, "answered", "", "")
                ),
                *(0.0001, 0.0002, chance.random(), chance.random() * 2, chance.random() * 20, "", ""),
                *(chance.randrange(4000), 10, chance.randrange(900), 42.5, 1200, 3400),
            )
        )
    return made


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="hal0-bench-") as folder:
        file = Path(folder) / "activity.db"
        database = Database(file, ActivityConfig(keep=count, size=SIZE))
        made = rows(count + count // 50)
        spent = time.process_time()
        for start in range(0, len(made), _BATCH):
            database.add(made[start : start + _BATCH], [])
            database.prune()
        figures = [Figure("writing", (time.process_time() - spent) / len(made) * 1e6, "µs/row")]
        size = sum(path.stat().st_size for path in file.parent.iterdir())
        figures.append(Figure(f"{database.rows:,} rows: file", size / 2**20, "MiB", SIZE / 2**20))
        middle = made[len(made) // 2].id
        for name, query in {
            "the newest": Query(),
            "a page in the middle": Query(before=middle),
            "a slot": Query(slot="primary"),
            "a rare slot": Query(slot="rare"),
            "a model": Query(model="model-3"),
            "a rare model": Query(model="model-rare"),
            "a client": Query(client="10.0.0.7"),
            "a rare client": Query(client="10.9.9.9"),
            "failures": Query(failed=True),
            "failures, far back": Query(failed=True, before=middle),
            "a status": Query(status=404),
            "a status that is nowhere": Query(status=507),
            "a slot and a rare model": Query(slot="primary", model="model-rare"),
            "a slot's failures from a rare client": Query(slot="primary", client="10.9.9.9", failed=True),
            "a model, all that came since": Query(model="model-3", since=made[-1000].id),
            "the most that can be asked for": Query(limit=500),
        }.items():
            times = []
            for _ in range(5):
                began = time.perf_counter()
                found = database.select(query)
                times.append((time.perf_counter() - began) * 1000)
            figures.append(Figure(f"{name} ({len(found)} rows)", median(times), "ms", LIMIT_MS))
        database.close()
        began = time.perf_counter()
        Database(file, ActivityConfig(keep=count, size=SIZE)).close()
        figures.append(Figure("opening the file", (time.perf_counter() - began) * 1000, "ms"))
    print("\n".join(figure.line() for figure in figures))


if __name__ == "__main__":
    main()
