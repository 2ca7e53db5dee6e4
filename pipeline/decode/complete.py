"""Whether a file has its end, by the structure of its format.

Decoders forgive a missing tail or one of zeros (a copy that stopped half-way in a file of full length), and
would hand half a grey image to the model. So the end is looked for before anything is decoded. What
follows the end is ignored: smartphones append depth maps and films to their JPEGs.
"""

import re

from evenscreen.pipeline.decode.sniff import Raster

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next JPEG marker in entropy-coded data; 00 is stuffing, D0..D7 restart it (ITU-T T.81, B.1.1)."""
_EOI, _TEM = 0xD9, 0x01


def is_complete(body: bytes, raster: Raster) -> bool:
    """Whether the image that begins at the first byte of `body` also ends in it."""
    if raster == "JPEG":
        return _jpeg(body)
    if raster == "PNG":
        return _png(body)
    return int.from_bytes(body[4:8], "little") + 8 <= len(body)


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
    place = 8
    while place + 12 <= len(body):
        if body[place + 4 : place + 8] == b"IEND":
            return True
        place += 12 + int.from_bytes(body[place : place + 4], "big")
    return False
