"""Mutated, spliced and cut files: the only thing that ever comes out of decoding is pixels or `Rejected`."""

import random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evenscreen.pipeline.decode import decode
from evenscreen.schemas.errors import Rejected

SEED = 20_240_131
ROUNDS = 250
KINDS = ["jpeg", "progressive", "cmyk", "png", "palette", "sixteen", "grey", "animated", "webp", "lossless"]


def mutated(body: bytes, other: bytes, chance: random.Random) -> bytes:
    """One to eight bytes changed (mostly near the start, where headers are), or a piece cut out or put in."""
    data = bytearray(body)
    kind = chance.randrange(6)
    for _ in range(chance.randint(1, 8)):
        place = int(len(data) * chance.random() ** chance.choice((1, 4)))
        data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    start, length = chance.randrange(len(data)), chance.randint(1, 64)
    if kind == 0:
        del data[start : start + length]
    elif kind == 1:
        data[start:start] = chance.randbytes(length)
    elif kind == 2:
        data[start : start + length] = other[start % len(other) :][:length]
    elif kind == 3:
        del data[start:]
    return bytes(data)


def resealed(png: bytes, make: Any) -> bytes:
    """The chunks of a mutated PNG with right checksums, so that the damage reaches the decoder."""
    out, place = png[:8], 8
    while place + 12 <= len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        out += make.png_chunk(png[place + 4 : place + 8], png[place + 8 : place + 8 + length])
        place += 12 + length
    return out


def originals(photo: Image.Image, make: Any) -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    alpha = photo.copy()
    alpha.putalpha(photo.convert("L"))
    return {
        "jpeg": make.encoded(photo, "JPEG", exif=exif, icc_profile=make.wide_gamut),
        "progressive": make.encoded(photo, "JPEG", progressive=True),
        "cmyk": make.encoded(photo.convert("CMYK"), "JPEG"),
        "png": make.encoded(photo, "PNG", exif=exif, icc_profile=make.wide_gamut),
        "palette": make.encoded(photo.quantize(16), "PNG", transparency=3),
        "sixteen": make.png16(np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3)),
        "grey": make.encoded(Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)), "PNG"),
        "animated": make.encoded(photo, "PNG", save_all=True, append_images=[photo.rotate(180)]),
        "webp": make.encoded(photo, "WEBP", exif=exif, icc_profile=make.wide_gamut),
        "lossless": make.encoded(alpha, "WEBP", lossless=True),
    }


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", KINDS)
def test_damaged_file_is_decoded_or_rejected_and_nothing_else(
    photo: Image.Image, make: Any, name: str
) -> None:
    files = originals(photo, make)
    others = list(files.values())
    chance = random.Random(f"{SEED} {name}")
    rejected = 0
    for turn in range(ROUNDS):
        body = mutated(files[name], chance.choice(others), chance)
        if turn % 2 and body.startswith(b"\x89PNG"):
            body = resealed(body, make)
        try:
            pixels = decode(body, max_pixels=1_000_000, min_side=8, target_side=16)
        except Rejected:
            rejected += 1
        except BaseException:
            print(f"seed {SEED}, {name}, turn {turn}")
            raise
        else:
            assert pixels.dtype == np.uint8
            assert pixels.shape[2] == 3
    assert rejected > ROUNDS // 10
