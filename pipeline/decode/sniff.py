"""Which image format a file is, by its first bytes; names and content types are not believed."""

from typing import Literal

from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.reasons import Reason

SNIFF_BYTES = 132
"""As far as the farthest signature reaches (DICOM PS3.10, 7.1: `DICM` after 128 bytes)."""

Raster = Literal["JPEG", "PNG", "WEBP"]

_OTHERS = (
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"%PDF-", "PDF"),
    (b"8BPS", "PSD"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\xd8\xff\xf7", "JPEG-LS"),
)
_HEIF_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"
)


def sniff(head: bytes) -> Raster:
    """The format of a file whose first `SNIFF_BYTES` bytes (or all it has) are `head`.

    Raises `Rejected`: FORMAT_UNSUPPORTED with the format's name for images that are not screened,
    NOT_AN_IMAGE for everything else.
    """
    if other := _unsupported(head):
        raise Rejected(Reason.FORMAT_UNSUPPORTED, other)
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    raise Rejected(Reason.NOT_AN_IMAGE)


def _unsupported(head: bytes) -> str | None:
    if head[128:132] == b"DICM":
        return "DICOM"
    if head[4:8] == b"ftyp":
        return _HEIF_BRANDS.get(head[8:12])
    # "BM" alone begins many a text: the four reserved bytes of the header are zero as well.
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "BMP"
    return next((name for magic, name in _OTHERS if head.startswith(magic)), None)
