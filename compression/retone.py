"""Simulated tones while training: `tones.render` for tensors, where the network is.

Rendered when they are shown, six tones of every image cost neither memory nor disk. The arithmetic is that of
tones.py; a pixel differs from its by one code at most.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evenscreen.compression.lab import DECODED, ENCODED, LEVELS, TO_RGB, TO_XYZ, Floats
from evenscreen.compression.tones import TONES, tone_changes

Images = npt.NDArray[np.uint8]
AT_ONCE = 64


class Retone:
    """Renders images whose own skin is known: `skins` L*, a*, b* float32 [n, 3], from `tones.skin_lab`."""

    def __init__(self, skins: Floats, device: torch.device) -> None:
        changes = [tone_changes(skins, tone) for tone in TONES]
        self._factor = torch.from_numpy(np.stack([change.factor for change in changes])).to(device)
        self._bend = torch.from_numpy(np.stack([change.bend for change in changes])).to(device)
        self._decoded, self._encoded = (torch.from_numpy(table).to(device) for table in (DECODED, ENCODED))
        self._to_xyz, self._to_rgb = (torch.from_numpy(matrix).to(device) for matrix in (TO_XYZ, TO_RGB))

    def __call__(self, images: Tensor, which: Tensor, tones: Tensor) -> Tensor:
        """`images` uint8 [k, 3, H, W], the `which`-th of all (int64 [k]), at `tones` 1..6 (int64 [k])."""
        factor, bend = (part[tones - 1, which][:, :, None, None] for part in (self._factor, self._bend))
        xyz = torch.einsum("ij,kjhw->kihw", self._to_xyz, self._decoded[images.int()])
        moved = xyz * factor / (1 + bend * xyz)
        linear = torch.einsum("ij,kjhw->kihw", self._to_rgb, moved).clamp(0, 1)
        return self._encoded[(linear * LEVELS + 0.5).int()]

    def rendered(self, images: Images, which: npt.NDArray[np.int64], tone: int) -> Images:
        """`images` uint8 [k, H, W, 3], the `which`-th of all (int64 [k]), at `tone` 1..6, a few at a time."""
        on, parts = self._decoded.device, []
        for start in range(0, max(1, len(images)), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            here = torch.from_numpy(images[some]).permute(0, 3, 1, 2).to(on)
            places = torch.from_numpy(which[some]).to(on)
            shown = self(here, places, torch.full_like(places, tone))
            parts.append(shown.permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(parts)
