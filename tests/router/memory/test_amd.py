"""A copy of the files that Linux' amdgpu driver writes, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.memory.measure.amd import AmdSource

MIB = 1 << 20
GIB = 1 << 30
FIRST, SECOND = "0000:03:00.0", "0000:0b:00.0"


def add_card(root: Path, number: int, address: str, total: int = 24 * GIB, **files: object) -> Path:
    device = root / "sys/devices/pci0000:00" / address
    device.mkdir(parents=True)
    facts = {"mem_info_vram_total": total, "mem_info_vram_used": 3 * GIB, "gpu_busy_percent": 12} | files
    for name, content in facts.items():
        (device / name).write_text(f"{content}\n")
    card = root / f"sys/class/drm/card{number}"
    card.mkdir(parents=True)
    (card / "device").symlink_to(device)
    (root / f"sys/class/drm/card{number}-DP-1").mkdir()
    return device


def add_descriptor(root: Path, pid: int, number: int, address: str, client: int, *lines: str) -> None:
    folder = root / f"proc/{pid}/fdinfo"
    folder.mkdir(parents=True, exist_ok=True)
    head = ["pos:\t0", "drm-driver:\tamdgpu", f"drm-client-id:\t{client}", f"drm-pdev:\t{address}"]
    (folder / str(number)).write_text("\n".join([*head, *lines]) + "\n")


def test_cards_in_order_with_their_names(tmp_path: Path) -> None:
    add_card(tmp_path, 10, SECOND, 16 * GIB)
    add_card(tmp_path, 2, FIRST, product_name="AMD Radeon RX 7900 XTX")
    first, second = AmdSource(tmp_path).read([])
    assert (first.name, first.is_gpu, first.utilisation) == ("AMD Radeon RX 7900 XTX", True, 12)
    assert (first.total, first.used, first.free) == (24 * GIB, 3 * GIB, 21 * GIB)
    assert (second.name, second.total) == (f"AMD GPU {SECOND}", 16 * GIB)


def test_what_a_process_holds_of_each_card(tmp_path: Path) -> None:
    add_card(tmp_path, 0, FIRST)
    add_card(tmp_path, 1, SECOND)
    add_descriptor(tmp_path, 7, 3, FIRST, 40, "drm-memory-vram:\t2048 KiB", "drm-memory-gtt:\t9 KiB")
    add_descriptor(tmp_path, 7, 4, FIRST, 40, "drm-memory-vram:\t2048 KiB")
    add_descriptor(tmp_path, 7, 5, FIRST, 41, "drm-memory-vram:\t1 MiB", "drm-resident-vram:\t1 MiB")
    add_descriptor(tmp_path, 7, 6, SECOND, 42, "drm-total-vram:\t8 MiB", "drm-resident-vram:\t5 MiB")
    (tmp_path / "proc/7/fdinfo/9").write_text("pos:\t0\nflags:\t02\n")
    (tmp_path / "proc/8/fdinfo").mkdir(parents=True)
    first, second = AmdSource(tmp_path).read([7, 8, 9])
    assert (first.held, second.held) == ({7: 3 * MIB}, {7: 5 * MIB}), "one client has descriptors 3 and 4"


def test_a_kernel_that_names_no_amount_says_only_who_is_there(tmp_path: Path) -> None:
    add_card(tmp_path, 0, FIRST)
    add_descriptor(tmp_path, 7, 3, FIRST, 40)
    assert AmdSource(tmp_path).read([7])[0].held == {7: None}


@pytest.mark.parametrize("total", [512 * MIB, "", "x"], ids=["a laptop's chip", "it sleeps", "nonsense"])
def test_cards_that_cannot_hold_a_model_or_be_read_are_left_out(tmp_path: Path, total: object) -> None:
    add_card(tmp_path, 0, FIRST, mem_info_vram_total=total)
    assert AmdSource(tmp_path).read([7]) == ()


def test_a_card_that_goes_away_is_left_out_and_comes_back(tmp_path: Path) -> None:
    device = add_card(tmp_path, 0, FIRST)
    source = AmdSource(tmp_path)
    assert len(source.read([])) == 1
    device.rename(tmp_path / "away")
    assert source.read([]) == ()
    (tmp_path / "away").rename(device)
    assert len(source.read([])) == 1


def test_a_computer_without_such_files(tmp_path: Path) -> None:
    assert AmdSource(tmp_path).read([1]) == ()
