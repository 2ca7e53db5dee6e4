"""What a rendered tone must and must not change, on drawn skin and, where they are there, on real images."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evenscreen.compression.lab import Floats, lab_from_xyz, xyz_from_srgb
from evenscreen.compression.tones import (
    REDNESS_SPREAD,
    SKIN,
    TARGET_ITA,
    TONES,
    ita_degrees,
    render,
    skin_lab,
)
from evenscreen.pipeline.preprocess import preprocess
from evenscreen.schemas.manifest import Preprocessing

SHARED = Path(__file__).parents[4] / "shared" / "data"
FOLDERS = {
    "HAM10000": Path(os.environ.get("EVENSCREEN_HAM10000", SHARED / "ham10000_224")),
    "PADUFES": Path(os.environ.get("EVENSCREEN_PADUFES", SHARED / "pad_ufes_300")),
}
SKINS = {"fair": (226, 180, 160), "pink": (220, 150, 150), "tanned": (170, 120, 90), "brown": (110, 75, 55)}


@pytest.fixture(scope="module", params=["drawn", *FOLDERS])
def images(request: pytest.FixtureRequest) -> np.ndarray:
    if request.param == "drawn":
        return np.stack([drawn(colour) for colour in SKINS.values()])
    folder = FOLDERS[request.param]
    if not (folder / "labels.csv").exists():
        pytest.skip(f"no real images: set EVENSCREEN_{request.param} to their folder")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file)][::43][:10]
    spec = Preprocessing(height=128, width=128)
    return np.stack([preprocess(np.asarray(Image.open(folder / "images" / name)), spec) for name in names])


@pytest.fixture(scope="module")
def rendered(images: np.ndarray) -> dict[int, np.ndarray]:
    return {tone: render(images, tone) for tone in TONES}


@pytest.fixture(scope="module")
def skins(rendered: dict[int, np.ndarray]) -> dict[int, Floats]:
    return {tone: skin_lab(images) for tone, images in rendered.items()}


def drawn(skin: tuple[int, int, int], side: int = 96) -> np.ndarray:
    """A dark lesion with a border and a hair on textured skin, in the round field of a dermoscope."""
    random = np.random.default_rng(sum(skin))
    y, x = np.mgrid[:side, :side] / side * 2 - 1
    radius = np.hypot(y, x)
    image = np.ones((side, side, 1)) * np.array(skin, float)
    image[radius < 0.45] *= 0.6
    image[radius < 0.3] *= 0.5
    image += random.normal(0, 4, (side, side, 1))
    image[np.abs(y - x - 0.9) < 0.03] = 40
    image[radius > 1.2] = 5
    return image.clip(0, 255).astype(np.uint8)


def lightness(images: np.ndarray) -> Floats:
    return lab_from_xyz(xyz_from_srgb(images))[..., 0]


def detail(plane: np.ndarray, side: int = 9) -> np.ndarray:
    """`plane` less its mean over squares of `side` pixels."""
    sums = np.pad(plane.astype(float).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    means = (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side**2
    half = side // 2
    return plane[half:-half, half:-half] - means


def test_skin_is_found_beside_lesion_hair_and_dark_corners() -> None:
    found = skin_lab(np.stack([drawn(colour) for colour in SKINS.values()]))
    true = lab_from_xyz(xyz_from_srgb(np.array(list(SKINS.values()), np.uint8)))

    assert np.abs(found - true).max() < 2


def test_skin_is_found_beside_a_lesion_over_half_of_the_border() -> None:
    image = drawn(SKINS["fair"])
    image[:, :53] //= 2

    assert np.abs(skin_lab(image[None]) - skin_lab(drawn(SKINS["fair"])[None])).max() < 2


def test_a_highlight_on_dark_skin_does_not_burn_out_on_light_skin() -> None:
    image = drawn(SKINS["brown"])
    image[40:56, 40:56] = np.arange(170, 234, 4, np.uint8)[:, None, None]

    highlight = render(image[None], 1)[0, 40:56, 40].astype(int)

    assert highlight.max() < 255
    assert (np.diff(highlight, axis=0) >= 0).all()
    assert (highlight[-1] - highlight[0]).min() > 5


def test_a_bluish_cast_is_light_skin_and_not_the_darkest() -> None:
    assert ita_degrees(np.array([70.0, 20.0, -5.0], np.float32)) > 90
    assert ita_degrees(np.array([70.0, 10.0, 20.0], np.float32)) == pytest.approx(45)
    assert ita_degrees(np.array([30.0, 10.0, 20.0], np.float32)) == pytest.approx(-45)


def test_targets_lie_at_their_angle_and_in_their_class() -> None:
    assert ita_degrees(SKIN) == pytest.approx(TARGET_ITA, abs=1)
    bounds = [90, 55, 41, 28, 10, -30, -90]
    assert all(bounds[tone] < TARGET_ITA[tone - 1] < bounds[tone - 1] for tone in TONES)


def test_rendered_skin_has_the_angle_of_its_tone(skins: dict[int, Floats]) -> None:
    angles = np.stack([ita_degrees(skins[tone]) for tone in TONES])

    assert (np.diff(angles, axis=0) < 0).all()
    off = np.abs(angles - np.array(TARGET_ITA)[:, None])
    assert np.median(off, 1).max() < 2
    assert np.quantile(off, 0.9) < 6


def test_rendered_skin_has_a_colour_that_skin_has(skins: dict[int, Floats]) -> None:
    for tone in TONES:
        off = np.abs(skins[tone] - SKIN[tone - 1])
        assert off[:, 1].max() < REDNESS_SPREAD + 1.5
        assert np.median(off[:, [0, 2]]) < 1
        assert np.quantile(off[:, [0, 2]], 0.9) < 3


def test_structure_stays_on_every_tone(images: np.ndarray, rendered: dict[int, np.ndarray]) -> None:
    before = [detail(plane) for plane in lightness(images)]
    for tone in TONES:
        after = [detail(plane) for plane in lightness(rendered[tone])]
        alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(before, after, strict=True)]
        assert min(alike) > 0.95


def test_hardly_a_pixel_turns_black_or_white(images: np.ndarray, rendered: dict[int, np.ndarray]) -> None:
    for tone in TONES:
        black = (rendered[tone].max(-1) < 3) & (images.max(-1) > 15)
        white = (rendered[tone].min(-1) > 253) & (images.min(-1) < 240)
        assert (black | white).mean() < 0.001
        cut = np.isin(rendered[tone], (0, 255)) & (images > 15) & (images < 240)
        assert cut.any(-1).mean() < 0.005


def test_on_the_darkest_tone_half_of_the_contrast_is_left(
    images: np.ndarray, rendered: dict[int, np.ndarray], skins: dict[int, Floats]
) -> None:
    before = skin_lab(images)[:, 0] - np.quantile(lightness(images), 0.05, axis=(1, 2))
    after = skins[6][:, 0] - np.quantile(lightness(rendered[6]), 0.05, axis=(1, 2))

    assert np.median(after / before) > 0.5


def test_an_image_at_its_own_tone_hardly_changes(rendered: dict[int, np.ndarray]) -> None:
    for tone, once in rendered.items():
        assert np.abs(render(once, tone).astype(int) - once).mean() < 3


def test_rendering_leaves_its_input_alone_and_is_the_same_each_time(images: np.ndarray) -> None:
    few, kept = images[:2], images[:2].copy()

    assert np.array_equal(render(few, 4), render(few, 4))
    assert np.array_equal(few, kept)


@pytest.mark.parametrize("level", [0, 255])
def test_an_image_without_skin_is_rendered_without_complaint(level: int) -> None:
    blank = np.full((1, 32, 32, 3), level, np.uint8)

    assert all(render(blank, tone).shape == blank.shape for tone in TONES)


def test_no_images_give_no_images() -> None:
    none = np.empty((0, 32, 32, 3), np.uint8)

    assert render(none, 3).shape == none.shape
    assert skin_lab(none).shape == (0, 3)


@pytest.mark.parametrize("tone", [0, 7])
def test_there_are_six_tones(tone: int) -> None:
    with pytest.raises(ValueError, match="a tone is one of"):
        render(np.zeros((1, 32, 32, 3), np.uint8), tone)


def test_one_image_is_not_a_batch() -> None:
    with pytest.raises(ValueError, match="uint8"):
        render(np.zeros((32, 32, 3), np.uint8), 1)
