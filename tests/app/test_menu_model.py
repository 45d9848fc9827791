from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.link.link import Attached
from app.texts import common as text
from app.views.menu import (
    HEADER_LIMIT,
    LINE_LIMIT,
    TOOLTIP_LIMIT,
    Action,
    Command,
    IconState,
    MenuSpec,
    Row,
    icon_state,
    menu_spec,
    order_of,
    tooltip,
)
from router.config.change import ConfigChange
from router.config.schema import Kind
from router.orders.kinds import EditConfig
from router.state import (
    DeviceMemory,
    ModelStatus,
    Progress,
    ServerState,
    ServerStatus,
    SlotError,
    SlotState,
    SlotStatus,
    Snapshot,
    UpdateStatus,
)
from tests.app import scenes
from tests.app.fake_service import GEMMA, LLAMA, QWEN, first_snapshot

NOW = 1_000.0
Shape = tuple[tuple[str, bool, bool, bool, "Shape"], ...]

names = st.text(min_size=1, max_size=60).filter(lambda name: bool(name.strip()))
ids = st.lists(names, max_size=5, unique=True)


def shape(rows: tuple[Row, ...]) -> Shape:
    """What a host sees come and go: keys, separators, radio rows, submenus."""
    return tuple((row.key, row.separator, row.radio, row.tick, shape(row.rows)) for row in rows)


@st.composite
def slots(draw: st.DrawFn, name: str, choices: tuple[str, ...]) -> SlotStatus:
    """A slot of that name in any state, sensible or not."""
    chosen = st.sampled_from(choices) if choices else st.none()
    state = draw(st.sampled_from(SlotState))
    fraction = draw(st.none() | st.floats(-1, 2))
    return SlotStatus(
        name,
        draw(st.sampled_from(Kind)),
        state,
        model=draw(st.none() | chosen),
        target=draw(st.none() | chosen),
        choices=choices,
        progress=draw(st.sampled_from([None, Progress(state, fraction, 900.0)])),
        in_flight=draw(st.integers(0, 20)),
        queued=draw(st.integers(0, 20)),
        context_length=draw(st.none() | st.integers(1, 1 << 20)),
        pid=draw(st.none() | st.integers(1, 99999)),
        memory=draw(st.none() | st.integers(0, 1 << 40)),
        last_error=draw(st.none() | names.map(lambda m: SlotError("x", m, None, 0.0))),
    )


@st.composite
def snapshots(draw: st.DrawFn, layout: dict[str, tuple[str, ...]]) -> Snapshot:
    """Any moment of a hal0 with these slots and choices."""
    known = {model for choices in layout.values() for model in choices}
    models = [
        ModelStatus(id_, draw(names), Kind.CHAT, size_bytes=draw(st.none() | st.integers(0, 1 << 42)))
        for id_ in known
        if draw(st.booleans())
    ]
    sizes = st.integers(0, 1 << 40)
    gpu = st.builds(DeviceMemory, names, st.booleans(), sizes, sizes, sizes)
    server = ServerStatus(draw(st.sampled_from(ServerState)), error=draw(st.none() | names))
    return Snapshot(
        server=server,
        slots=tuple(draw(slots(name, choices)) for name, choices in layout.items()),
        models=tuple(models),
        memory=tuple(draw(st.lists(gpu, max_size=3))),
    )


layouts = st.dictionaries(names, ids.map(tuple), max_size=12)
two_moments = layouts.flatmap(lambda layout: st.tuples(snapshots(layout), snapshots(layout)))


@given(two_moments)
def test_rows_never_come_or_go_while_slots_and_choices_stay(moments: tuple[Snapshot, Snapshot]) -> None:
    first, second = moments
    assert shape(menu_spec(first, NOW).rows) == shape(menu_spec(second, NOW + 60).rows)


@given(two_moments)
def test_every_text_fits_and_every_submenu_has_at_most_one_mark(moments: tuple[Snapshot, Snapshot]) -> None:
    for snapshot in moments:
        for row in walk(menu_spec(snapshot, NOW).rows):
            assert len(row.text) <= HEADER_LIMIT
            assert "\n" not in row.text
            assert sum(child.checked for child in row.rows) <= 1


@given(two_moments)
def test_tooltip_fits_windows(moments: tuple[Snapshot, Snapshot]) -> None:
    for snapshot in moments:
        assert text.utf16_length(tooltip(snapshot)) <= TOOLTIP_LIMIT


def walk(rows: tuple[Row, ...]) -> list[Row]:
    return [found for row in rows for found in (row, *walk(row.rows))]


def row(spec: MenuSpec, *keys: str) -> Row:
    rows, found = spec.rows, None
    for key in keys:
        found = next(r for r in rows if r.key == key)
        rows = found.rows
    assert found is not None
    return found


def with_primary(**changes: object) -> Snapshot:
    snapshot = first_snapshot()
    primary, *others = snapshot.slots
    return replace(snapshot, slots=(replace(primary, **changes), *others))  # type: ignore[arg-type]


def test_a_choice_loads_its_model_and_the_served_one_is_marked() -> None:
    spec = menu_spec(first_snapshot(), NOW)
    assert row(spec, "slot:primary", f"model:{GEMMA}").command == Command(Action.LOAD, "primary", GEMMA)
    assert row(spec, "slot:primary", f"model:{QWEN}").checked
    assert not row(spec, "slot:primary", f"model:{GEMMA}").checked


def test_a_model_that_cannot_be_launched_stands_there_disabled_with_the_reason() -> None:
    entry = row(menu_spec(first_snapshot(), NOW), "slot:primary", f"model:{LLAMA}")
    assert entry.text == "Llama-70B Q4 · the file llama-70b.gguf is missing"
    assert not entry.enabled


def test_a_switch_shows_its_goal_and_can_only_be_cancelled() -> None:
    progress = Progress(SlotState.LOADING, 0.45, NOW - 12)
    spec = menu_spec(with_primary(state=SlotState.LOADING, target=GEMMA, progress=progress), NOW)
    assert row(spec, "slot:primary").text == "primary · → Gemma-27B & vision · Loading 45%"
    assert row(spec, "slot:primary", "detail").text == "Switching for 12 s"
    assert row(spec, "slot:primary", f"model:{GEMMA}").checked
    enabled = {r.key for r in row(spec, "slot:primary").rows if r.enabled and r.command}
    assert {"cancel"} <= enabled
    assert not {"unload", "restart"} & enabled


def test_the_failure_of_a_slot_stands_in_its_submenu() -> None:
    error = SlotError("engine.failed", "llama-server stopped: the file is damaged.", QWEN, NOW)
    spec = menu_spec(with_primary(state=SlotState.FAILED, pid=None, last_error=error), NOW)
    assert row(spec, "slot:primary").text.endswith("Error")
    assert row(spec, "slot:primary", "detail").text == "llama-server stopped: the file is damaged."
    assert row(spec, "slot:primary", "restart").enabled


def test_a_choice_says_whether_it_fits_and_who_would_leave() -> None:
    texts = {r.key: r.text for r in row(menu_spec(scenes.planner(), scenes.NOW), "slot:coder").rows if r.radio}
    assert texts == {
        "model:qwen3-30b": "Qwen3-30B Q4_K_M   17.8 GB · fits",
        "model:gemma-27b": "Gemma-27B & vision   16.1 GB · unloads embed",
        "model:qwen-72b": "Qwen-72B Q4_K_M   needs 46 GiB, 23.1 GiB short",
    }


def test_while_room_is_made_the_menu_says_who_leaves() -> None:
    spec = menu_spec(scenes.making_room(), scenes.NOW)
    assert row(spec, "slot:coder", "detail").text == "Making room: unloading embed · Switching for 14 s"


def test_who_answers_from_elsewhere_is_named() -> None:
    spec = menu_spec(scenes.upstreams(), scenes.NOW)
    assert row(spec, "slot:cloud").text == "cloud · answered by openrouter/a"
    assert row(spec, "slot:primary").text == "primary · answered by openrouter · Ready"
    enabled = {r.command.action for r in row(spec, "slot:cloud").rows if r.enabled and r.command}
    assert not {Action.RESTART, Action.UNLOAD, Action.CANCEL, Action.LOAD} & enabled
    assert row(spec, "quit").text == "Quit hal0 (stops 1 model)"


def test_never_leaving_this_computer_can_be_ticked() -> None:
    off, on = (row(menu_spec(s, NOW), "local-only") for s in (scenes.upstreams(), scenes.local_only()))
    assert (off.tick, off.checked, off.command) == (True, False, Command(Action.LOCAL_ONLY, value="on"))
    assert (on.checked, on.command) == (True, Command(Action.LOCAL_ONLY))


def test_quit_and_unload_all_know_what_runs() -> None:
    assert row(menu_spec(first_snapshot(), NOW), "quit").text == "Quit hal0 (stops 1 model)"
    idle = menu_spec(with_primary(state=SlotState.UNLOADED, pid=None), NOW)
    assert row(idle, "quit").text == "Quit hal0"
    assert not row(idle, "unload-all").enabled


def test_twelve_slots_with_long_names_stay_readable() -> None:
    name = "a-very-long-slot-name-that-someone-thought-of-"
    model = ModelStatus("m", "Some-Vendor-Very-Long-Model-Name-235B-A22B-Instruct-2507-UD-Q4_K_XL", Kind.CHAT)
    slots = tuple(
        SlotStatus(f"{name}{n}", Kind.CHAT, SlotState.READY, model="m", choices=("m",)) for n in range(12)
    )
    snapshot = Snapshot(slots=slots, models=(model,))
    lines = [r.text for r in menu_spec(snapshot, NOW).rows if r.key.startswith("slot:")]
    assert len(lines) == 12
    assert max(map(len, lines)) <= 2 * LINE_LIMIT
    assert "Q4_K_XL" in lines[0]
    tip = tooltip(snapshot)
    assert text.utf16_length(tip) <= TOOLTIP_LIMIT
    assert " more" in tip


def test_tooltip_names_each_slot() -> None:
    assert tooltip(first_snapshot()) == (
        "hal0 · primary: Qwen3-30B Q4_K_M ready · embed: unloaded · VRAM 19.2/24 GiB used"
    )


def test_tooltip_names_the_model_that_loads() -> None:
    progress = Progress(SlotState.LOADING, 0.45, 0.0)
    loading = with_primary(state=SlotState.LOADING, target=GEMMA, progress=progress)
    assert "primary: Gemma-27B & vision loading 45%" in tooltip(loading)


def test_icon_says_the_most_urgent_thing() -> None:
    assert icon_state(first_snapshot()) is IconState.READY
    assert icon_state(with_primary(state=SlotState.UNLOADED)) is IconState.IDLE
    assert icon_state(with_primary(state=SlotState.FAILED)) is IconState.ERROR
    assert icon_state(with_primary(state=SlotState.WARMING)) is IconState.SWITCHING
    assert icon_state(with_primary(in_flight=1)) is IconState.BUSY
    assert icon_state(with_primary(state=SlotState.WARMING, in_flight=1)) is IconState.SWITCHING
    down = replace(with_primary(state=SlotState.WARMING), server=ServerStatus(ServerState.FAILED))
    assert icon_state(down) is IconState.ERROR


def test_what_is_newer_has_a_line_and_llama_server_can_be_installed_from_it() -> None:
    assert not any(row.key.startswith("update:") for row in menu_spec(scenes.ready(), NOW).rows)
    hal0 = UpdateStatus("hal0", "0.1.0", "0.2.0")
    found = replace(scenes.update(), updates=(*scenes.update().updates, hal0))
    engine, ours = (row for row in menu_spec(found, NOW).rows if row.key.startswith("update:"))
    assert (engine.text, engine.enabled) == ("Install llama-server b12345…", True)
    assert engine.command == Command(Action.UPDATE, value="llama-server")
    assert (ours.text, ours.enabled) == ("hal0 0.2.0 is available; you have 0.1.0.", False)


def test_the_first_chat_slot_can_be_tried_while_the_endpoint_runs() -> None:
    def row(snapshot: Snapshot) -> Row:
        return next(row for row in menu_spec(snapshot, NOW).rows if row.key == "try")

    running = row(scenes.ready())
    assert (running.text, running.enabled) == ("Try primary…", True)
    assert running.command == Command(Action.TRY, "primary")
    assert not row(replace(scenes.ready(), server=ServerStatus(ServerState.FAILED))).enabled
    only_embedding = replace(scenes.ready(), slots=(scenes.EMBED,))
    assert (row(only_embedding).text, row(only_embedding).enabled) == (text.TRY, False)


def test_a_taken_port_offers_the_next_one_in_the_menu() -> None:
    rows = {row.key: row for row in menu_spec(scenes.port_taken(), scenes.NOW).rows}
    assert rows["use-port"].text == "Use port 8081"
    command = rows["use-port"].command
    assert command is not None
    assert order_of(command) == EditConfig((ConfigChange(("server", "port"), 8081),))
    assert "Loaded" in rows["slot:primary"].text and "Ready" not in rows["slot:primary"].text
    elsewhere = menu_spec(scenes.port_taken(), scenes.NOW, Attached("http://127.0.0.1:8080", 1, True))
    assert "use-port" not in {row.key for row in elsewhere.rows}, "another process's hal0.yaml"
