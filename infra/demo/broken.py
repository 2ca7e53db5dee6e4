"""Deliberately broken files, each as an imaging system may really leave them behind."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Broken:
    """One broken file: its name, what is wrong with it, and the MD5 of its content."""

    name: str
    wrong: str
    etag: str


def write_broken(folder: Path, photograph: Path) -> list[Broken]:
    """Write one file per kind of damage into `folder`."""
    whole = photograph.read_bytes()
    files = {
        "copied-halfway.jpg": (whole[: len(whole) // 2], "cut off in the middle of a copy"),
        "empty.jpg": (b"", "a file without bytes"),
        "letter.jpg": (
            b"Dear colleague, please find the photographs attached.\n" * 20,
            "a letter named .jpg",
        ),
        "scan.gif": (b"GIF89a" + bytes(64), "a format that is not screened"),
        "bomb.png": (_png_header(60_000, 60_000), "a header that promises 3.6 billion pixels"),
        "thumbnail.png": (_tiny_png(), "eight pixels wide"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return [
        Broken(name, wrong, hashlib.md5(content, usedforsecurity=False).hexdigest())
        for name, (content, wrong) in files.items()
    ]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


END = _chunk(b"IEND", b"")


def _png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 64)) + END


def _tiny_png() -> bytes:
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x80" * 24 for _ in range(8))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + END
