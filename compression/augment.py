"""Random views of training images: a lesion has no up, and no two lamps are alike."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from evenscreen.compression.retone import Retone

SCALE = (0.85, 1.2)
SHIFT = 0.06
CONTRAST = 0.2
BRIGHTNESS = 0.12
TINT = 0.06


class Lot(NamedTuple):
    """What chance decided of n views: maps [n, 2, 3] from view to image, and factors [n, 1 or 3, 1, 1]."""

    maps: Tensor
    contrast: Tensor
    brightness: Tensor
    tint: Tensor


class View(NamedTuple):
    """One batch as it was taken and as it is shown: float32 [n, 3, side, side], values about 0..255.

    `tones` int64 [n] says which simulated tone is shown; 0 is the tone it was taken at.
    """

    original: Tensor
    shown: Tensor
    tones: Tensor

    def mixed(self, shares: Tensor) -> "View":
        """Each image over the one before it (Zhang et al. 2018); its share, float32 [n], is at least half."""
        own = shares.view(-1, 1, 1, 1)
        original = own * self.original + (1 - own) * self.original.roll(1, 0)
        if self.shown is self.original:
            return View(original, original, self.tones)
        return View(original, own * self.shown + (1 - own) * self.shown.roll(1, 0), self.tones)


def draw_views(
    images: Tensor,
    retone: Retone | None,
    chosen: Tensor,
    side: int,
    tone_share: float,
    generator: torch.Generator,
    *,
    taught: bool = True,
) -> View:
    """Views of `images[chosen]` (uint8 [n, 3, H, W]), a share of them rendered at a random tone.

    Both forms of an image are turned, moved and lit alike. Unless it is `taught`, nobody looks at the
    original, and `shown` stands for it. `generator` is a CPU's, so that every machine draws the same views;
    they are made where `images` are.
    """
    on = images.device
    sources, lot = images[chosen.to(on)], _drawn(len(chosen), generator)
    tones = torch.zeros(len(chosen), dtype=torch.int64)
    if retone is None or not tone_share:
        original = _view(sources, side, lot)
        return View(original, original, tones.to(on))
    rendered = (torch.rand(len(chosen), generator=generator) < tone_share).nonzero().squeeze(1)
    tones[rendered] = torch.randint(1, 7, (len(rendered),), generator=generator)
    places = rendered.to(on)
    unrendered = _view(sources, side, lot) if taught else None
    sources[places] = retone(sources[places], chosen[rendered].to(on), tones[rendered].to(on))
    shown = _view(sources, side, lot)
    return View(shown if unrendered is None else unrendered, shown, tones.to(on))


def augment(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Random views of `images` (uint8 [n, 3, H, W]) as float32 [n, 3, side, side], values about 0..255.

    Any rotation, a mirror image half the time, some zoom and shift, one resampling; then brightness,
    contrast and tint. Borders are filled by reflection.
    """
    return _view(images, side, _drawn(len(images), generator))


def _drawn(n: int, generator: torch.Generator) -> Lot:
    def factor(spread: float, channels: int) -> Tensor:
        return 1 + spread * (2 * torch.rand(n, channels, 1, 1, generator=generator) - 1)

    return Lot(_maps(n, generator), factor(CONTRAST, 1), factor(BRIGHTNESS, 1), factor(TINT, 3))


def _view(images: Tensor, side: int, lot: Lot) -> Tensor:
    maps, contrast, brightness, tint = (part.to(images.device) for part in lot)
    grid = F.affine_grid(maps, [len(images), 3, side, side], align_corners=False)
    views = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    mean = views.mean((1, 2, 3), keepdim=True)
    relit = (mean + contrast * (views - mean)) * brightness * tint
    return relit.contiguous(memory_format=torch.channels_last)


def _maps(n: int, generator: torch.Generator) -> Tensor:
    """Affine maps [n, 2, 3] from view to image coordinates."""
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    zoom = SCALE[0] + (SCALE[1] - SCALE[0]) * torch.rand(n, generator=generator)
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    shift = SHIFT * (2 * torch.rand(2, n, generator=generator) - 1)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    rows = [torch.stack([mirror * cos, -sin, shift[0]], 1), torch.stack([mirror * sin, cos, shift[1]], 1)]
    return torch.stack(rows, 1)
