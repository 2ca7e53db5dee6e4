from pathlib import Path

import numpy as np
from PIL import Image

from evenscreen.compression.contact_sheet import GAP_PX, HEADER_PX, MARGIN_PX, contact_sheet
from evenscreen.compression.tones import TONES, render


def test_a_sheet_shows_every_lesion_as_it_is_and_on_six_tones(tmp_path: Path) -> None:
    images = np.random.default_rng(5).integers(60, 220, (3, 40, 48, 3), np.uint8)

    contact_sheet(images, tmp_path / "sheet.png", credit="Nobody, CC0")

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        pixels = np.asarray(sheet)
    columns = [images, *(render(images, tone) for tone in TONES)]
    for column, tiles in enumerate(columns):
        for row, tile in enumerate(tiles):
            top, left = HEADER_PX + row * (40 + GAP_PX), MARGIN_PX + column * (48 + GAP_PX)
            assert np.array_equal(pixels[top : top + 40, left : left + 48], tile)
    assert (pixels[:HEADER_PX, MARGIN_PX:].min(-1) < 100).any()
    assert (pixels[-HEADER_PX:, MARGIN_PX:].min(-1) < 100).any()
