"""A picture for people: some lesions as they are and on the six simulated tones."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from evenscreen.compression.groups import TYPES
from evenscreen.compression.tones import TONES, render
from evenscreen.pipeline.preprocess import preprocess
from evenscreen.schemas.manifest import Preprocessing

COLUMNS = ("original", *(f"{tone} simulated" for tone in TYPES))

GAP_PX = 6
HEADER_PX = 22
MARGIN_PX = 62
TEXT_PX = 12


def contact_sheet(images: npt.NDArray[np.uint8], path: Path, credit: str = "") -> None:
    """Write a PNG to `path`: one row per image of `images` (uint8 [n, H, W, 3]), original and tones I to VI.

    `credit` is written below, as a licence may ask: mind it before the file goes anywhere.
    """
    n, height, width = images.shape[:3]
    columns = [images, *(render(images, tone) for tone in TONES)]
    sheet_width = MARGIN_PX + len(columns) * (width + GAP_PX)
    sheet_height = HEADER_PX + n * (height + GAP_PX) + (HEADER_PX if credit else 0)
    sheet = Image.new("RGB", (sheet_width, sheet_height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT_PX)
    for column, (title, tiles) in enumerate(zip(COLUMNS, columns, strict=True)):
        left = MARGIN_PX + column * (width + GAP_PX)
        pen.text((left + width // 2, HEADER_PX // 2), title, "black", font, anchor="mm")
        for row, tile in enumerate(tiles):
            sheet.paste(Image.fromarray(tile), (left, HEADER_PX + row * (height + GAP_PX)))
    for row in range(n):
        middle = HEADER_PX + row * (height + GAP_PX) + height // 2
        pen.text((MARGIN_PX // 2, middle), f"lesion {row + 1}", "black", font, anchor="mm")
    pen.text((MARGIN_PX, sheet_height - HEADER_PX // 2), credit, "black", font, anchor="lm")
    sheet.save(path, format="PNG", optimize=True)


def first_images(folder: Path, count: int, side: int) -> npt.NDArray[np.uint8]:
    """The first `count` images of `folder` in the order of their names, uint8 [n, side, side, 3]."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    spec, images = Preprocessing(height=side, width=side), []
    for file in files[:count]:
        with Image.open(file) as image:
            images.append(preprocess(np.asarray(image.convert("RGB")), spec))
    return np.stack(images) if images else np.empty((0, side, side, 3), np.uint8)
