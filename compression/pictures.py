"""One labelled image as a file and as pixels. Where one is wrong its line is named, never the image."""

import hashlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from evenscreen.pipeline.decode.raster import DAMAGE
from evenscreen.pipeline.preprocess import preprocess
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

Place = tuple[int, str]
"""The line of labels.csv that names an image, and the file's name."""


def decoded(folder: Path, place: Place, spec: Preprocessing) -> npt.NDArray[np.uint8]:
    """The image preprocessed as in serving: uint8 [H, W, 3]. Raises Fatal when it is missing or damaged."""
    content = _content(folder, place)
    try:
        with Image.open(BytesIO(content)) as image:
            return preprocess(np.asarray(image.convert("RGB")), spec)
    except (Image.DecompressionBombError, *DAMAGE):
        raise Fatal(
            f"labels.csv, line {place[0]}, column image: this image is damaged or none at all."
        ) from None


def checksum(folder: Path, places: Iterable[Place]) -> str:
    """SHA-256 over labels.csv and the bytes of these images. Raises Fatal when one cannot be read."""
    digest = hashlib.sha256((folder / "labels.csv").read_bytes())
    for place in places:
        digest.update(_content(folder, place))
    return digest.hexdigest()


def _content(folder: Path, place: Place) -> bytes:
    images, (line, name) = folder / "images", place
    if not images.is_dir():
        raise Fatal("The folder of labels.csv has no folder images/ beside it.")
    try:
        return (images / name).read_bytes()
    except OSError:
        raise Fatal(f"labels.csv, line {line}, column image: this image cannot be read.") from None
