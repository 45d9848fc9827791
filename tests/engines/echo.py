"""A stand-in for engines that cannot run here (whisper, image, speech): answers what it was sent.

Run as `python echo.py PORT`. POST answers a JSON with the path, the content type and the SHA-256 of the body;
`/v1/audio/speech` answers bytes that are no text; `/health` is 200.
"""

from __future__ import annotations

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SPEECH = bytes(range(256)) * 64


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("application/json", b'{"status": "ok"}')

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/speech"):
            self._answer("audio/mpeg", SPEECH)
            return
        seen = {
            "path": self.path,
            "content_type": self.headers.get("Content-Type"),
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        self._answer("application/json", json.dumps(seen).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
