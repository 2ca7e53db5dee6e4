"""Pseudonyms: the same patient always, nobody without the key."""

import hashlib
import hmac
import unicodedata
from pathlib import Path

import pytest

from evenscreen.pipeline.pseudonym import Pseudonymizer, pseudonym_for
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.metadata import ImageMetadata

KEY = bytes(range(32))


def test_pseudonym_is_hmac_sha256_of_issuer_and_identifier() -> None:
    expected = hmac.new(KEY, "clinic␟4711".encode(), hashlib.sha256).hexdigest()
    assert Pseudonymizer(KEY, 1).of("clinic", "4711") == f"k1:{expected}"


def test_spelling_that_looks_alike_is_one_patient() -> None:
    pseudonymizer = Pseudonymizer(KEY, 1)
    composed = pseudonymizer.of("Köln", "Mü-1")
    assert pseudonymizer.of(" Köln ", unicodedata.normalize("NFD", "Mü-1") + "\n") == composed


def test_issuers_keys_and_numbers_keep_patients_apart() -> None:
    pseudonyms = {
        Pseudonymizer(KEY, 1).of("a", "bc"),
        Pseudonymizer(KEY, 1).of("ab", "c"),
        Pseudonymizer(KEY[::-1], 1).of("a", "bc"),
        Pseudonymizer(KEY, 2).of("a", "bc"),
    }
    assert len(pseudonyms) == 4


def test_pseudonym_passes_unchanged_with_and_without_a_key() -> None:
    pseudonym = Pseudonymizer(KEY, 3).of("", "x")
    assert Pseudonymizer(KEY[::-1], 4).of("", pseudonym) == pseudonym
    assert pseudonym_for(ImageMetadata(patient=pseudonym), None) == pseudonym


@pytest.mark.parametrize("almost", ["k1:abc", "K1:" + "0" * 64, "k1:" + "0" * 63 + "g", "k1:" + "0" * 65])
def test_what_only_resembles_a_pseudonym_is_hashed(almost: str) -> None:
    assert Pseudonymizer(KEY, 1).of("", almost) != almost


def test_identifier_without_a_key_stops_the_door_without_naming_it() -> None:
    with pytest.raises(Fatal, match="no pseudonym key") as caught:
        pseudonym_for(ImageMetadata(patient="Jane Doe"), None)
    assert "Jane" not in str(caught.value)


def test_no_patient_needs_no_key() -> None:
    assert pseudonym_for(ImageMetadata(), None) is None


def test_key_file_of_its_owner_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    loaded = Pseudonymizer.load(path, 1)
    assert loaded.of("", "x") == Pseudonymizer(KEY, 1).of("", "x")


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (KEY, 0o640, "chmod 600"),
        (KEY, 0o604, "chmod 600"),
        (KEY[:-1], 0o600, "31 bytes"),
        (None, 0, "cannot be read"),
    ],
)
def test_weak_key_file_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes | None, mode: int, sentence: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(Fatal, match=sentence):
        Pseudonymizer.load(path, 1)
