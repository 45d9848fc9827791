"""The bundle's icon, version and description, as each system wants them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from router.base.version import __version__  # noqa: E402

BUNDLE_ID = "io.github.hal0"
DESCRIPTION = "One local endpoint for AI models, with a tray to change the model"
ICON = ROOT / "resources" / "icons" / "hal0.svg"
ICO_SIZES = (16, 24, 32, 48, 64, 256)
ICNS_KINDS = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08", 512: b"ic09"}


def of_program(work: Path) -> dict[str, Any]:
    """Arguments of PyInstaller's EXE; files are made in `work`."""
    if sys.platform == "win32":
        version = work / "version_info.txt"
        version.write_text(version_info(), encoding="utf-8")
        return {"icon": str(_written(work / "hal0.ico")), "version": str(version)}
    if sys.platform == "darwin":
        return {
            "icon": str(_written(work / "hal0.icns")),
            "entitlements_file": "packaging/macos/entitlements.plist",
        }
    return {}


def of_mac_app(work: Path) -> dict[str, Any]:
    """Arguments of PyInstaller's BUNDLE."""
    return {"icon": str(_written(work / "hal0.icns")), "version": __version__, "info_plist": info_plist()}


def info_plist() -> dict[str, Any]:
    """What macOS is told about the app: it lives in the menu bar and is no Dock icon (LSUIElement)."""
    return {
        "CFBundleDisplayName": "hal0",
        "CFBundleShortVersionString": __version__,
        "LSUIElement": True,
        "LSBackgroundOnly": False,  # PyInstaller's guess for a program that also serves a terminal
        "LSMinimumSystemVersion": "13.0",
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT licence",
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "GGUF model",
                "CFBundleTypeExtensions": ["gguf"],
                "CFBundleTypeRole": "Viewer",
                "LSHandlerRank": "Alternate",
            }
        ],
    }


def version_info(version: str = __version__) -> str:
    """The version resource of a Windows program, in the form PyInstaller reads."""
    numbers = ([int(part) for part in version.split(".") if part.isdecimal()] + [0, 0, 0, 0])[:4]
    strings = {
        "CompanyName": "hal0",
        "FileDescription": DESCRIPTION,
        "FileVersion": version,
        "InternalName": "hal0",
        "LegalCopyright": "MIT licence",
        "OriginalFilename": "hal0.exe",
        "ProductName": "hal0",
        "ProductVersion": version,
    }
    lines = ", ".join(f"StringStruct({name!r}, {value!r})" for name, value in strings.items())
    four = tuple(numbers)
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={four}, prodvers={four}, mask=0x3f, flags=0x0, OS=0x40004,"
        " fileType=0x1, subtype=0x0, date=(0, 0)),"
        f" kids=[StringFileInfo([StringTable('040904B0', [{lines}])]),"
        " VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )


def _written(file: Path) -> Path:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(ico() if file.suffix == ".ico" else icns())
    return file


def ico() -> bytes:
    """Windows's icon file: a table, then one PNG per size (Vista and later)."""
    pictures = png(ICO_SIZES)
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    table, data = b"", b""
    for size, picture in pictures.items():
        side = size % 256  # 0 stands for 256
        table += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), offset + len(data))
        data += picture
    return head + table + data


def icns() -> bytes:
    """macOS's icon file: chunks of kind, length, PNG."""
    chunks = b"".join(
        ICNS_KINDS[size] + struct.pack(">I", 8 + len(picture)) + picture
        for size, picture in png(tuple(ICNS_KINDS)).items()
    )
    return b"icns" + struct.pack(">I", 8 + len(chunks)) + chunks


def png(sizes: tuple[int, ...]) -> dict[int, bytes]:
    """hal0's icon as PNG, by side in pixels. Drawn by another process: Qt stays out of the one that builds."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        [sys.executable, "-c", _DRAW, str(ICON), *map(str, sizes)],
        env=environment,
        check=True,
        capture_output=True,
    )
    pictures, rest = {}, run.stdout
    for size in sizes:
        length = struct.unpack(">I", rest[:4])[0]
        pictures[size], rest = rest[4 : 4 + length], rest[4 + length :]
    return pictures


_DRAW = """
import struct, sys
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
app = QGuiApplication([])
drawing = QSvgRenderer(sys.argv[1])
for size in map(int, sys.argv[2:]):
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    drawing.render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    sys.stdout.buffer.write(struct.pack(">I", data.size()) + data.data())
"""
