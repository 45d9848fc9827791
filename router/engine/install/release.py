"""llama.cpp's own builds, from its GitHub releases.

Since 2026-08 `releases/latest` is a versioned release without binaries: its `nightly-tag.txt` names the
build (`b11433`) that has them (ggml-org/llama.cpp#27485). Older and forked repositories carry the binaries
themselves; both are understood. Every file is checked against the sha256 that the API tells for it.
"""

from __future__ import annotations

import asyncio
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from router.base.errors import InstallFailed
from router.engine.install.archive import arrange, unpack
from router.engine.install.assets import Choice, choose_asset
from router.engine.install.download import Asset, download, read_small, session
from router.engine.install.gpu import detect_gpu
from router.engine.install.progress import InstallProgress, OnProgress
from router.engine.install.publish import need_space, publish, reuse
from router.engine.install.work import in_thread
from router.engine.store import new_partial

GITHUB = "https://api.github.com/repos/ggml-org/llama.cpp"
_POINTER = "nightly-tag.txt"
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")


@dataclass(frozen=True, slots=True)
class Release:
    """One release: its tag and its files by name."""

    tag: str
    assets: Mapping[str, Asset]


async def install_release(engines: Path, on_progress: OnProgress, api: str = GITHUB) -> Path:
    """Install the newest build that fits; returns its executable. Raises InstallFailed.

    `api` is the repository's address below GitHub's REST API, without a slash at its end.
    """
    on_progress(InstallProgress("Asking GitHub for the newest llama.cpp"))
    gpu = await in_thread(detect_gpu)
    async with session() as http:
        release = await _newest_with_binaries(http, api)
        choice = choose_asset(release.assets, platform.system(), platform.machine(), gpu)
        if choice is None:
            raise InstallFailed(
                f"llama.cpp's release {release.tag} has no build for "
                f"{platform.system()} on {platform.machine()}."
            )
        final = engines / f"release-{release.tag}-{choice.flavour}"
        if (existing := await reuse(final)) is not None:
            return existing
        partial = await in_thread(new_partial, engines)
        archives = await _download_all(http, release, choice, partial, on_progress)
    on_progress(InstallProgress("Unpacking"))
    await in_thread(_unpack_all, archives, partial)
    return await publish(partial, final, on_progress)


async def newest_release(api: str = GITHUB) -> Release:
    """Return the newest release at `api`; of llama.cpp the newest that has binaries. Raises InstallFailed."""
    async with session() as http:
        return await _newest_with_binaries(http, api)


async def _newest_with_binaries(http: aiohttp.ClientSession, api: str) -> Release:
    release = await _release(http, f"{api}/releases/latest")
    pointer = release.assets.get(_POINTER)
    if pointer is None:
        return release
    tag = (await read_small(http, pointer)).decode(errors="replace").strip()
    if not _TAG.fullmatch(tag):
        raise InstallFailed(f"{_POINTER} of llama.cpp's release {release.tag} names no build.")
    return await _release(http, f"{api}/releases/tags/{tag}")


async def _release(http: aiohttp.ClientSession, url: str) -> Release:
    headers = {"Accept": "application/vnd.github+json"}
    try:
        async with asyncio.timeout(30), http.get(url, headers=headers) as response:
            if response.status in (403, 429):
                raise InstallFailed(
                    "GitHub answers no more requests from this address for now; try again in an hour."
                )
            response.raise_for_status()
            return parse_release(await response.json(content_type=None))
    except aiohttp.ClientResponseError as error:
        raise InstallFailed(f"GitHub answered {error.status} when asked for the release.") from error
    except TimeoutError as error:
        raise InstallFailed("GitHub did not answer; check the network and any proxy.") from error
    except aiohttp.ClientError as error:
        raise InstallFailed(f"GitHub could not be reached ({error}).") from error
    except ValueError as error:
        raise InstallFailed("GitHub's answer about the release could not be understood.") from error


def parse_release(raw: Any) -> Release:
    """Read GitHub's release object. Raises ValueError if it is not one, or if its tag is no file name."""
    try:
        tag, assets = raw["tag_name"], [_parse_asset(a) for a in raw["assets"]]
    except (KeyError, TypeError) as error:
        raise ValueError("not a release") from error
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise ValueError("a tag that is no file name")
    return Release(tag, {a.name: a for a in assets})


def _parse_asset(raw: Mapping[str, Any]) -> Asset:
    digest = raw.get("digest") or ""
    sha256 = digest.removeprefix("sha256:") if digest.startswith("sha256:") else None
    return Asset(str(raw["name"]), str(raw["browser_download_url"]), int(raw["size"]), sha256)


async def _download_all(
    http: aiohttp.ClientSession, release: Release, choice: Choice, partial: Path, on_progress: OnProgress
) -> list[Path]:
    assets = [release.assets[name] for name in choice.names]
    # Archives and what they unpack to lie side by side for a while; CUDA's unpack to about twice the size.
    await in_thread(need_space, partial, 4 * sum(a.size for a in assets))
    return [await download(http, asset, partial / asset.name, on_progress) for asset in assets]


def _unpack_all(archives: list[Path], partial: Path) -> None:
    unpacked = [partial / f"unpacked-{i}" for i in range(len(archives))]
    for archive, folder in zip(archives, unpacked, strict=True):
        unpack(archive, folder)
        archive.unlink()
    arrange(unpacked, partial)
