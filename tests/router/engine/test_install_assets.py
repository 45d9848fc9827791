from __future__ import annotations

import pytest

from router.engine.install.assets import Gpu, choose_asset

B11433 = [
    "cudart-llama-b11433-bin-ubuntu-cuda-12.8-x64.tar.gz",
    "cudart-llama-b11433-bin-ubuntu-cuda-13.4-x64.tar.gz",
    "cudart-llama-bin-win-cuda-12.4-x64.zip",
    "cudart-llama-bin-win-cuda-13.4-arm64.zip",
    "cudart-llama-bin-win-cuda-13.4-x64.zip",
    "llama-b11433-bin-macos-arm64.tar.gz",
    "llama-b11433-bin-macos-x64.tar.gz",
    "llama-b11433-bin-macos-arm64-kleidiai.tar.gz",
    "llama-b11433-bin-android-arm64.tar.gz",
    "llama-b11433-bin-ubuntu-arm64.tar.gz",
    "llama-b11433-bin-ubuntu-cuda-12.8-x64.tar.gz",
    "llama-b11433-bin-ubuntu-cuda-13.4-x64.tar.gz",
    "llama-b11433-bin-ubuntu-openvino-2026.4.1-x64.tar.gz",
    "llama-b11433-bin-ubuntu-rocm-10.0-x64.tar.gz",
    "llama-b11433-bin-ubuntu-vulkan-arm64.tar.gz",
    "llama-b11433-bin-ubuntu-vulkan-x64.tar.gz",
    "llama-b11433-bin-ubuntu-x64.tar.gz",
    "llama-b11433-bin-win-cpu-arm64.zip",
    "llama-b11433-bin-win-cpu-x64.zip",
    "llama-b11433-bin-win-cuda-12.4-x64.zip",
    "llama-b11433-bin-win-cuda-13.4-arm64.zip",
    "llama-b11433-bin-win-cuda-13.4-x64.zip",
    "llama-b11433-bin-win-opencl-adreno-arm64.zip",
    "llama-b11433-bin-win-rocm-10.0-x64.zip",
    "llama-b11433-bin-win-sycl-x64.zip",
    "llama-b11433-bin-win-vulkan-arm64.zip",
    "llama-b11433-bin-win-vulkan-x64.zip",
    "llama-b11433-ui.tar.gz",
    "llama-b11433-xcframework.zip",
    "nightly-tag.txt",
]

NONE = Gpu()
AMD = Gpu(vulkan=True)
NEW = Gpu(cuda=(13, 4), capability=(8, 6), vulkan=True)
PASCAL = Gpu(cuda=(13, 4), capability=(6, 1), vulkan=True)
OLD_DRIVER = Gpu(cuda=(12, 2), capability=(8, 6), vulkan=True)
LINUX_12 = "llama-b11433-bin-ubuntu-cuda-12.8-x64.tar.gz", "cudart-llama-b11433-bin-ubuntu-cuda-12.8-x64.tar.gz"
LINUX_13 = "llama-b11433-bin-ubuntu-cuda-13.4-x64.tar.gz", "cudart-llama-b11433-bin-ubuntu-cuda-13.4-x64.tar.gz"
WIN_12 = "llama-b11433-bin-win-cuda-12.4-x64.zip", "cudart-llama-bin-win-cuda-12.4-x64.zip"
WIN_13 = "llama-b11433-bin-win-cuda-13.4-x64.zip", "cudart-llama-bin-win-cuda-13.4-x64.zip"


@pytest.mark.parametrize(
    ("system", "machine", "gpu", "names", "flavour"),
    [
        ("Linux", "x86_64", NONE, ("llama-b11433-bin-ubuntu-x64.tar.gz",), "cpu"),
        ("Linux", "x86_64", AMD, ("llama-b11433-bin-ubuntu-vulkan-x64.tar.gz",), "vulkan"),
        ("Linux", "x86_64", NEW, LINUX_13, "cuda-13.4"),
        ("Linux", "x86_64", Gpu(cuda=(13, 3), capability=(8, 6)), LINUX_12, "cuda-12.8"),
        ("Linux", "x86_64", PASCAL, LINUX_12, "cuda-12.8"),
        ("Linux", "x86_64", OLD_DRIVER, ("llama-b11433-bin-ubuntu-vulkan-x64.tar.gz",), "vulkan"),
        ("Linux", "aarch64", NONE, ("llama-b11433-bin-ubuntu-arm64.tar.gz",), "cpu"),
        ("Linux", "aarch64", NEW, ("llama-b11433-bin-ubuntu-vulkan-arm64.tar.gz",), "vulkan"),
        ("Darwin", "arm64", NONE, ("llama-b11433-bin-macos-arm64.tar.gz",), "cpu"),
        ("Darwin", "x86_64", NONE, ("llama-b11433-bin-macos-x64.tar.gz",), "cpu"),
        ("Windows", "AMD64", NONE, ("llama-b11433-bin-win-cpu-x64.zip",), "cpu"),
        ("Windows", "AMD64", AMD, ("llama-b11433-bin-win-vulkan-x64.zip",), "vulkan"),
        ("Windows", "AMD64", NEW, WIN_13, "cuda-13.4"),
        ("Windows", "AMD64", PASCAL, WIN_12, "cuda-12.4"),
        ("Windows", "ARM64", NONE, ("llama-b11433-bin-win-cpu-arm64.zip",), "cpu"),
    ],
)
def test_each_computer_gets_its_build(
    system: str, machine: str, gpu: Gpu, names: tuple[str, ...], flavour: str
) -> None:
    choice = choose_asset(B11433, system, machine, gpu)
    assert choice is not None
    assert (choice.names, choice.flavour) == (names, flavour)


def test_cuda_without_its_libraries_is_no_choice() -> None:
    names = ["llama-b1-bin-win-cuda-13.4-x64.zip", "llama-b1-bin-win-cpu-x64.zip"]
    choice = choose_asset(names, "Windows", "AMD64", NEW)
    assert choice is not None
    assert choice.names == ("llama-b1-bin-win-cpu-x64.zip",)


def test_the_zip_archives_of_older_releases_are_known() -> None:
    choice = choose_asset(["llama-b6000-bin-ubuntu-x64.zip"], "Linux", "x86_64", NONE)
    assert choice is not None
    assert choice.names == ("llama-b6000-bin-ubuntu-x64.zip",)


@pytest.mark.parametrize(("system", "machine"), [("FreeBSD", "amd64"), ("Linux", "riscv64"), ("", "")])
def test_a_computer_nobody_builds_for_gets_none(system: str, machine: str) -> None:
    assert choose_asset(B11433, system, machine, NONE) is None
