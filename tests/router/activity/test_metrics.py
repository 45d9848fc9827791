"""hal0's own metrics, as the real Prometheus reads them; and the dashboard that is made for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import signal
import subprocess
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from router.activity.metrics import CONTENT_TYPE, metrics_text
from router.activity.switches import Switches
from router.activity.tallies import Tallies
from router.config.schema import Kind, UpstreamKind
from router.state import (
    DeviceMemory,
    DownloadState,
    DownloadStatus,
    ServerStatus,
    SlotState,
    SlotStatus,
    Snapshot,
    UpstreamState,
    UpstreamStatus,
)
from tests.engines.running import free_port
from tests.router.activity.records import record

DASHBOARD = Path(__file__).resolve().parents[3] / "packaging" / "grafana" / "hal0.json"
NASTY = 'two\nlines "and" \\ more'
READY = SlotStatus(
    "primary",
    Kind.CHAT,
    SlotState.READY,
    model=NASTY,
    loaded=(NASTY,),
    in_flight=2,
    queued=1,
    memory_by_device=(3, 4),
    tokens_per_second=41.5,
    evicting=("embed",),
)
SNAPSHOT = Snapshot(
    server=ServerStatus(version="9.8.7"),
    slots=(READY, SlotStatus("embed", Kind.EMBEDDING)),
    memory=(DeviceMemory("GPU", True, 100, 60, 3), DeviceMemory("GPU", True, 200, 70, 4)),
    upstreams=(UpstreamStatus("far", UpstreamKind.OPENAI, "http://far", UpstreamState.OK),),
    downloads=(DownloadStatus("a/b:Q4", DownloadState.RUNNING, speed=1000.0),),
)


@pytest.fixture
def text() -> bytes:
    """Of a hal0 that has seen everything there is."""
    tallies, switches = Tallies(), Switches()
    tallies.add(record(model=NASTY))
    tallies.add(record(status=404, code="model.not_found", outcome="refused", first_byte_s=None, model=""))
    tallies.add(record(upstream="far", slot="", model="llama", tokens_prompt=None))
    loading = SlotStatus("primary", Kind.CHAT, SlotState.LOADING, target=NASTY, loaded=("old",))
    switches.see(Snapshot(slots=(loading,)))
    switches.see(SNAPSHOT)
    return metrics_text(SNAPSHOT, tallies, switches, 5)


def series(text: bytes) -> dict[str, set[str]]:
    """The labels of every name."""
    found: dict[str, set[str]] = {}
    for line in text.decode().splitlines():
        if line.startswith("#"):
            continue
        name = re.match(r"\w+", line)
        assert name is not None, line
        found.setdefault(name[0], set()).update(re.findall(r'(\w+)="', line))
    return found


def test_prometheus_finds_nothing_to_complain_of(text: bytes) -> None:
    assert shutil.which("promtool"), "packaging/system_packages.py test installs it"
    told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
    assert told.returncode == 0 and told.stdout + told.stderr == b"", told


def test_what_is_counted_is_told(text: bytes) -> None:
    lines = text.decode().splitlines()
    escaped = 'two\\nlines \\"and\\" \\\\ more'
    chat = 'slot="primary"'
    assert (
        f'hal0_requests_total{{code="",model="{escaped}",outcome="answered",path="/v1/chat/completions",'
        f'{chat},status="200"}} 1.0' in lines
    )
    assert f'hal0_tokens_total{{model="{escaped}",{chat},type="completion"}} 30.0' in lines
    assert f'hal0_first_token_seconds_bucket{{le="0.25",model="{escaped}",{chat}}} 1.0' in lines
    assert f'hal0_request_seconds_count{{path="/v1/chat/completions",{chat}}} 2.0' in lines
    assert (
        'hal0_requests_total{code="",model="far/llama",outcome="answered",path="/v1/chat/completions",slot=""'
        in ("\n".join(lines))
    )
    for line in (
        f"hal0_in_flight{{{chat}}} 2.0",
        f"hal0_queued{{{chat}}} 1.0",
        f'hal0_slot_state{{{chat},state="ready"}} 1.0',
        f'hal0_slot_state{{{chat},state="failed"}} 0.0',
        'hal0_slot_memory_bytes{device="1",slot="primary"} 4.0',
        'hal0_memory_used_bytes{device="0",name="GPU"} 60.0',
        f'hal0_loads_total{{result="loaded",{chat}}} 1.0',
        f"hal0_switches_total{{{chat}}} 1.0",
        'hal0_evictions_total{slot="embed"} 1.0',
        'hal0_upstream_up{upstream="far"} 1.0',
        'hal0_downloads{state="running"} 1.0',
        "hal0_activity_lost_total 5.0",
        'hal0_build_info{version="9.8.7"} 1.0',
    ):
        assert line in lines, line
    assert "process_resident_memory_bytes" in series(text)


def test_the_dashboard_asks_for_what_there_is(text: bytes) -> None:
    known = series(text)
    expressions = [
        target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]
    ]
    shown: set[str] = set()
    for expression in expressions:
        names = re.findall(r"\b(?:hal0|process)_\w+", expression)
        assert names, expression
        shown.update(names)
        for name in names:
            assert name in known, f"{expression} asks for {name}"
            used = re.findall(r"(\w+)=~?\"", expression)
            for by in re.findall(r"by \(([\w, ]+)\)", expression):
                used += by.split(", ")
            assert set(used) <= known[name], f"{expression} asks for labels of {name} that it has not"
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known if name.startswith("hal0_")}
    untold = families - {re.sub(r"_bucket$", "", name) for name in shown}
    assert untold <= {"hal0_slot_state", "hal0_memory_used_by_slots_bytes", "hal0_downloads"} | {
        "hal0_download_bytes_per_second"
    }


@pytest.fixture
async def scraped(text: bytes, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a real Prometheus that reads `text` each second."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    jobs = [
        {
            "job_name": "hal0",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}],
        }
    ]
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    port = free_port()
    argv = [
        "prometheus",
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)  # noqa: ASYNC220 - forks and returns
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.wait, 30)
    await server.close()


async def ask(session: aiohttp.ClientSession, url: str, query: str) -> list[dict[str, Any]]:
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(f"{url}/api/v1/query?query={urllib.parse.quote(query)}") as answer:
            told = await answer.json()
            if told.get("status") == "success":
                return list(told["data"]["result"])
    return []


async def test_a_real_prometheus_reads_it_and_answers_the_dashboard(scraped: str) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while not (found := await ask(session, scraped, "hal0_build_info")):
            await asyncio.sleep(0.2)
        assert found[0]["metric"]["version"] == "9.8.7"
        (slot,) = await ask(session, scraped, "hal0_slot_model")
        assert slot["metric"]["model"] == NASTY
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", "1m").replace("$slot", ".*")
                query = urllib.parse.quote(expression)
                async with session.get(f"{scraped}/api/v1/query?query={query}") as answer:
                    assert answer.status == 200, (expression, await answer.text())
