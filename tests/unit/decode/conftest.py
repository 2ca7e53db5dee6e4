"""Small images in every form that clinics send, made here."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from evenscreen.pipeline.decode import decode


def encoded(image: Image.Image, raster: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, raster, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(pixels: npt.NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG of [h, w, channels], which Pillow cannot write."""
    height, width, channels = pixels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def icc_profile(space: bytes, primaries: dict[bytes, tuple[float, float, float]], gamma: float) -> bytes:
    """A matrix or grey profile (ICC.1:2001-04): XYZ columns under D50 and one gamma for all channels."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    white = (0.9642, 1.0, 0.8249)
    xyz = {
        name: b"XYZ \0\0\0\0" + b"".join(map(fixed, v)) for name, v in (primaries | {b"wtpt": white}).items()
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    curves = [b"rTRC", b"gTRC", b"bTRC"] if space == b"RGB " else [b"kTRC"]
    name = b"test\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    tags = xyz | dict.fromkeys(curves, curve) | {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    table, data, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += tag + struct.pack(">II", place + len(data), len(content))
        data += content
    size = place + len(data)
    head = struct.pack(">I4sI", size, b"", 0x02400000) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + b"".join(map(fixed, white))
    return head.ljust(128, b"\0") + table + data


WIDE_GAMUT = icc_profile(
    b"RGB ",
    {b"rXYZ": (0.6097, 0.3111, 0.0195), b"gXYZ": (0.2053, 0.6257, 0.0609), b"bXYZ": (0.1492, 0.0632, 0.7446)},
    2.2,
)
"""Adobe RGB (1998), as some cameras embed it."""


@pytest.fixture
def photo() -> Image.Image:
    """80 x 60, smooth, with all colours: survives JPEG with an error of a few levels."""
    y, x = np.mgrid[0:60, 0:80]
    return Image.fromarray(np.stack([x * 3, y * 4, 255 - x * 2], axis=-1).astype(np.uint8))


@pytest.fixture
def pixels_of() -> Callable[[bytes], npt.NDArray[np.uint8]]:
    return lambda body: decode(body, max_pixels=10_000_000, min_side=8, target_side=224)


@pytest.fixture
def make() -> Any:
    """The makers above, for tests that need them by name."""

    class Makers:
        encoded = staticmethod(encoded)
        png_chunk = staticmethod(png_chunk)
        png16 = staticmethod(png16)
        wide_gamut = WIDE_GAMUT
        grey_profile = icc_profile(b"GRAY", {}, 1.0)

    return Makers
