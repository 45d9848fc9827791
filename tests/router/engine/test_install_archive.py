from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from router.base.errors import InstallFailed
from router.engine.install.archive import arrange, unpack


def tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"x") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, *, link: str | None = None, mode: int = 0o755) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = mode
    if link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, link
    return info


@pytest.mark.parametrize("bad", [member("../evil"), member("a/../../evil"), member("l", link="../../evil")])
def test_a_tar_that_leads_outside_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    archive = tar(tmp_path / "a.tar.gz", member("llama/llama-server"), bad)
    with pytest.raises(InstallFailed, match=r"a\.tar\.gz could not be unpacked"):
        unpack(archive, tmp_path / "target")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "C:/evil", "a/../../evil"])
def test_a_zip_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr(name, b"x")
    with pytest.raises(InstallFailed, match="leads out of the folder"):
        unpack(archive, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("lib.so")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr(link, b"/etc/passwd")
    with pytest.raises(InstallFailed, match="leads out of the folder"):
        unpack(tmp_path / "a.zip", tmp_path / "target")


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "a.zip"):
        (tmp_path / name).write_bytes(b"not an archive")
        with pytest.raises(InstallFailed, match="could not be unpacked"):
            unpack(tmp_path / name, tmp_path / f"target-{name}")


def test_links_inside_and_exec_bits_survive_and_libraries_join(tmp_path: Path) -> None:
    engine = tar(
        tmp_path / "e.tar.gz",
        member("llama-b1/llama-server"),
        member("llama-b1/libllama.so.0.1", mode=0o644),
        member("llama-b1/libllama.so", link="libllama.so.0.1"),
    )
    cuda = tmp_path / "cudart.zip"
    with zipfile.ZipFile(cuda, "w") as zipped:
        zipped.writestr("deep/libcudart.so.12", b"cuda")
    partial = tmp_path / "partial"
    partial.mkdir()
    unpack(engine, partial / "u0")
    unpack(cuda, partial / "u1")

    arrange([partial / "u0", partial / "u1"], partial)

    assert {f.name for f in (partial / "bin").iterdir()} == {
        "llama-server",
        "libllama.so",
        "libllama.so.0.1",
        "libcudart.so.12",
    }
    assert (partial / "bin" / "llama-server").stat().st_mode & 0o100
    assert (partial / "bin" / "libllama.so").readlink() == Path("libllama.so.0.1")
    assert [f.name for f in partial.iterdir()] == ["bin"]


def test_an_archive_without_the_server_is_told(tmp_path: Path) -> None:
    archive = tar(tmp_path / "a.tar.gz", member("llama-b1/llama-cli"))
    unpack(archive, tmp_path / "u")
    with pytest.raises(InstallFailed, match="no llama-server"):
        arrange([tmp_path / "u"], tmp_path)
