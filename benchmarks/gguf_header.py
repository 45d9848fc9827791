"""How long the header of a GGUF with a 152,064-token vocabulary takes to read, and how much memory.

    python -m benchmarks.gguf_header [FILE.gguf] [--package]

Without a file one with Qwen's number of tokens and merges is generated. `--package` measures gguf-py's own
reader on the same file, for comparison (seconds and hundreds of megabytes). Each is measured in a process of
its own, as peak memory is a high-water mark; the peak of importing alone is subtracted.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOKENS, MERGES, ROUNDS = 152_064, 151_387, 15
READERS = {"hal0": ("router.catalog.gguf", "read_header", ROUNDS), "gguf-py": ("gguf", "GGUFReader", 1)}


def generate(path: Path) -> Path:
    """A header without tensors; tokens and merges have the lengths of real ones (about 7 and 9 bytes)."""
    gguf = importlib.import_module("gguf")
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_block_count(1)
    writer.add_token_list([f"t{number:06}" for number in range(TOKENS)])
    writer.add_token_types([1] * TOKENS)
    writer.add_token_merges([f"t{number % 1000} {number:05}" for number in range(MERGES)])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def peak_rss() -> int:
    """KiB, of this process alone (Linux; ru_maxrss would start from the parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def measure(reader: str, path: Path) -> str:
    """One line: median milliseconds, and peak memory above that of the imports."""
    module, function, rounds = READERS[reader]
    read = getattr(importlib.import_module(module), function)
    before = peak_rss()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        read(path)
        times.append(time.perf_counter() - began)
    peak = peak_rss() - before
    return f"{reader:8} {statistics.median(times) * 1000:8.1f} ms   peak +{peak / 1024:.1f} MiB\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gguf_header", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--package", action="store_true")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reader:
        sys.stdout.write(measure(arguments.reader, arguments.file))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or generate(Path(folder, "vocabulary.gguf"))
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")
        sys.stdout.flush()
        for reader in READERS if arguments.package else ["hal0"]:
            command = [sys.executable, "-m", "benchmarks.gguf_header", path, "--reader", reader]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
