"""A change of verdict leaves the house signed, with names and times and nothing else."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from evenscreen.pipeline.audit.announce import SIGNATURE, send
from evenscreen.schemas.errors import Fatal, Transient

Told = list[tuple[bytes, str | None]]


@contextmanager
def receiver(answer: int) -> Iterator[tuple[str, Told]]:
    """A web server that notes what it is told."""
    told: Told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers[SIGNATURE]))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/verdicts", told
        finally:
            server.shutdown()
            thread.join()


def test_the_receiver_can_check_who_sent_it() -> None:
    with receiver(204) as (url, told):
        send(url, "secret", b'{"conclusion": "uneven"}')
    expected = hmac.new(b"secret", b'{"conclusion": "uneven"}', hashlib.sha256).hexdigest()
    assert told == [(b'{"conclusion": "uneven"}', f"sha256={expected}")]


def test_a_receiver_that_refuses_is_told_again_later() -> None:
    with receiver(503) as (url, _), pytest.raises(Transient, match="503"):
        send(url, "secret", b"{}")


def test_nobody_there_is_weather() -> None:
    with pytest.raises(Transient, match="webhook"):
        send("http://127.0.0.1:9/", "secret", b"{}")


@pytest.mark.parametrize(
    ("url", "secret", "sentence"),
    [
        ("http://example.org/", "secret", "https://"),
        ("file:///etc/passwd", "secret", "https://"),
        ("https://example.org/", "", "SECRET"),
    ],
)
def test_nothing_leaves_unsigned_or_in_the_clear(url: str, secret: str, sentence: str) -> None:
    with pytest.raises(Fatal, match=sentence):
        send(url, secret, b"{}")
