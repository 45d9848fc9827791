"""Fetching one file whose sha256 is known beforehand."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import aiohttp

from router.base.errors import InstallFailed
from router.base.version import __version__
from router.engine.install.progress import InstallProgress, OnProgress
from router.engine.install.work import in_thread

_CHUNK = 1 << 20
_SMALL = 4096
# A slow line may take as long as it needs; one that sends nothing for half a minute is dead.
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_connect=10, sock_read=30)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a release. `size` is bytes; `sha256` is hexadecimal, None if the API told none."""

    name: str
    url: str
    size: int
    sha256: str | None


def session() -> aiohttp.ClientSession:
    """Return a client that uses the proxies of the environment and never decompresses what it was sent."""
    headers = {"User-Agent": f"hal0/{__version__}", "Accept-Encoding": "identity"}
    return aiohttp.ClientSession(trust_env=True, timeout=_TIMEOUT, headers=headers, auto_decompress=False)


async def download(http: aiohttp.ClientSession, asset: Asset, target: Path, on_progress: OnProgress) -> Path:
    """Stream `asset` into the new file `target` and return it. Raises InstallFailed, OSError (disk full).

    After an error `target` may hold a part of it; the caller throws its folder away.
    """
    expected = _digest(asset)
    if Path(asset.name).name != asset.name:
        raise InstallFailed(f"The release has a file with the impossible name {asset.name!r}.")
    file = await in_thread(target.open, "xb")
    try:
        actual = await _stream(http, asset, file, on_progress)
    except TimeoutError as error:
        raise InstallFailed(f"The download of {asset.name} stood still for 30 s; try again.") from error
    except aiohttp.ClientError as error:
        raise InstallFailed(f"The download of {asset.name} broke off ({error}); try again.") from error
    finally:
        await in_thread(file.close)
    _compare(asset, expected, actual)
    return target


async def read_small(http: aiohttp.ClientSession, asset: Asset) -> bytes:
    """Return the content of a file of at most 4 KiB, in memory. Raises InstallFailed."""
    expected = _digest(asset)
    try:
        async with asyncio.timeout(30), http.get(asset.url) as response:
            response.raise_for_status()
            content = await response.content.read(_SMALL)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise InstallFailed(f"{asset.name} could not be downloaded ({error}).") from error
    _compare(asset, expected, hashlib.sha256(content).hexdigest())
    return content


async def _stream(http: aiohttp.ClientSession, asset: Asset, file: BinaryIO, on_progress: OnProgress) -> str:
    digest = hashlib.sha256()
    step, done = f"Downloading {asset.name}", 0
    on_progress(InstallProgress(step, 0, asset.size))
    async with http.get(asset.url) as response:
        response.raise_for_status()
        buffer = bytearray()
        async for chunk in response.content.iter_any():
            buffer += chunk
            if len(buffer) >= _CHUNK:
                done += await in_thread(_take, file, digest, bytes(buffer))
                buffer.clear()
                on_progress(InstallProgress(step, done, asset.size))
        done += await in_thread(_take, file, digest, bytes(buffer))
    on_progress(InstallProgress(step, done, asset.size))
    return digest.hexdigest()


def _take(file: BinaryIO, digest: hashlib._Hash, data: bytes) -> int:
    digest.update(data)
    file.write(data)
    return len(data)


def _digest(asset: Asset) -> str:
    if asset.sha256 is None:
        raise InstallFailed(f"GitHub tells no checksum for {asset.name}, so it was not downloaded.")
    return asset.sha256


def _compare(asset: Asset, expected: str, actual: str) -> None:
    if actual != expected:
        raise InstallFailed(
            f"{asset.name} is not what llama.cpp published (its sha256 is {actual[:12]}…, not "
            f"{expected[:12]}…); nothing was installed. Try again, and check the proxy if it happens again."
        )
