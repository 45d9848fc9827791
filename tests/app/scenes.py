"""Moments of a hal0 worth a picture or a test: snapshots by name, from empty to crowded."""

from __future__ import annotations

import math
from dataclasses import replace

from app.views.slot_history import SPAN, STEP, SlotHistory
from router.activity.listing import Listing
from router.activity.record import Record
from router.base.paths import STARTER
from router.config.schema import Kind, UpstreamKind
from router.state import (
    DeviceMemory,
    DownloadState,
    DownloadStatus,
    ModelStatus,
    Progress,
    ServerState,
    ServerStatus,
    SlotError,
    SlotState,
    SlotStatus,
    Snapshot,
    UpdateStatus,
    UpstreamState,
    UpstreamStatus,
)
from router.wire.hub_offer import Offer, OfferedFit, OfferedModel

NOW = 1_000_000.0
"""The Unix time at which these moments are."""

GB = 1 << 30  # of memory
FILE_GB = 10**9
BIGPC = "http://10.0.4.11:8080"
RUNNING = ServerStatus(ServerState.RUNNING, version="0.1.0")


def model(id_: str, name: str, gigabytes: float, context: int = 32768, kind: Kind = Kind.CHAT) -> ModelStatus:
    return ModelStatus(
        id_,
        name,
        kind,
        size_bytes=int(gigabytes * FILE_GB),
        context_length=context,
        context_trained=131072,
        quantisation="Q4_K_M",
        file=f"/models/{id_}.gguf",
    )


QWEN = model("qwen3-30b", "Qwen3-30B Q4_K_M", 17.8)
GEMMA = replace(model("gemma-27b", "Gemma-27B & vision", 16.1, 8192), fetched="google/gemma-27b-GGUF:Q4_K_M")
LLAMA = replace(model("llama-70b", "Llama-70B Q4", 41.0), problem="the file llama-70b.gguf is missing")
BGE = model("bge-m3", "BGE-M3", 0.6, 8192, Kind.EMBEDDING)
LONG_NAME = "Some-Vendor-Very-Long-Model-Name-235B-A22B-Instruct-2507-Thinking-UD-Q4_K_XL"
LONG = model("long", LONG_NAME, 132.4, 262144)
MODELS = (QWEN, GEMMA, LLAMA, BGE)
CHOICES = (QWEN.id, GEMMA.id, LLAMA.id)

PRIMARY = SlotStatus(
    "primary",
    Kind.CHAT,
    SlotState.READY,
    model=QWEN.id,
    loaded=(QWEN.id,),
    choices=CHOICES,
    context_length=32768,
    pid=4711,
    port=8101,
    memory=int(9.8 * GB),
    memory_by_device=(int(9.8 * GB),),
    idle_since=NOW - 245,
    tokens_per_second=42.3,
)
CODER = replace(
    PRIMARY,
    name="coder",
    model=GEMMA.id,
    loaded=(GEMMA.id,),
    context_length=8192,
    pid=4712,
    memory=int(6.3 * GB),
    memory_by_device=(int(6.3 * GB),),
    in_flight=2,
    queued=1,
    idle_since=None,
    tokens_per_second=8.4,
)
EMBED = SlotStatus("embed", Kind.EMBEDDING, choices=(BGE.id,), model=BGE.id)
GPU = DeviceMemory("NVIDIA GeForce RTX 3090", True, 24 * GB, int(19.2 * GB), int(16.1 * GB))
RAM = DeviceMemory("RAM", False, 32 * GB, int(9.4 * GB), int(1.1 * GB))


def _with(*slots: SlotStatus, memory: tuple[DeviceMemory, ...] = (GPU,)) -> Snapshot:
    placed = tuple(s if sum(s.memory_by_device) == s.memory else on(s, s.memory or 0) for s in slots)
    return Snapshot(server=RUNNING, slots=placed, models=MODELS, memory=memory)


def on(slot: SlotStatus, *held: int) -> SlotStatus:
    """`slot` with an engine that holds that much of each device."""
    return replace(slot, memory=sum(held) or None, memory_by_device=held if sum(held) else ())


def _switching(slot: SlotStatus, state: SlotState, fraction: float | None = None) -> SlotStatus:
    progress = Progress(state, fraction, NOW - 14)
    return replace(
        slot, state=state, target=GEMMA.id, progress=progress, in_flight=0, idle_since=None, memory=None
    )


def empty() -> Snapshot:
    """No slot, no model, nothing measured: hal0 has just started."""
    return Snapshot()


def ready() -> Snapshot:
    return _with(PRIMARY, CODER, EMBED)


def switching() -> Snapshot:
    """`coder` loads and is at 45 %."""
    memory = replace(GPU, used=int(16.0 * GB), used_by_slots=int(12.9 * GB))
    loading = replace(_switching(CODER, SlotState.LOADING, 0.45), memory=int(3.1 * GB))
    return _with(PRIMARY, loading, EMBED, memory=(memory,))


def phases() -> Snapshot:
    """Every phase of a switch at once."""
    states = (
        (SlotState.QUEUED, None),
        (SlotState.DRAINING, None),
        (SlotState.STOPPING, None),
        (SlotState.STARTING, None),
        (SlotState.LOADING, None),
        (SlotState.WARMING, None),
    )
    slots = [
        replace(_switching(CODER, state, share), name=state.value, queued=3 if state is SlotState.QUEUED else 0)
        for state, share in states
    ]
    return _with(*slots, memory=(replace(GPU, used=int(3.1 * GB), used_by_slots=0),))


def failed() -> Snapshot:
    message = (
        "llama-server stopped while it loaded Gemma-27B: “unable to allocate CUDA0 buffer of 16,123 MiB”; "
        "choose a smaller model or a shorter context."
    )
    error = SlotError("engine.failed", message, GEMMA.id, NOW - 3)
    down = replace(PRIMARY, state=SlotState.FAILED, loaded=(), pid=None, memory=None, last_error=error)
    back = replace(PRIMARY, name="coder", last_error=error)
    return _with(down, back, EMBED, memory=(replace(GPU, used=int(12.9 * GB), used_by_slots=int(9.8 * GB)),))


def port_taken() -> Snapshot:
    error = "Port 8080 is in use by another program; stop it, or set server.port in hal0.yaml."
    return replace(ready(), server=ServerStatus(ServerState.FAILED, error=error, free_port=8081))


def lan() -> Snapshot:
    return replace(ready(), server=replace(RUNNING, host="0.0.0.0"))


def no_gpu() -> Snapshot:
    slot = replace(PRIMARY, memory=int(1.1 * GB), tokens_per_second=6.2)
    return _with(slot, EMBED, memory=(RAM,))


def two_gpus() -> Snapshot:
    primary = on(PRIMARY, int(15.6 * GB), int(7.2 * GB))
    coder = on(CODER, int(4.4 * GB), int(1.6 * GB))
    ours = [sum(pair) for pair in zip(primary.memory_by_device, coder.memory_by_device, strict=True)]
    first = replace(GPU, used=int(22.1 * GB), used_by_slots=ours[0])
    second = DeviceMemory("NVIDIA RTX A4000", True, 16 * GB, int(9.0 * GB), ours[1])
    return _with(primary, coder, EMBED, memory=(first, second))


def windows() -> Snapshot:
    """The driver tells who runs on the GPU, and not what they hold."""
    found = ready()
    slots = tuple(replace(slot, memory_estimated=slot.memory is not None) for slot in found.slots)
    return replace(found, slots=slots, memory=(replace(GPU, estimated=True),))


def twelve_slots() -> Snapshot:
    states = (SlotState.READY, SlotState.UNLOADED, SlotState.READY)
    slots = [
        replace(
            PRIMARY,
            name=f"slot-{number + 1}",
            state=states[number % 3],
            memory=int(1.1 * GB) if states[number % 3] is SlotState.READY else None,
            idle_since=NOW - 60 * number,
        )
        for number in range(12)
    ]
    memory = replace(GPU, used=int(11.9 * GB), used_by_slots=int(8.8 * GB))
    return _with(*slots, memory=(memory,))


def long_names() -> Snapshot:
    slot = replace(
        PRIMARY,
        name="a-very-long-slot-name-that-someone-thought-of-for-the-coding-agent",
        model=LONG.id,
        choices=(LONG.id, QWEN.id),
        context_length=262144,
    )
    gpu = replace(GPU, name="NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition with a very long name")
    return replace(_with(slot, memory=(gpu,)), models=(LONG, QWEN))


def first_start() -> Snapshot:
    """A computer with a GPU and models, and nothing loaded yet."""
    primary = replace(EMBED, name="primary", kind=Kind.CHAT, choices=CHOICES, model=QWEN.id)
    return _with(primary, memory=(replace(GPU, used=int(1.2 * GB), used_by_slots=0),))


def first_start_bare() -> Snapshot:
    """A computer without a GPU and without models: the built-in demo stands in."""
    demo = ModelStatus("hal0-demo", "hal0 demo", Kind.CHAT, size_bytes=1 << 20, context_length=2048)
    primary = SlotStatus("primary", Kind.CHAT, choices=(demo.id,), model=demo.id)
    return Snapshot(server=RUNNING, slots=(primary,), models=(demo,), memory=(replace(RAM, used_by_slots=0),))


def starter_coming() -> Snapshot:
    """The same, with the starter on its way."""
    coming = DownloadStatus(
        STARTER,
        DownloadState.RUNNING,
        step="downloading",
        done_bytes=31_000_000,
        total_bytes=92_871_040,
        speed=6e6,
        seconds_left=10.0,
        slot="primary",
    )
    return replace(first_start_bare(), downloads=(coming,))


def starter_ready() -> Snapshot:
    """The same, come and loaded."""
    model = ModelStatus(STARTER, "SmolLM2 135M (starter)", Kind.CHAT, size_bytes=98_362_432)
    slot = SlotStatus(
        "primary",
        Kind.CHAT,
        SlotState.READY,
        choices=(STARTER,),
        model=STARTER,
        loaded=(STARTER,),
    )
    come = DownloadStatus(STARTER, DownloadState.DONE, slot="primary", model=STARTER)
    return replace(first_start_bare(), models=(model,), slots=(slot,), downloads=(come,))


def starter_failed() -> Snapshot:
    """The same, without a network."""
    why = (
        "https://files.pythonhosted.org could not be reached (its name was not found: this computer seems to "
        "be offline); check the network."
    )
    failed = DownloadStatus(STARTER, DownloadState.FAILED, error=why, slot="primary")
    return replace(first_start_bare(), downloads=(failed,))


NEEDS = {QWEN.id: 10.4, GEMMA.id: 11.9, BGE.id: 0.9, LONG.id: 134.0}


def planned(model_: ModelStatus) -> ModelStatus:
    """With the forecast that the engine gave."""
    needs = int(NEEDS.get(model_.id, 0) * GB)
    known = {"needs": needs, "needs_by_device": (needs,), "needs_source": "engine"} if needs else {}
    return replace(model_, **known)  # type: ignore[arg-type]


def planner() -> Snapshot:
    """11 GiB free: one choice makes another slot leave, one is too big, one has a context that hal0 chose."""
    big = replace(QWEN, id="qwen-72b", display_name="Qwen-72B Q4_K_M", size_bytes=44 * GB)
    big = replace(big, needs=46 * GB, needs_by_device=(46 * GB,), needs_source="engine")
    auto = replace(planned(GEMMA), context_auto=True, context_length=65536, context_trained=262144)
    models = (planned(QWEN), auto, big, planned(BGE))
    choices = (QWEN.id, GEMMA.id, big.id)
    primary = on(replace(PRIMARY, choices=choices), int(10.4 * GB))
    empty_slot = replace(EMBED, name="coder", kind=Kind.CHAT, choices=choices, model=None)
    embed = on(
        replace(EMBED, state=SlotState.READY, loaded=(BGE.id,), pid=4713, idle_since=NOW - 900), int(2.1 * GB)
    )
    gpu = replace(GPU, used=int(13.1 * GB), used_by_slots=int(12.5 * GB))
    return replace(_with(primary, empty_slot, embed, memory=(gpu,)), models=models)


def making_room() -> Snapshot:
    """`coder` waits until `embed` has left."""
    found = planner()
    coder = replace(_switching(found.slots[1], SlotState.QUEUED), evicting=("embed",))
    return replace(found, slots=(found.slots[0], coder, found.slots[2]))


def overlap() -> Snapshot:
    """`primary` answers with one model while the next one loads beside it."""
    found = planner()
    primary = replace(_switching(found.slots[0], SlotState.LOADING, 0.3), memory=int(10.4 * GB))
    return replace(found, slots=(primary, *found.slots[1:]))


def no_room() -> Snapshot:
    """A load that was refused, with what would help."""
    message = (
        'Model "gemma-27b" does not fit: it needs 18.2 GiB of NVIDIA GeForce RTX 3090; 6.1 GiB is free, '
        "primary would give back 4 GiB, embed is in use or pinned and keeps 2.1 GiB, 512 MiB is kept free: "
        "8.6 GiB short; it would fit with ctx-size 32768, or with an 8-bit KV cache (cache-type-k/v q8_0)."
    )
    error = SlotError("memory.insufficient", message, GEMMA.id, NOW - 2, ("ctx-size=32768",))
    found = planner()
    return replace(found, slots=(replace(found.slots[0], last_error=error), *found.slots[1:]))


def upstreams() -> Snapshot:
    """Of the servers elsewhere one answers, one is down; one slot is the first's, another fell back to it."""
    remote = UpstreamStatus(
        "openrouter", UpstreamKind.OPENAI, "https://openrouter.ai/api/v1", UpstreamState.OK, ("a", "b", "c")
    )
    reason = "Upstream “studio” does not answer at http://10.0.0.7:8080/v1: connection refused; start it there."
    down = UpstreamStatus(
        "studio", UpstreamKind.OPENAI, "http://10.0.0.7:8080/v1", UpstreamState.DOWN, error=reason
    )
    unasked = UpstreamStatus("spare", UpstreamKind.OPENAI, "http://spare.local:8080/v1")
    cloud = SlotStatus(
        "cloud",
        Kind.CHAT,
        SlotState.READY,
        model="openrouter/a",
        upstream="openrouter/a",
        context_length=131072,
    )
    fell_back = replace(PRIMARY, served_by="openrouter", fallback=("openrouter",))
    return replace(_with(fell_back, cloud), upstreams=(remote, down, unasked))


def local_only() -> Snapshot:
    return replace(upstreams(), local_only=True)


def remote() -> Snapshot:
    """Another computer's hal0 with two slots, one of which loads."""
    memory = replace(GPU, name="NVIDIA RTX A6000", total=48 * GB, used=30 * GB, used_by_slots=26 * GB)
    loading = replace(_switching(CODER, SlotState.LOADING, 0.45), memory=int(3.1 * GB))
    there = _with(PRIMARY, loading, memory=(memory,))
    models = tuple(model.id for model in there.models)
    bigpc = UpstreamStatus("bigpc", UpstreamKind.HAL0, BIGPC, UpstreamState.OK, models, remote=there)
    return replace(ready(), upstreams=(bigpc,))


def remote_lost() -> Snapshot:
    """As `remote`, with the cable pulled."""
    error = "No route to host; see that the computer is on and the network is up."
    bigpc = UpstreamStatus("bigpc", UpstreamKind.HAL0, BIGPC, UpstreamState.DOWN, error=error)
    return replace(ready(), upstreams=(bigpc,))


def attached_lost() -> Snapshot:
    """What is known of `hal0 serve` when it no longer answers: nothing but that."""
    error = "Lost contact with hal0 at http://127.0.0.1:8080 (Connection refused); retrying."
    return Snapshot(server=replace(RUNNING, state=ServerState.FAILED, error=error))


REPO = "bartowski/Qwen3-30B-A3B-Instruct-2507-GGUF"


def downloading() -> Snapshot:
    """One model comes, one waits, one is paused, one was refused, one is here."""
    states = DownloadState
    found = (
        DownloadStatus(
            f"{REPO}:Q4_K_M",
            states.RUNNING,
            "downloading",
            "Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf",
            int(7.1 * FILE_GB),
            int(17.3 * FILE_GB),
            45e6,
            232.0,
        ),
        DownloadStatus(
            f"{REPO}:Q8_0", states.PAUSED, done_bytes=int(1.2 * FILE_GB), total_bytes=int(30.2 * FILE_GB)
        ),
        DownloadStatus(
            "google/gemma-3-27b-it-qat-q4_0-gguf:Q4_0",
            states.FAILED,
            total_bytes=int(16.1 * FILE_GB),
            error="google/gemma-3-27b-it-qat-q4_0-gguf is gated: accept its terms at "
            "https://huggingface.co/google/gemma-3-27b-it-qat-q4_0-gguf in your browser, then run "
            "`hf auth login` or set HF_TOKEN, and try again.",
        ),
        DownloadStatus("unsloth/gpt-oss-20b-GGUF:F16", states.QUEUED, total_bytes=int(12.8 * FILE_GB)),
        DownloadStatus("ggml-org/bge-m3-Q8_0-GGUF:Q8_0", states.DONE, "", "", FILE_GB, FILE_GB),
    )
    return replace(ready(), downloads=found)


def one_download() -> Snapshot:
    found = downloading()
    return replace(found, downloads=found.downloads[:1])


def update() -> Snapshot:
    """A newer llama-server is there to be had."""
    return replace(ready(), updates=(UpdateStatus("llama-server", "0.7.0 (build 11669)", "b12345"),))


def _offered(
    quant: str, gigabytes: float, needs: float, fits: str, context: int, done: float = 0
) -> OfferedModel:
    margin = abs(24 - 1.2 - needs)
    room = OfferedFit(int(needs * GB), context, 262144, int(22.8 * GB), 24 * GB, True, fits, int(margin * GB))
    return OfferedModel(
        f"{REPO}:{quant}", quant, 1, int(gigabytes * FILE_GB), False, int(done * FILE_GB), None, room
    )


def offer() -> Offer:
    """A repository on Hugging Face: small ones fit, one barely, the big ones do not; of one a part came."""
    models = (
        OfferedModel(
            f"{REPO}:IQ2_M", "IQ2_M", 1, int(9.5 * FILE_GB), here="/home/me/.local/share/hal0/models/q.gguf"
        ),
        _offered("Q3_K_M", 13.7, 20.9, "fits", 131072),
        _offered("Q4_K_M", 17.3, 22.1, "fits", 65536),
        _offered("Q5_K_M", 20.2, 22.7, "tight", 4096),
        _offered("Q8_0", 30.2, 31.4, "short", 4096, 1.2),
        _offered("BF16", 56.9, 58.0, "short", 4096),
    )
    return Offer(REPO, models, f"{REPO}:Q4_K_M", "/home/me/.local/share/hal0/models", int(48.3 * FILE_GB))


LOG_LINES = [
    "2026-11-20 11:29:11,001 INFO router.service: hal0 0.1.0 answers at http://127.0.0.1:8080/v1",
    "2026-11-20 11:29:12,040 INFO router.slots.supervisor: primary: loading qwen3-30b",
    "0.00.100.236 I srv    load_model: loading model '/models/qwen3-30b.gguf'",
    "0.00.312.001 I load_tensors: offloaded 49/49 layers to GPU",
    "0.00.312.040 D srv    request: Authorization: Bearer hf_abcdefghijklmnopqrst",
    "0.07.901.512 I srv    update_slots: all slots are idle",
]


def demo_and_more() -> Snapshot:
    """The demo answers, and the person's first own model has just appeared."""
    gone = "no longer in hal0.yaml or a model folder"
    demo = replace(model("hal0-demo", "hal0-demo", 0.01), problem=gone)
    slot = replace(PRIMARY, model=demo.id, loaded=(demo.id,), choices=(QWEN.id, LLAMA.id))
    return replace(_with(on(slot, int(0.1 * GB))), models=(QWEN, LLAMA, demo))


def damaged() -> Snapshot:
    """A truncated and a junk file with long names in deep folders, and a slot whose load failed."""
    folder = (
        "/home/somebody/.cache/huggingface/hub/models--some-vendor--some-model-GGUF/snapshots/0123456789abcdef"
    )
    broken = []
    for name, why in (
        ("cut", "is truncated: its tensors need 4,683,071,488 bytes, it has 1,048,576"),
        ("junk", "is no GGUF file: it begins with b'junk'"),
    ):
        file = f"{folder}/{LONG_NAME}-{name}.gguf"
        told = f"{file} {why}. Download it again."
        broken.append(replace(model(name, f"{LONG_NAME}-{name}", 4.4), file=file, problem=told))
    error = SlotError("model.invalid", broken[0].problem or "", "cut", NOW - 3)
    down = replace(
        PRIMARY,
        name="a-slot-with-a-rather-long-name",
        state=SlotState.FAILED,
        model="cut",
        loaded=(),
        pid=None,
        memory=None,
        choices=("cut", "junk", QWEN.id),
        last_error=error,
    )
    short = SlotError(
        "memory.insufficient",
        f'Model "{LONG_NAME}" does not fit: it needs 41.2 GB of GPU; 4.8 GB is free, 0.5 GB is kept free: '
        "36.9 GB short.",
        QWEN.id,
        NOW,
        ("cache-type-k=q8_0", "cache-type-v=q8_0"),
    )
    full = replace(PRIMARY, name="coder", state=SlotState.FAILED, last_error=short, model=BGE.id)
    ready = replace(PRIMARY, name="other", choices=("cut", QWEN.id))
    shown = _with(down, full, ready)
    return replace(shown, models=(*broken, *MODELS))


_ANSWERED = Record(
    id=1,
    at=NOW - 60,
    request="req_0f3a9c",
    client="127.0.0.1",
    agent="OpenAI/Python 2.8.1",
    key="",
    path="/v1/chat/completions",
    dialect="openai",
    asked="primary",
    resolution_path="slot",
    slot="primary",
    upstream="",
    model=QWEN.id,
    stream=1,
    status=200,
    outcome="answered",
    code="",
    error="",
    read_s=0.0006,
    decided_s=0.0009,
    waited_s=0.0003,
    first_byte_s=0.412,
    total_s=6.31,
    switch="",
    switched_from="",
    tokens_prompt=1834,
    tokens_cached=1790,
    tokens_completion=248,
    tokens_per_second=42.3,
    bytes_in=7411,
    bytes_out=91344,
)


def activity() -> Listing:
    """Every outcome a few times; the newest waited for a load that was refused."""
    refused = _ANSWERED._replace(
        status=507,
        outcome="refused",
        code="memory.insufficient",
        error='Model "gemma-27b" does not fit: it needs 18.2 GiB of NVIDIA GeForce RTX 3090; 6.1 GiB is free.',
        asked=GEMMA.id,
        model="",
        waited_s=None,
        first_byte_s=0.0021,
        total_s=0.0022,
        tokens_prompt=None,
        tokens_cached=None,
        tokens_completion=None,
        tokens_per_second=None,
    )
    switched = _ANSWERED._replace(
        slot="coder", asked=GEMMA.id, model=GEMMA.id, switch="caused", switched_from=QWEN.id, waited_s=11.7,
        first_byte_s=12.2, total_s=15.9, tokens_per_second=8.4, key="phone", client="10.0.4.20",
    )  # fmt: skip
    left = _ANSWERED._replace(outcome="left", agent="Mozilla/5.0 (X11; Linux x86_64)", total_s=2.4)
    embedded = _ANSWERED._replace(
        slot="embed", asked="embed", model=BGE.id, path="/v1/embeddings", stream=0, first_byte_s=0.0312,
        total_s=0.0313, tokens_completion=None, tokens_per_second=None, client="10.0.4.21", agent="",
    )  # fmt: skip
    kinds = (refused, switched, _ANSWERED, left, embedded)
    records = [kinds[n % 5]._replace(id=100 - n, at=NOW - 7 - 23.0 * n) for n in range(40)]
    return Listing(tuple(records), records[-1].id, 10_000, 412)


def past_hour() -> SlotHistory:
    """An hour of answers at changing speed; `coder` was loaded in the middle of it."""
    history = SlotHistory()
    for step in range(int(SPAN / STEP)):
        loaded = step > 60
        primary = replace(PRIMARY, tokens_per_second=38 + 6 * math.sin(step / 7) if step % 40 < 25 else 40.0)
        coder = CODER if loaded else replace(EMBED, name="coder")
        busy = replace(coder, tokens_per_second=8 + math.cos(step) if loaded else None)
        history.note(_with(primary, busy), NOW - SPAN + step * STEP)
    return history
