"""What is built on Windows and macOS only: the files are parsed, and what they point at exists. No more."""

from __future__ import annotations

import ast
import plistlib
import re
import struct
import sys

import pytest
from PySide6.QtGui import QImage

from app.system.platforms import windows
from router.base.version import __version__
from tests.packaging.machines import ROOT

sys.path.append(str(ROOT / "packaging"))  # last: it must not hide the package of that name
import bundle_looks
import bundle_parts

ISS = (ROOT / "packaging" / "windows" / "hal0.iss").read_text()
SECTIONS = {
    "Setup",
    "Tasks",
    "InstallDelete",
    "Files",
    "Icons",
    "Registry",
    "Run",
    "UninstallRun",
    "UninstallDelete",
    "Code",
}
DIRECTIVES = {
    *("AppId", "AppName", "AppVersion", "AppPublisher", "DefaultDirName", "DefaultGroupName"),
    *(
        "DisableProgramGroupPage",
        "PrivilegesRequired",
        "PrivilegesRequiredOverridesAllowed",
        "ArchitecturesAllowed",
    ),
    *("ArchitecturesInstallIn64BitMode", "ChangesEnvironment", "CloseApplications", "RestartApplications"),
    *("LicenseFile", "SetupIconFile", "UninstallDisplayIcon", "OutputDir", "OutputBaseFilename", "Compression"),
    *("SolidCompression", "WizardStyle"),
}
"""Those of Inno Setup 6 that are used here; another is a typing error until it is looked up."""
MADE_BY_THE_BUILD = ("dist", "build")


def section(name: str) -> list[str]:
    """The entries of one section of the .iss, continued lines joined."""
    body = re.search(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", ISS, re.MULTILINE | re.DOTALL)
    assert body is not None
    joined = re.sub(r"\\\n\s*", "", body[1])
    return [line for line in joined.splitlines() if line and not line.startswith(";")]


def test_the_installers_sections_and_directives_are_inno_setups() -> None:
    assert set(re.findall(r"^\[(\w+)\]$", ISS, re.MULTILINE)) == SECTIONS
    assert {line.partition("=")[0] for line in section("Setup")} == DIRECTIVES


def test_every_file_the_installer_names_is_there_or_is_built() -> None:
    here = ROOT / "packaging" / "windows"
    named = [
        line.partition("=")[2] for line in section("Setup") if line.startswith(("LicenseFile", "SetupIconFile"))
    ]
    named += re.findall(r'Source: "([^"]+)"', ISS)
    assert len(named) == 4
    for name in named:
        path = (here / name.replace("\\", "/")).resolve().relative_to(ROOT)
        assert path.parts[0] in MADE_BY_THE_BUILD or (ROOT / path).is_file(), name
    # PyInstaller's work folder is build/NAME-OF-THE-SPEC, where hal0.spec leaves the icon.
    assert "..\\..\\build\\hal0\\hal0.ico" in named


def test_every_entry_of_the_installer_has_balanced_quotes_and_known_tasks() -> None:
    tasks = {name for line in section("Tasks") for name in re.findall(r'^Name: "(\w+)"', line)}
    assert tasks == {"path", "autostart"}
    for name in SECTIONS - {"Setup", "Code"}:
        for line in section(name):
            assert line.count('"') % 2 == 0, line
            assert set(re.findall(r"Tasks: (\w+)", line)) <= tasks


def test_start_at_login_is_off_and_the_very_value_that_the_app_knows() -> None:
    (task,) = [line for line in section("Tasks") if '"autostart"' in line]
    assert "Flags: unchecked" in task
    (entry,) = [line for line in section("Registry") if "Tasks: autostart" in line]
    assert f'Subkey: "{windows.RUN}"' in entry and f'ValueName: "{windows.NAME}"' in entry
    written = re.search(r'ValueData: "((?:[^"]|"")*)"', entry)
    assert written is not None
    command = ["C:\\Program Files\\hal0\\hal0.exe", "tray", "--hidden"]
    assert written[1].replace('""', '"').replace("{app}", "C:\\Program Files\\hal0") == windows.command_line(
        command
    )


def test_uninstalling_takes_the_login_entry_and_no_models() -> None:
    code = ISS.partition("[Code]")[2]
    assert "RegDeleteValue(HKCU, RunKey, 'hal0')" in code and f"RunKey = '{windows.RUN}'" in code
    assert not re.search(r"\{(localappdata|userappdata|userprofile|userdocs)\}", ISS)
    for line in [*section("UninstallDelete"), *section("InstallDelete")]:
        assert 'Name: "{app}\\_internal"' in line
    assert len(re.findall(r"\b(begin|try)\b", code)) == len(re.findall(r"\bend;", code))


def test_a_person_s_own_is_deleted_only_when_that_is_asked_for() -> None:
    code = ISS.partition("[Code]")[2]
    assert code.count("DelTree(") == 1 and code.count("DeleteOwnFolder(") == 3  # what it does, and two calls
    calls = code.index("DeleteOwnFolder(GetEnv(")
    asked = code.rindex("if IsAskedToPurge then", 0, calls)
    assert code[asked:calls].split() == ["if", "IsAskedToPurge", "then", "begin"]
    assert "MB_DEFBUTTON2" in code, "who only presses Enter keeps it"


def test_the_version_resource_is_one_expression_with_the_version_in_it() -> None:
    tree = ast.parse(bundle_looks.version_info("1.2.3"), mode="eval")
    assert isinstance(tree.body, ast.Call)
    text = ast.unparse(tree)
    assert "filevers=(1, 2, 3, 0)" in text and "StringStruct('ProductVersion', '1.2.3')" in text


@pytest.mark.parametrize("kind", ["ico", "icns"])
def test_the_icons_are_read_back(kind: str) -> None:
    data = bundle_looks.ico() if kind == "ico" else bundle_looks.icns()
    image = QImage.fromData(data, kind)
    assert not image.isNull()
    if kind == "ico":
        assert struct.unpack("<HHH", data[:6]) == (0, 1, len(bundle_looks.ICO_SIZES))
    else:
        assert struct.unpack(">4sI", data[:8]) == (b"icns", len(data))
    assert any(image.pixelColor(x, image.height() // 2).alpha() for x in range(image.width()))


def test_macos_is_told_that_hal0_lives_in_the_menu_bar() -> None:
    told = plistlib.loads(plistlib.dumps(bundle_looks.info_plist()))
    assert told["LSUIElement"] is True and told["LSBackgroundOnly"] is False
    assert told["CFBundleShortVersionString"] == __version__


def test_the_entitlements_are_a_property_list() -> None:
    given = plistlib.loads((ROOT / "packaging/macos/entitlements.plist").read_bytes())
    assert given and all(
        name.startswith("com.apple.security.") and value is True for name, value in given.items()
    )


def test_the_disk_image_is_made_of_what_the_spec_makes() -> None:
    script, spec = (ROOT / "packaging/macos/build_dmg.sh").read_text(), (ROOT / "hal0.spec").read_text()
    assert 'name="hal0.app"' in spec and "app=dist/hal0.app" in script
    assert (ROOT / "packaging/macos/build_dmg.sh").stat().st_mode & 0o111


ENTRIES = {
    "PySide6/Qt/plugins/platforms/libqxcb.so": True,
    "PySide6/Qt/plugins/platforms/libqlinuxfb.so": False,
    "PySide6\\plugins\\platforms\\qwindows.dll": True,
    "PySide6\\plugins\\styles\\qmodernwindowsstyle.dll": True,
    "PySide6/Qt/plugins/platforms/libqcocoa.dylib": True,
    "PySide6/Qt/plugins/sqldrivers/libqsqlite.so": False,
    "PySide6/Qt/translations/qt_de.qm": False,
    "resources/translations/hal0.ts": True,
    "PySide6/Qt/lib/libQt6Quick.so.6": False,
    "PySide6/Qt/lib/libQt6Widgets.so.6": True,
}


@pytest.mark.parametrize(("name", "kept"), ENTRIES.items())
def test_what_of_qt_is_kept(name: str, kept: bool) -> None:
    entry = (name, "/opt/python/site-packages/" + name, "BINARY")
    assert bundle_parts.keep([entry]) == ([entry] if kept else [])


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's libraries")
@pytest.mark.parametrize(
    ("name", "source", "kept"),
    [
        ("libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", False),
        ("libgtk-3.so.0", "/lib/x86_64-linux-gnu/libgtk-3.so.0", False),
        ("libxcb-cursor.so.0", "/usr/lib/x86_64-linux-gnu/libxcb-cursor.so.0", True),
        ("libffi-abc.so.8", "/opt/venv/lib/python3/site-packages/x.libs/libffi-abc.so.8", True),
        ("python3.11/lib-dynload/_ssl.so", "/usr/lib/python3.11/lib-dynload/_ssl.so", True),
    ],
)
def test_which_libraries_are_the_computers_own(name: str, source: str, kept: bool) -> None:
    entry = (name, source, "BINARY")
    assert bundle_parts.keep([entry]) == ([entry] if kept else [])
