"""Small photographs, each different from all others."""

import io

import numpy as np
from PIL import Image

SIDE = 48


def photograph(number: int, *, malignant: bool = False) -> bytes:
    """A PNG of noise that leans to red (malignant to the tiny model) or to green; the number is its seed."""
    random = np.random.default_rng(number)
    pixels = random.integers(0, 120, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:, :, 0 if malignant else 1] += 130
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
