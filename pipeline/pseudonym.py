"""Patients' identifiers to pseudonyms: keyed, so that nobody without the key can try identifiers."""

import hashlib
import hmac
import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import Self

from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.metadata import ImageMetadata

MIN_KEY_BYTES = 32
SEPARATOR = "\N{SYMBOL FOR UNIT SEPARATOR}"
_PSEUDONYM = re.compile(r"k[1-9]\d*:[0-9a-f]{64}", re.ASCII)


class Pseudonymizer:
    """HMAC-SHA256 (RFC 2104) under one key; `number` stands before each pseudonym so that keys can rotate."""

    def __init__(self, key: bytes, number: int) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise Fatal(f"The pseudonym key has {len(key)} bytes; it needs at least {MIN_KEY_BYTES}.")
        self._key = key
        self._number = number

    @classmethod
    def load(cls, path: Path, number: int) -> Self:
        """The key is the whole content of `path`.

        Raises `Fatal` when the file cannot be read, is too short, or can be read by group or others.
        """
        try:
            with path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                key = file.read()
        except OSError as error:
            raise Fatal(f"The pseudonym key file cannot be read ({type(error).__name__}).") from None
        if mode & 0o077:
            raise Fatal(
                f"The pseudonym key file has mode {mode:04o}; only its owner may read it (chmod 600)."
            )
        return cls(key, number)

    def of(self, issuer: str, identifier: str) -> str:
        """`k<number>:<64 hexadecimal digits>` of an identifier as its issuer gave it.

        Both are trimmed and NFC first, so that the same patient typed on two systems is one patient. What
        already is a pseudonym passes unchanged. Raises ValueError for an identifier of blanks.
        """
        issuer, identifier = _normal(issuer), _normal(identifier)
        if not identifier:
            raise ValueError("an identifier has at least one visible character")
        if _PSEUDONYM.fullmatch(identifier):
            return identifier
        message = f"{issuer}{SEPARATOR}{identifier}".encode()
        return f"k{self._number}:{hmac.new(self._key, message, hashlib.sha256).hexdigest()}"


def pseudonym_for(metadata: ImageMetadata, pseudonymizer: Pseudonymizer | None) -> str | None:
    """The pseudonym of the image's patient, None where the metadata names none.

    Raises `Fatal` for an identifier when there is no key: it must not be stored, nor the image lose its
    patient in silence. A pseudonym needs no key.
    """
    if metadata.patient is None:
        return None
    return _pseudonym(metadata.issuer, metadata.patient, pseudonymizer, "An image names a patient")


def accession_for(metadata: ImageMetadata, pseudonymizer: Pseudonymizer | None) -> str | None:
    """The pseudonym of the image's accession number, None where the metadata names none; raises as above."""
    if metadata.accession is None:
        return None
    return accession_pseudonym(metadata.issuer, metadata.accession, pseudonymizer)


def accession_pseudonym(issuer: str, number: str, pseudonymizer: Pseudonymizer | None) -> str:
    """The pseudonym of an accession number, another than that of a patient of the same number.

    Raises `Fatal` when it needs a key and there is none.
    """
    return _pseudonym(
        f"accession{SEPARATOR}{_normal(issuer)}", number, pseudonymizer, "An accession number is given"
    )


def _pseudonym(issuer: str, identifier: str, pseudonymizer: Pseudonymizer | None, what: str) -> str:
    if pseudonymizer is not None:
        return pseudonymizer.of(issuer, identifier)
    if _PSEUDONYM.fullmatch(_normal(identifier)):
        return _normal(identifier)
    raise Fatal(f"{what}, but no pseudonym key is configured: set EVENSCREEN_PSEUDONYM_KEY_FILE.")


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
