"""JPEG, PNG and WebP to RGB pixels, with Pillow."""

import struct
import threading
import zlib
from contextlib import nullcontext
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from evenscreen.pipeline.decode.colour import eight_bits, to_srgb
from evenscreen.pipeline.decode.sniff import SNIFF_BYTES, Raster, sniff
from evenscreen.pipeline.decode.structure import check_structure
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.reasons import Reason

_READERS: dict[Raster, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
}
"""The allow-list. `Image.open` would add its own pixel limit (a process-wide setting) and turn a JPEG
with a preview or gain map behind it into a file of several images; ours is always the first."""

DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    TypeError,
)
"""What Pillow raises for damaged files; `tests/unit/decode/test_damage.py` looks for more."""

LARGE_PIXELS = 16_000_000
_AVERAGED = ("L", "LA", "RGB", "RGBA", "CMYK")
_one_large_at_a_time = threading.Lock()

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation (Exif 3.0, 4.6.5.1) to the turn that makes the image upright."""


def decode(body: bytes, *, max_pixels: int, min_side: int, target_side: int) -> npt.NDArray[np.uint8]:
    """Pixels of an encoded image: uint8 [h, w, 3], sRGB, upright, contiguous.

    A JPEG may come back at 1/2, 1/4 or 1/8 of its size, and any image of more than `LARGE_PIXELS` at a whole
    fraction, with both sides still at least `2 * target_side`: what is scaled to `target_side` next loses
    nothing visible, and a large file takes a fraction of the time and of the memory. 100 million pixels take
    0.4 to 0.8 GB for a moment, however many threads there are: a worker that is killed for its memory would
    leave the same image to the next.

    Raises `Rejected`: NOT_AN_IMAGE, FORMAT_UNSUPPORTED (another format; several frames, which must not
    become one in silence), IMAGE_TRUNCATED, TOO_MANY_PIXELS and TOO_SMALL (by the header, before pixels
    are decoded), IMAGE_CORRUPT. Safe in several threads.
    """
    raster = sniff(body[:SNIFF_BYTES])
    check_structure(body, raster)
    try:
        with _READERS[raster](BytesIO(body)) as image:
            _check_header(image, raster, max_pixels, min_side)
            image.draft(None, (2 * target_side, 2 * target_side))
            with _one_large_at_a_time if _is_large(image) else nullcontext():
                image.load()
                if image.mode == "P" and image.palette is None:
                    raise Rejected(Reason.IMAGE_CORRUPT, "no palette")
                pixels = to_srgb(_reduced(eight_bits(image), 2 * target_side))
            return np.array(_upright(pixels, image), dtype=np.uint8)
    except Image.DecompressionBombError:
        # Pillow's WebP reader has a limit of its own, checked before ours can be.
        raise Rejected(Reason.TOO_MANY_PIXELS, raster) from None
    except DAMAGE:
        raise Rejected(Reason.IMAGE_CORRUPT, raster) from None


def _is_large(image: Image.Image) -> bool:
    return image.width * image.height > LARGE_PIXELS


def _reduced(image: Image.Image, least: int) -> Image.Image:
    """A large image averaged over squares of pixels, as JPEG's own reduction does, while that can be."""
    factor = min(image.size) // least
    if factor < 2 or not _is_large(image) or image.mode not in _AVERAGED or "transparency" in image.info:
        return image
    return image.reduce(factor)


def _check_header(image: ImageFile.ImageFile, raster: Raster, max_pixels: int, min_side: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise Rejected(Reason.TOO_MANY_PIXELS, f"{width} x {height}")
    if min(width, height) < min_side:
        raise Rejected(Reason.TOO_SMALL, f"{width} x {height}")
    if getattr(image, "n_frames", 1) > 1:
        raise Rejected(Reason.FORMAT_UNSUPPORTED, f"{raster} with several frames")


def _upright(pixels: Image.Image, image: ImageFile.ImageFile) -> Image.Image:
    """`pixels` turned as the EXIF data of `image` say; damaged EXIF data say nothing."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except DAMAGE:
        orientation = None
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return pixels if turn is None else pixels.transpose(turn)
