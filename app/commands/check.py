"""`hal0 check`: is hal0.yaml right, and would every model's command line be accepted?"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from app.bootstrap import read_config
from resources import demo_model
from router.catalog.models import build_catalog
from router.config.default import with_downloads
from router.engine.launcher import Launcher
from router.errors import RouterError
from router.server.app import engine_session


def check(config_file: Path | None) -> int:
    """Prints where the file is and every problem with its place; 0 only if there is none."""
    if config_file is not None and not config_file.is_file():
        print(f"hal0: There is no file {config_file}; correct --config.", file=sys.stderr)
        return 1
    config, paths = read_config(config_file)
    source = config.source or f"no {paths.config_file}: defaults"
    catalog = build_catalog(with_downloads(config, paths), demo_model())

    async def check_models() -> list[str]:
        problems = []
        async with engine_session() as session:
            launcher = Launcher(config.engine, paths, session)
            for model in catalog.models.values():
                try:
                    await launcher.check(model)
                except RouterError as error:
                    problems.append(error.message)
        return list(dict.fromkeys(problems))

    paths.create()
    problems = asyncio.run(check_models())
    verdict = "fine" if not problems else "valid, but not every model can run"
    print(f"{source}: {verdict}. Slots: {len(config.slots)}, models: {len(catalog.models)}.", flush=True)
    for problem in problems:
        print(f"hal0: {problem}", file=sys.stderr)
    return 1 if problems else 0
