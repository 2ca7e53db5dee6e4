"""From decoded RGB to what the graph takes. Training, calibration and serving import this one function."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from evenscreen.schemas.manifest import Preprocessing


def preprocess(rgb: npt.NDArray[np.uint8], spec: Preprocessing) -> npt.NDArray[np.uint8]:
    """Scale `rgb` (uint8 [h, w, 3]) until it covers the target, crop the centre: uint8 [height, width, 3].

    The filter is Pillow's bilinear, which widens with the scale when it shrinks (antialiased). Crop and
    scaling are one resampling, so that no edge is rounded twice. Values stay 0..255: normalisation is in
    the graph. The result is contiguous and the caller's to change.

    Raises ValueError when `rgb` is not uint8 [h, w, 3] with both sides at least 1.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"an image is uint8 [h, w, 3], not {rgb.dtype} {list(rgb.shape)}")
    source_height, source_width = rgb.shape[:2]
    scale = min(source_height / spec.height, source_width / spec.width)
    crop_height, crop_width = spec.height * scale, spec.width * scale
    top, left = (source_height - crop_height) / 2, (source_width - crop_width) / 2
    resized = Image.fromarray(rgb).resize(
        (spec.width, spec.height),
        Image.Resampling.BILINEAR,
        box=(left, top, left + crop_width, top + crop_height),
    )
    return np.array(resized, dtype=np.uint8)
