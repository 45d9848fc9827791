"""The manifests for stores, filled as for a release: parsed, complete, and at one with what they point at.

What Debian has to check them is run: appstreamcli, desktop-file-validate, flatpak-builder, ruby and rubocop.
`winget validate` and `brew audit` run on their own systems only; winget's schemas (microsoft/winget-cli,
schemas/JSON/manifests/v1.6.0) are used where WINGET_SCHEMAS names a folder with them. What is not there is a
skipped test that names it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from router.hub.installed_by import APP_ID, CASKROOMS, WINGET_ID
from tests.packaging.machines import ROOT, need

sys.path.append(str(ROOT / "packaging"))  # last: it must not hide the package of that name
sys.path.append(str(ROOT / "packaging" / "linux"))
import build_appimage
import store_manifests

REPOSITORY, VERSION = "somebody/hal0", "0.2.0"
FILES = (
    *("hal0-0.2.0-linux-x86_64.tar.xz", "hal0-0.2.0-windows-x86_64-setup.exe"),
    *("hal0-0.2.0-macos-arm64.dmg", "hal0-0.2.0-macos-x86_64.dmg"),
)
SUMS = {name: f"{number:064x}" for number, name in enumerate(FILES, 1)}
# What the schemas of winget 1.6 require.
WINGET = {
    "version": {"PackageIdentifier", "PackageVersion", "DefaultLocale", "ManifestType", "ManifestVersion"},
    "installer": {"PackageIdentifier", "PackageVersion", "Installers", "ManifestType", "ManifestVersion"},
    "defaultLocale": {
        *("PackageIdentifier", "PackageVersion", "PackageLocale", "Publisher", "PackageName", "License"),
        *("ShortDescription", "ManifestType", "ManifestVersion"),
    },
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    store_manifests.write_all(tmp_path, REPOSITORY, VERSION, SUMS)
    return tmp_path


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def test_nothing_is_left_to_fill_in(written: Path) -> None:
    files = [file for file in written.rglob("*") if file.suffix in (".yaml", ".rb")]
    assert len(files) == 5
    for file in files:
        assert not re.search(r"@[A-Z]", file.read_text()), file.name


def test_a_file_that_the_release_does_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(store_manifests.MissingFile, match="linux-x86_64"):
        store_manifests.write_all(tmp_path, REPOSITORY, VERSION, {})
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{'0' * 64}  {FILES[0]}\n")
    argv = [
        sys.executable,
        str(ROOT / "packaging" / "store_manifests.py"),
        REPOSITORY,
        str(sums),
        str(tmp_path),
    ]
    done = subprocess.run([*argv, "--version", VERSION], capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert done.stderr.startswith(f"store_manifests: {sums} has no hal0-0.2.0-")


def test_checksums_are_read_as_sha256sum_writes_them() -> None:
    assert store_manifests.read_sums("ab  one\ncd *two\n\n") == {"one": "ab", "two": "cd"}


def test_flatpak(written: Path) -> None:
    manifest = read(written / "flatpak" / f"{APP_ID}.yaml")
    metainfo = ET.parse(ROOT / "packaging" / "linux" / "io.github.hal0.metainfo.xml").getroot()  # noqa: S314 - ours
    assert manifest["app-id"] == APP_ID == metainfo.findtext("id")
    (module,) = manifest["modules"]
    archive, *others = module["sources"]
    assert archive["url"].endswith(f"/somebody/hal0/releases/download/v{VERSION}/{FILES[0]}")
    assert archive["sha256"] == SUMS[FILES[0]]
    assert all((written / "flatpak" / source["path"]).is_file() for source in others)
    used = " ".join(module["build-commands"])
    assert all(source["path"] in used for source in others)
    assert {"--share=network", "--talk-name=org.kde.StatusNotifierWatcher"} <= set(manifest["finish-args"])
    assert not [a for a in manifest["finish-args"] if a.startswith("--filesystem") and not a.endswith(":ro")]


def test_the_flatpaks_desktop_file_and_metainfo_stay_valid(written: Path) -> None:
    need("desktop-file-validate")
    need("appstreamcli")
    shell = written / "flatpak"
    module = read(shell / f"{APP_ID}.yaml")["modules"][0]
    commands = [c for c in module["build-commands"] if c.startswith(("install", "sed"))]
    app = written / "app"
    for command in commands:
        subprocess.run(["sh", "-c", command.replace("/app/", f"{app}/")], cwd=shell, check=True)
    subprocess.run(["desktop-file-validate", app / "share/applications/io.github.hal0.desktop"], check=True)
    metainfo = app / "share/metainfo/io.github.hal0.metainfo.xml"
    assert '<launchable type="desktop-id">io.github.hal0.desktop<' in metainfo.read_text()
    subprocess.run(["appstreamcli", "validate", "--no-net", metainfo], check=True, capture_output=True)


def test_flatpak_builder_reads_the_manifest_and_knows_all_its_keys(written: Path) -> None:
    need("flatpak-builder")
    manifest = written / "flatpak" / f"{APP_ID}.yaml"
    shown = subprocess.run(
        ["flatpak-builder", "--show-manifest", manifest],
        env=os.environ | {"LC_ALL": "C"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stderr == "", "it tells of keys that it does not know, and goes on"
    told = json.loads(shown.stdout)
    assert (told["id"], told["command"]) == (APP_ID, "hal0")
    assert told["modules"][0]["build-commands"] == read(manifest)["modules"][0]["build-commands"]


def test_wingets_own_schemas_accept_the_manifests(written: Path) -> None:
    schemas = os.environ.get("WINGET_SCHEMAS")
    if schemas is None:
        pytest.skip("WINGET_SCHEMAS names no folder with winget-cli's schemas/JSON/manifests/v1.6.0")
    for file in (written / "winget").glob("*.yaml"):
        manifest = read(file)
        version = manifest["ManifestVersion"]
        schema = Path(schemas) / f"manifest.{manifest['ManifestType']}.{version}.json"
        jsonschema.validate(manifest, json.loads(schema.read_text("utf-8-sig")))


@pytest.mark.parametrize("kind", WINGET)
def test_winget(written: Path, kind: str) -> None:
    found = [read(file) for file in (written / "winget").glob("*.yaml")]
    (manifest,) = [one for one in found if one["ManifestType"] == kind]
    assert WINGET[kind] <= set(manifest)
    assert (manifest["PackageIdentifier"], str(manifest["PackageVersion"])) == (WINGET_ID, VERSION)
    assert len(manifest.get("ShortDescription", "")) <= 256 and len(manifest.get("Tags", ())) <= 16


def test_wingets_installer_is_inno_setups(written: Path) -> None:
    manifest = read(written / "winget" / "hal0.hal0.installer.yaml")
    (installer,) = manifest["Installers"]
    script = (ROOT / "packaging" / "windows" / "hal0.iss").read_text()
    app_id = re.search(r"^AppId=\{(\{.*\})$", script, re.MULTILINE)
    assert app_id is not None and manifest["ProductCode"] == f"{app_id[1]}_is1"
    output = re.search(r"^OutputBaseFilename=(.*)$", script, re.MULTILINE)
    assert output is not None
    assert installer["InstallerUrl"].endswith(f"/{output[1].replace('{#Version}', VERSION)}.exe")
    assert re.fullmatch("[A-Fa-f0-9]{64}", installer["InstallerSha256"])


def test_homebrew(written: Path) -> None:
    cask = (written / "homebrew" / "hal0.rb").read_text()
    lines = [line.strip() for line in cask.splitlines()]
    assert sum(line.endswith(" do") for line in lines) == lines.count("end") == 1
    assert all(place.endswith("/Caskroom/hal0") for place in CASKROOMS) and 'cask "hal0" do' in lines
    for arch in ("arm64", "x86_64"):
        assert f'"{SUMS[f"hal0-0.2.0-macos-{arch}.dmg"]}"' in cask
    built = (ROOT / "packaging" / "macos" / "build_dmg.sh").read_text()
    assert re.search(r"hal0-\S*macos-", built), "what the address names is what is built"


def test_the_cask_is_ruby(written: Path) -> None:
    need("ruby")
    done = subprocess.run(["ruby", "-wc", written / "homebrew" / "hal0.rb"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Syntax OK\n", "")


def test_the_cask_is_written_as_homebrew_writes(written: Path, tmp_path: Path) -> None:
    """Its layout and double quotation marks; the order of the stanzas only `brew style` knows."""
    need("rubocop")
    rules = tmp_path / "rubocop.yml"
    rules.write_text(
        "AllCops: {NewCops: disable}\nLayout/LineLength: {Max: 118}\nLayout/HashAlignment: {Enabled: false}\n"
        "Style/StringLiterals: {EnforcedStyle: double_quotes}\n"
        "Style/TrailingCommaInArrayLiteral: {EnforcedStyleForMultiline: comma}\n"
    )
    only = "Layout,Lint,Style/StringLiterals,Style/TrailingCommaInArrayLiteral"
    argv = ["rubocop", "--config", rules, "--cache", "false", "--only", only, "--format", "emacs"]
    done = subprocess.run([*argv, written / "homebrew" / "hal0.rb"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_an_appimages_folder_runs_from_anywhere(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "hal0").write_text('#!/bin/sh\necho "hal0 $*"\n')
    (bundle / "hal0").chmod(0o755)
    folder = tmp_path / "with blanks" / "hal0.AppDir"
    build_appimage.lay_out(bundle, folder)
    link = tmp_path / "hal0"
    link.symlink_to(folder / "AppRun")
    done = subprocess.run([link, "status", "a b"], capture_output=True, text=True, check=True)
    assert done.stdout == "hal0 status a b\n"
    assert (folder / ".DirIcon").read_bytes().startswith(b"\x89PNG")
    entry = (folder / "hal0.desktop").read_text()
    assert "Icon=hal0\n" in entry and (folder / "hal0.png").is_file(), "the runtime looks for this one"


def test_without_appimagetool_it_says_what_is_missing(tmp_path: Path) -> None:
    script = str(ROOT / "packaging" / "linux" / "build_appimage.py")
    done = subprocess.run(
        [sys.executable, script, "--bundle", str(tmp_path)],
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("build_appimage: appimagetool was not found; put it on the PATH")
