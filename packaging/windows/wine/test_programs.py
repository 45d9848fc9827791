"""What tests compile by themselves where they find a compiler, which there is none of within Wine."""

from __future__ import annotations

import hashlib
import shutil

from debian import ROOT, Debian
from wine_gaps import GCC

NVML = "tests/router/memory/stub_nvml.c"
PROGRAMS = {
    "stand-in.exe": ("tests/engines/stand_in.c",),
    "nvml_v2.dll": ("-shared", "-DVERSION=_v2", NVML),
    "nvml_v3.dll": ("-shared", "-DVERSION=_v3", NVML),
}


def prepare(debian: Debian) -> None:
    """Make them anew when their sources change. Raises RuntimeError."""
    folder, stamp = debian.cache / "programs", debian.cache / "programs.stamp"
    sources = sorted({argv[-1] for argv in PROGRAMS.values()})
    text = f"{PROGRAMS}" + "".join((ROOT / source).read_text() for source in sources)
    state = hashlib.sha256(text.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, argv in PROGRAMS.items():
        *options, source = argv
        target = debian.inside(folder / name)
        debian.output(GCC, "-O1", "-s", *options, "-o", target, debian.inside(ROOT / source), "-lshlwapi")
    stamp.write_text(state)
