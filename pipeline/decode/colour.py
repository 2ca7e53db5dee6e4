"""Whatever colours an image has, to sRGB: skin colour is what this system is about."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}
"""Pillow's mode, and the colour space (ICC.1:2022, 7.2.6) that a profile for it must have."""
WHITE = (255, 255, 255, 255)
MAX_PROFILE_BYTES = 4 << 20


def to_srgb(image: Image.Image) -> Image.Image:
    """An RGB image from a loaded image of any 8-bit mode that JPEG, PNG and WebP have.

    Transparent parts show white, as in
    every viewer a clinician may have used: transparent is absent, and the colours stored beneath it are
    arbitrary. An embedded ICC profile is applied (perceptual intent) unless it is sRGB; one that is damaged
    or of another colour space is ignored, as if absent. PNG's gamma chunk is ignored.
    """
    profile = image.info.get("icc_profile")
    plain = _opaque(image)
    space = _SPACES.get(plain.mode)
    if isinstance(profile, bytes) and space and len(profile) <= MAX_PROFILE_BYTES:
        transform = _transform(profile, plain.mode, space)
        if transform is not None:
            return transform.apply(plain)
    return plain.convert("RGB")


def eight_bits(image: Image.Image) -> Image.Image:
    """`image` itself; of a 16-bit grey one the high bytes, as Pillow takes of 16-bit colour."""
    if not image.mode.startswith("I"):
        return image
    high = Image.fromarray(np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8))
    high.info = {"icc_profile": image.info.get("icc_profile")}
    return high


def _opaque(image: Image.Image) -> Image.Image:
    """Without palette or transparency: mode L, RGB or CMYK."""
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, WHITE), coloured).convert("RGB")
    if image.mode in _SPACES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str, space: str) -> ImageCms.ImageCmsTransform | None:
    """The way to sRGB, None where there is none to go. A department has a few cameras: 16 are remembered.

    LittleCMS copies a transform's pixel cache per call, so threads may share it.
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != space or "sRGB" in (
            source.profile.profile_description or ""
        ):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
