"""Formats are told by their first bytes."""

from io import BytesIO

import pytest
from PIL import Image

from evenscreen.pipeline.decode.sniff import SNIFF_BYTES, sniff
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.reasons import Reason


@pytest.mark.parametrize("raster", ["JPEG", "PNG", "WEBP"])
def test_screened_formats_are_named(raster: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, raster)
    assert sniff(buffer.getvalue()[:SNIFF_BYTES]) == raster


@pytest.mark.parametrize(
    ("pillow", "name"),
    [
        ("GIF", "GIF"),
        ("TIFF", "TIFF"),
        ("BMP", "BMP"),
        ("AVIF", "AVIF"),
        ("JPEG2000", "JPEG 2000"),
        ("PDF", "PDF"),
    ],
)
def test_other_formats_are_unsupported_by_name(pillow: str, name: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, pillow)
    with pytest.raises(Rejected) as caught:
        sniff(buffer.getvalue()[:SNIFF_BYTES])
    assert (caught.value.reason, caught.value.detail) == (Reason.FORMAT_UNSUPPORTED, name)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (bytes(128) + b"DICM", "DICOM"),
        (b"\xff\xd8\xff\xe0".ljust(128, b"\0") + b"DICM", "DICOM"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIC"),
        (b"\xff\x0a\x00", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\xd8\xff\xf7\0\x0b", "JPEG-LS"),
        (b"MM\0*\0\0", "TIFF"),
    ],
)
def test_formats_that_pillow_cannot_write_are_unsupported_by_name(head: bytes, name: str) -> None:
    with pytest.raises(Rejected) as caught:
        sniff(head)
    assert (caught.value.reason, caught.value.detail) == (Reason.FORMAT_UNSUPPORTED, name)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\xd8",
        b"hello",
        b"BMW 320i series",
        b"RIFF\0\0\0\0WAVE",
        b"<svg",
        b"\0" * 132,
        b"\0\0\0\x18ftypmp42",
        b"PK\3\4",
    ],
)
def test_what_is_no_image_is_not_called_one(head: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        sniff(head)
    assert caught.value.reason is Reason.NOT_AN_IMAGE
