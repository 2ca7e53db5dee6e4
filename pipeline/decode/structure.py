"""Whether a file is whole, by the structure of its format.

Decoders forgive a missing tail or one of zeros (a copy that stopped half-way in a file of full length), and
would hand half a grey image to the model. So the end is looked for before anything is decoded. What
follows the end is ignored: smartphones append depth maps and films to their JPEGs.
"""

import re
import zlib

from evenscreen.pipeline.decode.sniff import Raster
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.reasons import Reason

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next JPEG marker in entropy-coded data; 00 is stuffing, D0..D7 restart it (ITU-T T.81, B.1.1)."""
_EOI, _TEM = 0xD9, 0x01


def check_structure(body: bytes, raster: Raster) -> None:
    """Return when the image that begins at the first byte of `body` also ends in it.

    Raises `Rejected`: IMAGE_TRUNCATED, or IMAGE_CORRUPT for a PNG that fails its own checksums, which
    Pillow does not verify for pixel data.
    """
    if raster == "JPEG":
        whole = _jpeg(body)
    elif raster == "PNG":
        whole = _png(body)
    else:
        whole = int.from_bytes(body[4:8], "little") + 8 <= len(body)
    if not whole:
        raise Rejected(Reason.IMAGE_TRUNCATED, raster)


def _jpeg(body: bytes) -> bool:
    """Follow the segments by their lengths and the scans by their markers to End Of Image."""
    place = 2
    while marker := _MARKER.search(body, place):
        kind = body[marker.start() + 1]
        if kind == _EOI:
            return True
        place = marker.end()
        if kind != _TEM:
            place += int.from_bytes(body[place : place + 2], "big")
    return False


def _png(body: bytes) -> bool:
    """Follow the chunks (length, type, data, CRC: PNG third edition, 5.3) to IEND."""
    view = memoryview(body)
    place = 8
    while place + 12 <= len(body):
        end = place + 12 + int.from_bytes(view[place : place + 4], "big")
        if end > len(body):
            return False
        kind = body[place + 4 : place + 8]
        # Chunks whose type begins with a capital are critical; damage to others costs nothing.
        critical = kind[:1].isupper()
        if critical and zlib.crc32(view[place + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise Rejected(Reason.IMAGE_CORRUPT, "PNG")
        if kind == b"IEND":
            return True
        place = end
    return False
