"""Talks to Hugging Face, or to the server that HF_ENDPOINT names, through `huggingface_hub`. Blocking.

The token is the one `hf auth login` or HF_TOKEN left (huggingface_hub finds it); hal0 keeps none. Files are
fetched over plain HTTP with Range: huggingface_hub's own download (2.x) throws its part away when it ends.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from router.base.errors import PullFailed
from router.base.files import is_file
from router.base.os_errors import connection_words
from router.base.version import __version__
from router.hub.names import RepoFile
from router.hub.retry import TemporaryFailure

if TYPE_CHECKING:
    import httpx2

CHUNK: Final = 1 << 20
READ_SECONDS: Final = 30.0
"""A line that sends nothing for so long is taken for dead."""

CONNECT_SECONDS: Final = 10.0
_ASKED: Final = ("downloads", "likes", "gated", "tags", "siblings", "gguf")
_BUSY: Final = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Repository:
    """One state of a repository. `commit` names it for good."""

    repo: str
    commit: str
    files: tuple[RepoFile, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """What comes. `start` is the offset of its first byte: 0 from a server that ignores ranges."""

    start: int
    chunks: Iterator[bytes]


@cache
def _leave_forks_alone() -> None:
    """Keep huggingface_hub (2.x) from closing its client in a process that was forked from this one.

    It does so before the child becomes the engine it is forked for, and waits there for a lock that a thread of
    this process may have held, as during a download: the child would wait for ever, and the router for it.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    def make() -> httpx2.Client:
        client, owner = default_client_factory(), os.getpid()
        close = client.close
        setattr(client, "close", lambda: close() if os.getpid() == owner else None)  # noqa: B010 - a method
        return client

    set_client_factory(make)


class Hub:
    """`endpoint`: its address; None: HF_ENDPOINT, else https://huggingface.co."""

    def __init__(self, endpoint: str | None = None) -> None:
        certificates = os.environ.get("SSL_CERT_FILE")
        if certificates and not is_file(Path(certificates)):
            raise PullFailed(
                f"SSL_CERT_FILE names {certificates}, which is not there: correct it, or unset it."
            )
        try:
            from huggingface_hub import HfApi
        except ValueError as error:  # it reads its variables as it is imported
            raise PullFailed(
                f"A variable that begins with HF_ cannot be read ({error}): correct it."
            ) from error
        _leave_forks_alone()
        self._api = HfApi(endpoint=endpoint, library_name="hal0", library_version=__version__)
        self.endpoint = self._api.endpoint

    def repository(self, repo: str) -> Repository:
        """Return what the repository holds now. Raises PullFailed, TemporaryFailure."""
        try:
            with self.sentences(repo):
                info = self._api.model_info(repo, files_metadata=True, timeout=READ_SECONDS)
        except (ValueError, TypeError, KeyError) as error:
            raise self._not_the_hub() from error
        files = tuple(
            RepoFile(item.rfilename, item.size or 0, item.lfs.sha256 if item.lfs else None)
            for item in info.siblings or ()
        )
        return Repository(repo, info.sha or "main", files)

    def search(self, words: str, most: int) -> list[Mapping[str, Any]]:
        """Return the hub's rows of the repositories with GGUF files that `words` name, most downloaded first.
        Raises PullFailed, TemporaryFailure.

        `HfApi.list_models` would ask a server that cannot be reached five times, for half a minute, and say
        nothing meanwhile.
        """
        from huggingface_hub import get_session

        asked: dict[str, str | int | tuple[str, ...]] = {
            **{"search": words, "filter": "gguf", "sort": "downloads"},
            **{"limit": most, "expand": _ASKED},
        }
        with self.sentences(f'"{words}"'):
            response = get_session().get(
                f"{self.endpoint}/api/models", params=asked, headers=_headers(), timeout=_timeout()
            )
            _raise_for_status(response)
        try:
            rows = response.json()
        except ValueError as error:
            raise self._not_the_hub() from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._not_the_hub()
        return rows

    @contextmanager
    def stream(self, repo: str, commit: str, path: str, start: int, end: int) -> Iterator[Stream]:
        """Open the bytes of a file from `start` up to, not with, `end`. Raises PullFailed,
        TemporaryFailure."""
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(repo, path, revision=commit, endpoint=self.endpoint)
        with self.sentences(repo), read_range(url, _headers(), start, end) as stream:
            yield stream

    @contextmanager
    def sentences(self, repo: str) -> Iterator[None]:
        """Tell huggingface_hub's errors as one sentence each."""
        import httpx2
        from huggingface_hub import errors

        try:
            yield
        except errors.GatedRepoError as error:
            raise PullFailed(self._gated(repo)) from error
        except errors.RepositoryNotFoundError as error:
            raise PullFailed(
                f"{self.endpoint} has no model {repo}, or does not show it to you: check the name; for a "
                "private one, run `hf auth login` or set HF_TOKEN."
            ) from error
        except errors.HFValidationError as error:
            raise PullFailed(f'"{repo}" is not the name of a repository: write org/repo.') from error
        except errors.OfflineModeIsEnabled as error:
            raise PullFailed("HF_HUB_OFFLINE is set, so nothing is fetched: unset it and try again.") from error
        except errors.HfHubHTTPError as error:
            raise self._refused(repo, error.response) from error
        except UnicodeError as error:
            raise PullFailed(
                "Your token holds characters that no token has: correct HF_TOKEN, or run `hf auth login` again."
            ) from error
        except ImportError as error:
            raise PullFailed(
                "A SOCKS proxy is set (ALL_PROXY, HTTPS_PROXY), which hal0 cannot use: set an HTTP proxy, or "
                "unset it."
            ) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise PullFailed(
                f'"{self.endpoint}" is no address to ask ({error}): correct HF_ENDPOINT; without it '
                "https://huggingface.co is asked."
            ) from error
        except (httpx2.TimeoutException, TimeoutError) as error:
            raise TemporaryFailure(
                f"{self.endpoint} did not answer in time; check the network and try again."
            ) from error
        except httpx2.ConnectError as error:
            raise TemporaryFailure(
                f"{self.endpoint} could not be reached ({_why(error)}); check the network.", unreachable=True
            ) from error
        except httpx2.TransportError as error:
            raise TemporaryFailure(
                f"The connection to {self.endpoint} broke off; check the network and try again."
            ) from error
        except httpx2.HTTPError as error:
            raise PullFailed(f"{self.endpoint} could not be asked ({error}); check HF_ENDPOINT.") from error

    def _not_the_hub(self) -> PullFailed:
        return PullFailed(f"What answers at {self.endpoint} is not Hugging Face; check HF_ENDPOINT.")

    def _gated(self, repo: str) -> str:
        from huggingface_hub import get_token

        accept = f"{repo} is gated: accept its terms at {self.endpoint}/{repo} in your browser"
        if get_token():
            return f"{accept}, with the account your token belongs to, and try again."
        return f"{accept}, then run `hf auth login` or set HF_TOKEN, and try again."

    def _refused(self, repo: str, response: httpx2.Response) -> PullFailed | TemporaryFailure:
        status = response.status_code
        if status in _BUSY:
            wait = _seconds(response.headers.get("Retry-After"))
            message = f"{self.endpoint} is busy (it answered {status}); try again in a while."
            if status == 429:
                message = f"{self.endpoint} takes no more requests for now (429); try again in a while."
            return TemporaryFailure(message, wait)
        if status in (401, 403):
            return PullFailed(
                f"{self.endpoint} does not let you have {repo} ({status}): check that your token is valid and "
                "may read it (`hf auth login`, or HF_TOKEN)."
            )
        return PullFailed(f"{self.endpoint} answered {status} for {repo}; try again later.")


@contextmanager
def read_range(url: str, headers: Mapping[str, str], start: int, end: int) -> Iterator[Stream]:
    """Open the bytes of `url` from `start` up to, not with, `end`. Raises huggingface_hub's errors, and
    TemporaryFailure."""
    from huggingface_hub import get_session

    asked = {**headers, "Accept-Encoding": "identity", "Range": f"bytes={start}-{end - 1}"}
    with get_session().stream("GET", url, headers=asked, timeout=_timeout()) as response:
        if response.status_code >= 400:
            response.read()
        _raise_for_status(response)
        yield Stream(_start(response, start), response.iter_bytes(CHUNK))


def _why(error: BaseException) -> str:
    """Return the system's words for what lies below an error of connecting, without its number."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, socket.gaierror):
            return "its name was not found: this computer seems to be offline"
        if isinstance(below, OSError) and (words := connection_words(below)) is not None:
            return words
        below = below.__cause__ or below.__context__
    return re.sub(r"^\[[^\]]*\]\s*", "", str(error)) or "no connection"


def _raise_for_status(response: httpx2.Response) -> None:
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, only not in its __all__
        hf_raise_for_status,
    )

    hf_raise_for_status(response)


def _headers() -> dict[str, str]:
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, only not in its __all__
        build_hf_headers,
    )

    headers: dict[str, str] = build_hf_headers(library_name="hal0", library_version=__version__)
    return headers


def _timeout() -> httpx2.Timeout:
    import httpx2

    return httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)


def _start(response: httpx2.Response, asked: int) -> int:
    """Raise TemporaryFailure if the server sends another part than the one that was asked for."""
    if response.status_code != 206:
        return 0
    content_range = response.headers.get("Content-Range", "")
    if content_range.startswith(f"bytes {asked}-"):
        return asked
    raise TemporaryFailure(
        f"The server sent another part of the file than hal0 asked for ({content_range!r}); try again."
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
