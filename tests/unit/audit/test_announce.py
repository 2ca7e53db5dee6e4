"""A change of verdict leaves the house signed, with names and times and nothing else."""

import hashlib
import hmac

import pytest

from evenscreen.pipeline.audit.announce import send
from evenscreen.schemas.errors import Fatal, Transient

from .receiver import receiver


def test_the_receiver_can_check_who_sent_it() -> None:
    with receiver(204) as (url, told):
        send(url, "secret", b'{"conclusion": "uneven"}')
    expected = hmac.new(b"secret", b'{"conclusion": "uneven"}', hashlib.sha256).hexdigest()
    assert told == [(b'{"conclusion": "uneven"}', f"sha256={expected}")]


def test_a_receiver_that_refuses_is_told_again_later() -> None:
    with receiver(503) as (url, _), pytest.raises(Transient, match="503"):
        send(url, "secret", b"{}")


def test_a_redirect_is_not_taken_for_an_answer() -> None:
    with receiver(204) as (there, told):
        with receiver(302, {"Location": there}) as (here, asked), pytest.raises(Transient, match="302"):
            send(here, "secret", b"{}")
        assert (len(asked), told) == (1, [])


def test_nobody_there_is_weather() -> None:
    with pytest.raises(Transient, match="webhook"):
        send("http://127.0.0.1:9/", "secret", b"{}")


@pytest.mark.parametrize(
    ("url", "secret", "sentence"),
    [
        ("http://example.org/", "secret", "https://"),
        ("file:///etc/passwd", "secret", "https://"),
        ("https://example.org/", "", "SECRET"),
        ("http://localhost.example.org/", "secret", "https://"),
        ("http://127.0.0.1.example.org/", "secret", "https://"),
        ("http://localhost@example.org/", "secret", "https://"),
        ("http://[::1/", "secret", "no address"),
        ("https://", "secret", "https://"),
    ],
)
def test_nothing_leaves_unsigned_or_in_the_clear(url: str, secret: str, sentence: str) -> None:
    with pytest.raises(Fatal, match=sentence):
        send(url, secret, b"{}")
