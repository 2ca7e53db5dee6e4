"""A proxy in front of a real S3 server that fails a share of all GETs, as real networks do."""

import http.client
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class Weather:
    """What the proxy does to a GET: `refused` answers were 503, `cut` ones ended within the body.

    Of every twenty GETs one is refused and one is cut, at places that `chance` draws: a tenth fails, whatever
    it draws.
    """

    chance: random.Random
    gets: int = 0
    refused: int = 0
    cut: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ahead: list[str] = field(default_factory=list)

    def next(self) -> str:
        with self.lock:
            if not self.ahead:
                self.ahead = ["clear"] * 18 + ["refuse", "cut"]
                self.chance.shuffle(self.ahead)
            happening = self.ahead.pop()
            self.gets += 1
            self.refused += happening == "refuse"
            self.cut += happening == "cut"
            return happening


@contextmanager
def stormy(upstream: str, weather: Weather) -> Iterator[str]:
    """The endpoint of a proxy to `upstream`; host header and signature pass unchanged."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(upstream).netloc, weather))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="proxy")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(upstream: str, weather: Weather) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            happening = weather.next() if "list-type" not in self.path else "clear"
            if happening == "refuse":
                self._answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN, len(SLOW_DOWN))
            else:
                self._forward(cut=happening == "cut")

        def do_HEAD(self) -> None:
            self._forward(cut=False)

        def _forward(self, *, cut: bool) -> None:
            connection = http.client.HTTPConnection(upstream, timeout=20)
            connection.request(self.command, self.path, headers=dict(self.headers))
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            headers = {
                k: v for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection")
            }
            size = int(answer.getheader("Content-Length", "0"))
            self._answer(answer.status, headers, body[: len(body) // 2] if cut else body, size)

        def _answer(self, status: int, headers: dict[str, str], body: bytes, size: int) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(size))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Requests are no output of a test."""

    return Handler
