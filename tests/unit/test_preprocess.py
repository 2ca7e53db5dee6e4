"""Preprocessing: what the graph is fed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenscreen.pipeline.preprocess import preprocess
from evenscreen.schemas.manifest import Preprocessing

SPEC = Preprocessing(height=32, width=32)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


@given(st.integers(1, 200), st.integers(1, 200))
def test_every_size_becomes_the_target(height: int, width: int) -> None:
    made = preprocess(noise(height, width), SPEC)
    assert made.shape == (32, 32, 3)
    assert made.dtype == np.uint8
    assert made.flags.c_contiguous
    assert made.flags.writeable


def test_an_image_of_the_right_size_passes_unchanged() -> None:
    image = noise(32, 32)
    assert np.array_equal(preprocess(image, SPEC), image)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 64)])
def test_the_centre_is_kept_and_the_long_side_cut(height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    top, left = (height - 64) // 2, (width - 64) // 2
    image[top : top + 64, left : left + 64] = 255
    made = preprocess(image, SPEC)
    assert (made[1:-1, 1:-1] == 255).all()
    assert made.min() > 200  # the filter reaches one source pixel past the cut


def test_colours_stay_in_their_channels() -> None:
    image = np.zeros((50, 70, 3), np.uint8)
    image[..., 0], image[..., 2] = 200, 10
    assert preprocess(image, SPEC).reshape(-1, 3).tolist() == [[200, 0, 10]] * 32 * 32


def test_shrinking_does_not_alias() -> None:
    """A checkerboard of single pixels is grey from afar, not black or white."""
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    made = preprocess(np.repeat(board[..., None], 3, axis=2), SPEC)[2:-2, 2:-2]
    assert abs(made.astype(int) - 127).max() <= 2


def test_mirrored_images_give_mirrored_results() -> None:
    image = noise(90, 61)
    difference = preprocess(image[:, ::-1], SPEC).astype(int) - preprocess(image, SPEC)[:, ::-1]
    assert abs(difference).max() <= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        preprocess(image, SPEC)
