"""Tones rendered for tensors are those rendered for files."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

import torch

from evenscreen.compression.retone import Retone
from evenscreen.compression.tones import TONES, render, skin_lab

SEED = 4


def lesions() -> np.ndarray:
    """Dark discs on skins from pale to brown, noisy: uint8 [5, 40, 40, 3]."""
    random = np.random.default_rng(SEED)
    skins = np.array([(226, 180, 160), (205, 165, 150), (170, 120, 90), (110, 75, 55), (60, 40, 30)])
    images = np.broadcast_to(skins[:, None, None], (5, 40, 40, 3)) + random.normal(0, 8, (5, 40, 40, 3))
    images[:, 14:26, 14:26] *= 0.5
    return images.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("tone", TONES)
def test_a_pixel_is_at_most_one_code_from_what_the_files_show(tone: int) -> None:
    images = lesions()
    which = torch.tensor([3, 0, 4, 1])
    retone = Retone(skin_lab(images), torch.device("cpu"))
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    shown = retone(tensor[which], which, torch.full_like(which, tone)).permute(0, 2, 3, 1).numpy()
    expected = render(images, tone)[which.numpy()]
    off = np.abs(shown.astype(int) - expected)
    assert off.max() <= 1
    assert off.mean() < 0.01
    assert np.abs(expected.astype(int) - images[which.numpy()]).mean() > 1, "the tone changes something"


def test_every_image_has_its_own_tone() -> None:
    images = lesions()
    retone = Retone(skin_lab(images), torch.device("cpu"))
    which, tones = torch.tensor([1, 1]), torch.tensor([1, 6])
    light, dark = retone(torch.from_numpy(images[[1, 1]]).permute(0, 3, 1, 2), which, tones)
    assert light.float().mean() > dark.float().mean() + 50
