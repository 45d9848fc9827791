"""The real pynvml against a driver's library compiled for the purpose (stub_nvml.c)."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.router.memory.stub import TWO, Reader, StubDriver

MIB = 1 << 20
GIB = 1 << 30
RTX, A4000 = "NVIDIA GeForce RTX 3090", "NVIDIA RTX A4000"


def test_two_gpus_with_their_sizes_and_how_busy_they_are(reader: Reader) -> None:
    first, second = reader.look()
    assert (first["name"], first["is_gpu"], first["utilisation"]) == (RTX, True, 37)
    assert (first["total"], first["used"]) == (24 * GIB, GIB)
    assert (second["name"], second["total"], second["used"]) == (A4000, 16 * GIB, 512 * MIB)
    assert reader.log == []


def test_a_process_is_told_apart_on_each_gpu(driver: StubDriver, reader: Reader) -> None:
    driver.say(*TWO, "compute 0 7 600", "compute 1 7 200", "compute 0 8 100", "graphics 0 9 50")
    first, second = reader.look(7, 9, 10)
    assert first["held"] == {7: 600 * MIB, 9: 50 * MIB}
    assert second["held"] == {7: 200 * MIB}, "8 is not asked for, and 10 is on no GPU"
    assert (first["others"], second["others"]) == ({"8": 100 * MIB}, {})


def test_who_computes_and_draws_is_counted_once(driver: StubDriver, reader: Reader) -> None:
    driver.say(*TWO, "compute 0 7 600", "graphics 0 7 600", "compute 1 7 -1", "graphics 1 7 40")
    assert [pool["held"] for pool in reader.look(7)] == [{7: 600 * MIB}, {7: 40 * MIB}]


def test_windows_says_who_runs_not_with_how_much(driver: StubDriver, reader: Reader) -> None:
    driver.say(*TWO, "compute 0 7 -1", "compute 0 8 -1")
    assert [pool["held"] for pool in reader.look(7)] == [{7: None}, {}]


def test_many_processes_are_all_read(driver: StubDriver, reader: Reader) -> None:
    driver.say(*TWO, *(f"compute 0 {pid} {pid}" for pid in range(1, 301)))
    assert reader.look(*range(1, 301))[0]["held"] == {pid: pid * MIB for pid in range(1, 301)}


def test_an_older_driver_has_only_the_second_version_of_the_lists(tmp_path: Path) -> None:
    old = StubDriver.build(tmp_path, processes="_v2")
    old.say(*TWO, "compute 0 7 600", "graphics 1 7 20")
    reader = Reader.start(old)
    assert [pool["held"] for pool in reader.look(7)] == [{7: 600 * MIB}, {7: 20 * MIB}]
    reader.close()


@pytest.mark.parametrize("code", [3, 4], ids=["not supported", "no permission"])
def test_lists_that_are_not_given_mean_anyone_may_be_there(
    driver: StubDriver, reader: Reader, code: int
) -> None:
    driver.say(*TWO, f"fail compute 1 {code}", f"fail graphics 1 {code}", f"fail utilisation -1 {code}")
    first, second = reader.look(7)
    assert (first["held"], second["held"]) == ({}, {7: None})
    assert first["utilisation"] is None and second["used"] == 512 * MIB


def test_a_gpu_that_may_not_be_read_is_named_and_left_out(driver: StubDriver, reader: Reader) -> None:
    driver.say(*TWO, "fail memory 0 4")
    assert [pool["name"] for pool in reader.look()] == [A4000]
    (line,) = reader.log
    assert line == f"WARNING the memory of {RTX} (GPU 0) cannot be read: Insufficient Permissions"
    assert [pool["name"] for pool in reader.look(at=60)] == [A4000]
    assert reader.log == [], "said once"


def test_a_gpu_pulled_out_is_gone_and_one_plugged_in_again_is_back(driver: StubDriver, reader: Reader) -> None:
    assert len(reader.look()) == 2
    driver.say(TWO[0])
    assert [pool["name"] for pool in reader.look(at=10)] == [RTX]
    assert "(GPU 1) cannot be read: GPU is lost" in reader.log[0]
    assert [pool["name"] for pool in reader.look(at=11)] == [RTX]
    assert reader.log == [], "counted anew: there is one GPU"
    driver.say(*TWO)
    assert [pool["name"] for pool in reader.look(at=12)] == [RTX]
    assert [pool["name"] for pool in reader.look(at=14)] == [RTX, A4000]


@pytest.mark.parametrize("code", [1, 9, 999], ids=["uninitialized", "driver not loaded", "unknown"])
def test_a_driver_that_goes_takes_its_figures_with_it_and_comes_back(
    driver: StubDriver, reader: Reader, code: int
) -> None:
    assert len(reader.look()) == 2
    driver.say(f"fail count -1 {code}", "fail init -1 9")
    assert reader.look(at=10) == []
    assert "WARNING the NVIDIA driver does not answer" in reader.log[0]
    driver.say(*TWO)
    assert reader.look(at=10.5) == [], "not asked again at once"
    assert [pool["name"] for pool in reader.look(at=11)] == [RTX, A4000]


def test_a_driver_that_stays_away_is_asked_ever_more_rarely(driver: StubDriver, reader: Reader) -> None:
    driver.say("fail init -1 9")
    asked = [0, 1, 3, 7, 15, 31, 61]  # seconds: each pause twice the last, 30 at most
    for second in asked:
        assert reader.look(at=second) == []
    driver.say(*TWO)
    assert reader.look(at=90.5) == []
    assert len(reader.look(at=91)) == 2


def test_without_a_gpu_that_can_be_read_it_is_ram_and_then_the_gpu_again(
    driver: StubDriver, reader: Reader
) -> None:
    driver.say("fail init -1 9")
    own = reader.process.pid
    (ram,) = reader.look(own, gpus_only=False)
    assert (ram["name"], ram["is_gpu"], ram["total"]) == ("RAM", False, psutil.virtual_memory().total)
    assert ram["held"][own] > 5 * MIB
    assert reader.log == ["INFO no NVIDIA GPU can be read (Driver Not Loaded)"]
    driver.say(*TWO)
    assert [pool["name"] for pool in reader.look(at=1, gpus_only=False)] == [RTX, A4000, "RAM"]


def test_a_gpu_without_memory_of_its_own_has_the_computers(driver: StubDriver, reader: Reader) -> None:
    own = reader.process.pid
    driver.say("gpu 0 0 12 NVIDIA GB10", "fail memory 0 3", f"compute 0 {own} 300")
    (pool,) = reader.look(own, gpus_only=False)
    assert (pool["name"], pool["is_gpu"], pool["utilisation"]) == ("NVIDIA GB10", True, 12)
    assert pool["total"] == psutil.virtual_memory().total
    assert pool["held"][own] > 305 * MIB, "what it allocated there and its resident set"
