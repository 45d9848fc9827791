from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.texts import common as text
from router.config.schema import Kind
from router.config.sizes import file_size, memory_size
from router.state import (
    DeviceMemory,
    ModelStatus,
    Progress,
    ServerState,
    ServerStatus,
    SlotError,
    SlotState,
    SlotStatus,
)
from tests.app.fake_service import GB, GEMMA, first_snapshot

SLOT = SlotStatus("coder", Kind.CHAT, choices=(GEMMA,))


@pytest.mark.parametrize(
    ("count", "file", "memory"),
    [
        (0, "0 B", "0 MiB"),
        (170_000, "170 KB", "166 KiB"),
        (1_500_000, "1.5 MB", "1.4 MiB"),
        (999_960, "1 MB", "977 KiB"),
        (512 << 20, "537 MB", "512 MiB"),
        (1 << 30, "1.1 GB", "1 GiB"),
        (int(17.84 * GB), "19.2 GB", "17.8 GiB"),
        (2_500_000_000_000, "2.5 TB", "2328.3 GiB"),
        (-5, "0 B", "0 MiB"),
    ],
)
def test_files_count_in_powers_of_ten_and_memory_in_gib(count: int, file: str, memory: str) -> None:
    """Rows 30 and 49: one rule everywhere."""
    assert (file_size(count), memory_size(count)) == (file, memory)


@pytest.mark.parametrize(
    ("tokens", "words"), [(32768, "32k"), (4096, "4k"), (131072, "128k"), (40000, "40,000"), (512, "512")]
)
def test_context(tokens: int, words: str) -> None:
    assert text.context(tokens) == words


def test_memory_of_one_gpu_names_what_other_programs_take() -> None:
    assert text.memory(first_snapshot().memory) == "VRAM 19.2/24 GiB used · other apps 3.1 GiB"


def test_memory_of_several_gpus_is_added_up() -> None:
    gpu = DeviceMemory("A", True, 24 * GB, 10 * GB, 10 * GB)
    assert text.memory((gpu, gpu)) == "VRAM 20/48 GiB used on 2 GPUs"


def test_memory_without_a_gpu_is_ram_and_says_so() -> None:
    assert (
        text.memory([DeviceMemory("RAM", False, 23 * GB, int(5.1 * GB))])
        == "RAM 5.1/23 GiB used (no GPU found)"
    )
    assert text.memory([]) == "Memory: not measured yet"


def test_header_shows_the_error_in_place_of_the_endpoint() -> None:
    assert text.header(ServerStatus(ServerState.RUNNING)) == "hal0 · 127.0.0.1:8080 · Running"
    failed = ServerStatus(ServerState.FAILED, error="Port 8080 is in use; stop the other program.")
    assert text.header(failed) == "hal0 · Port 8080 is in use; stop the other program."


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        (SLOT, "Unloaded"),
        (replace(SLOT, state=SlotState.READY), "Ready"),
        (replace(SLOT, state=SlotState.READY, in_flight=2), "Busy (2)"),
        (replace(SLOT, state=SlotState.QUEUED, queued=3), "Queued (3)"),
        (replace(SLOT, state=SlotState.DRAINING, in_flight=1), "Draining (1)"),
        (replace(SLOT, state=SlotState.LOADING, progress=Progress(SlotState.LOADING, 0.45, 0)), "Loading 45%"),
        (replace(SLOT, state=SlotState.LOADING, progress=Progress(SlotState.LOADING, None, 0)), "Loading"),
        (replace(SLOT, state=SlotState.FAILED), "Error"),
    ],
)
def test_state_chip(slot: SlotStatus, words: str) -> None:
    assert text.state(slot) == words


def test_slot_detail_prefers_the_engine_s_own_sentence_once_it_failed() -> None:
    error = SlotError("engine.failed", "The file is damaged.", GEMMA, 0)
    failed = replace(SLOT, state=SlotState.FAILED, last_error=error)
    assert text.slot_detail(failed, 0) == "The file is damaged."
    retrying = replace(failed, state=SlotState.LOADING, progress=Progress(SlotState.LOADING, None, 100))
    assert text.slot_detail(retrying, 112) == "Switching for 12 s"


def test_slot_without_choices_says_how_to_get_some() -> None:
    assert "Models tab" in text.slot_detail(replace(SLOT, choices=()), 0)


def test_quit_entry_counts_in_words() -> None:
    assert [text.quit_entry(n) for n in (0, 1, 2)] == [
        "Quit hal0",
        "Quit hal0 (stops 1 model)",
        "Quit hal0 (stops 2 models)",
    ]


@given(st.text(max_size=80), st.integers(4, 60))
def test_elided_text_fits_and_keeps_both_ends_of_a_name(name: str, limit: int) -> None:
    assert len(text.elide(name, limit)) <= limit
    assert len(text.elide_middle(name, limit)) <= limit
    assert text.elide_middle("Qwen3-Coder-30B-A3B-Instruct-Q4_K_M", 20) == "Qwen3-Code…ct-Q4_K_M"


def as_qt_sends(label: str) -> str:
    """Qt's QDBusMenuItem::convertMnemonic: the first `&` that does not end the text becomes `_`."""
    first = label.find("&")
    return label if first < 0 or first == len(label) - 1 else f"{label[:first]}_{label[first + 1 :]}"


def as_host_shows(label: str) -> str:
    """dbusmenu: `__` is one `_`, a single `_` marks the next character and is not shown."""
    return label.replace("__", "\0").replace("_", "").replace("\0", "_")


@given(st.text(alphabet="ab &_", max_size=20))
def test_status_notifier_host_shows_every_character(label: str) -> None:
    shown = as_host_shows(as_qt_sends(text.status_notifier_label(label)))
    assert shown == label


@given(st.text(alphabet="ab &_", max_size=20))
def test_qt_menu_shows_every_character(label: str) -> None:
    assert text.qt_label(label).replace("&&", "\0").replace("&", "").replace("\0", "&") == label


@pytest.mark.parametrize(
    ("problem", "file", "told"),
    [
        (
            "/home/me/my models/a/b.gguf is truncated: it ended at byte 7. Download it again.",
            "/home/me/my models/a/b.gguf",
            "truncated: it ended at byte 7. Download it again.",
        ),
        ("/data/x/y.gguf cannot be read: denied.", "/data/x/y.gguf", "cannot be read: denied."),
        (
            "The file a.gguf was not found; looked for /home/me/a.gguf.",
            None,
            "The file a.gguf was not found; looked for a.gguf.",
        ),
        (r"C:\Users\me\models\a.gguf is damaged: no.", None, "a.gguf is damaged: no."),
        ("see http://127.0.0.1:8080/v1/models for more", None, "see http://127.0.0.1:8080/v1/models for more"),
        ("17.8/24 GB and/or more", None, "17.8/24 GB and/or more"),
        ("~/models/deep/a.gguf is gone", None, "a.gguf is gone"),
    ],
)
def test_a_reason_comes_before_its_path(problem: str, file: str | None, told: str) -> None:
    """Row 44."""
    assert text.reason(problem, file) == told


def test_an_entry_that_cannot_be_chosen_is_short_and_says_why() -> None:
    """Row 44."""
    path = (
        "/home/somebody/.cache/huggingface/hub/models--org--name/snapshots/0123456789abcdef/Model-Q4_K_M.gguf"
    )
    model = ModelStatus("m", "Model-With-A-Long-Name-Instruct-Q4_K_M", Kind.CHAT, file=path)
    broken = replace(
        model, problem=f"{path} is truncated: its tensors need 123 bytes, it has 12. Download it again."
    )
    entry = text.choice(broken, "m", 34)
    assert len(entry) <= 64 and "· truncated: its tensors" in entry and "/" not in entry


def test_what_is_wrong_with_a_model_stands_in_its_row() -> None:
    problem = 'Model "bad" cannot start: this llama-server has no flag --ngll; did you mean --n-gpu-layers?'
    model = ModelStatus("bad", "Bad", Kind.CHAT, problem=problem)
    assert text.choice(model, "bad", 34) == "Bad · this llama-server has no flag --ngll; did you mean --n-gp…"


def test_of_several_gpus_each_is_told_where_there_is_room_for_that() -> None:
    first, second = (
        DeviceMemory("A", True, 24 * GB, 20 * GB, 20 * GB),
        DeviceMemory("A", True, 16 * GB, GB // 2, GB // 2),
    )
    line = "VRAM 20.5/40 GiB used on 2 GPUs · GPU 0 20/24 · GPU 1 512 MiB/16"
    assert text.memory_each((first, second), 90) == line
    assert text.memory_each((first, second), 40) == text.memory((first, second))
    assert text.memory_each((first,), 90) == text.memory((first,))


def test_which_gpus_a_slot_holds_memory_of_is_told_where_there_are_several() -> None:
    def told(*held: int) -> str:
        slot = replace(SLOT, state=SlotState.READY, model=GEMMA, loaded=(GEMMA,), memory=9 * GB)
        return text.slot_detail(replace(slot, memory_by_device=held), 0.0)

    assert told(9 * GB) == "uses 9 GiB"
    assert told(0, 9 * GB) == "uses 9 GiB of GPU 1"
    assert told(4 * GB, 5 * GB) == "uses 9 GiB of GPU 0 + 1"
