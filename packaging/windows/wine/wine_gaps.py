"""What Windows 10 has and Wine 10 has not, made up for: two small libraries, for Qt and for numpy."""

from __future__ import annotations

import re
from pathlib import Path

from debian import Debian

HERE = Path(__file__).resolve().parent
GCC = "x86_64-w64-mingw32-gcc-posix"
CRT_MATH = b"api-ms-win-crt-math-l1-1-0.dll"
FILLED = b"hal0-crt-math.dll"
OWN = re.compile(r"c(real|imag)[fl]?")


def fill(debian: Debian, python: Path) -> None:
    """Put both beside what wants them, in the Python in that folder."""
    site = python / "Lib" / "site-packages"
    build(debian, "icuuc.c", site / "PySide6" / "icuuc.dll")
    numpy = site / "numpy"
    if wanting := [file for file in numpy.rglob("*.pyd") if CRT_MATH in file.read_bytes()]:
        forwards = debian.cache / "crtmath.def"
        forwards.write_text("EXPORTS\n" + "".join(f"{n} = ucrtbase.{n}\n" for n in math_names(debian)))
        build(debian, "crtmath.c", python / FILLED.decode(), forwards)
    for file in wanting:
        file.write_bytes(file.read_bytes().replace(CRT_MATH, FILLED.ljust(len(CRT_MATH), b"\0")))


def math_names(debian: Debian) -> list[str]:
    """Return the functions that Wine's C library has, but for those that only abort."""
    library = "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ucrtbase.dll"
    exports = debian.output("x86_64-w64-mingw32-objdump", "-p", library)
    names = re.findall(r"^\s*\[\s*\d+\] \+base\[\s*\d+\]\s+[0-9a-f]+ (\w+)$", exports, re.MULTILINE)
    return [name for name in names if not OWN.fullmatch(name)]


def build(debian: Debian, source: str, library: Path, *more: Path) -> None:
    inside = [debian.inside(path) for path in more]
    debian.output(
        GCC, "-shared", "-s", "-O1", "-o", debian.inside(library), debian.inside(HERE / source), *inside
    )
