"""A web server on loopback that notes what it is told."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from evenscreen.pipeline.audit.announce import SIGNATURE

Told = list[tuple[bytes, str | None]]


@contextmanager
def receiver(answer: int, headers: Mapping[str, str] | None = None) -> Iterator[tuple[str, Told]]:
    """Its address and what it was told so far, bodies with their signatures; it answers all alike."""
    told: Told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers[SIGNATURE]))
            self.answer()

        def do_GET(self) -> None:
            told.append((b"GET", self.headers[SIGNATURE]))
            self.answer()

        def answer(self) -> None:
            self.send_response(answer)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/verdicts", told
        finally:
            server.shutdown()
            thread.join()
