"""The same image on six skins: a paired stress test of tone, with the lesion's structure left as it is.

A rendered tone is `simulated` and stands in no number with skin types that a clinician reported. It says how
scores answer to the colour of skin, nothing about disease on darker skin: acral sites, other diagnoses and
other prevalences are not in it. The Fitzpatrick scale grades how skin answers to sun and is only loosely tied
to colour (Osto et al. 2022, "Individual Typology Angle and Fitzpatrick Skin Phototypes are Not Equivalent in
Photobiology"); here tone n is the n-th ITA class, lightest first, and no more.

Where the skin goes. ITA = arctan2(L* - 50, b*) in degrees (Chardon, Cretois, Hourseau 1991) grades skin as
very light > 55 > light > 41 > intermediate > 28 > tan > 10 > brown > -30 > dark (Del Bino, Duval, Bernerd
2018). Tones I to VI are points inside these classes, near the middle of those that have two ends. Their b*
and a* are read off medians by ITA of facial skin in the International Skin Spectra Archive (Lu et al. 2025,
Scientific Data 12; CC BY 4.0), taken from a published table and not computed again; L* follows from ITA.
Redness is no part of ITA: an image keeps its own, within the spread of measured skin.

How it gets there. Melanin lies over what reflects and multiplies light (Beer and Lambert): darkening is one
factor each for X, Y, Z. Contrast in L* then shrinks together with L* + 16, the lesion stays darker than the
skin by the same ratio of light, and nothing turns black that was not nearly so. Shifting L* instead would
keep the contrast and lose the lesion: on tone VI the darkest twentieth of 23 % of 150 dermoscopic images goes
below zero, of none by the factor, under which skin to lesion falls from 26 to 16 in L*. Real lesions have
melanin of their own that need not grow with the skin's, so their contrast may fall less than here: this errs
towards the hard test. Lightening by a factor would burn out highlights; there k x / (1 + (k - 1) x) leaves
black and white in place and takes skin to skin exactly.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evenscreen.compression.lab import Floats, lab_from_xyz, srgb_from_xyz, xyz_from_lab, xyz_from_srgb
from evenscreen.compression.progress import counted

TONES = (1, 2, 3, 4, 5, 6)

TARGET_ITA = (60.0, 48.0, 34.5, 19.0, -10.0, -45.0)

SKIN = np.array(
    [
        [68.6, 10.3, 10.7],
        [65.3, 10.8, 13.8],
        [61.2, 11.3, 16.3],
        [56.3, 11.4, 18.4],
        [46.8, 11.3, 18.4],
        [37.0, 10.2, 13.0],
    ],
    np.float32,
)
"""L*, a*, b* of tones I to VI."""

REDNESS_SPREAD = 4.0
"""How far a* may lie from the tone's own: facial skin of one lightness spans about this at 10 to 90 %."""

BORDER = 0.7
"""The border begins at this share of the way from the centre to the sides: lesions lie in the middle."""

UNLIT, BURNT = 20.0, 98.0
"""L* of a dermoscope's corners and of glare: neither is skin."""

ALIKE = 12.0
"""Border pixels within this distance in CIELAB of the likely skin are skin; hair and ink are further off."""


NO_LIGHT = 1e-3
"""The least X, Y or Z of a skin: a black image stays black instead of dividing by nothing."""


class ToneChanges(NamedTuple):
    """Light x, each of X, Y, Z by itself, becomes factor x / (1 + bend x): both float32 [n, 3]."""

    factor: Floats
    bend: Floats


def render(images: npt.NDArray[np.uint8], tone: int) -> npt.NDArray[np.uint8]:
    """`images` (uint8 [n, H, W, 3], sRGB) with their skin at `tone` 1..6 (I..VI): uint8 of the same shape.

    Deterministic; rendering a second time at the same tone changes next to nothing. Raises ValueError for
    another tone or shape.
    """
    if tone not in TONES:
        raise ValueError(f"a tone is one of {TONES}, not {tone}")
    changes = tone_changes(skin_lab(images), tone)
    rendered = np.empty_like(images)
    for index, (image, factor, bend) in enumerate(zip(images, *changes, strict=True)):
        xyz = xyz_from_srgb(image)
        rendered[index] = srgb_from_xyz(xyz * factor / (1 + bend * xyz))
    return rendered


def tone_changes(skins: Floats, tone: int) -> ToneChanges:
    """What takes images whose skin is `skins` (L*, a*, b* float32 [n, 3]) to `tone` 1..6."""
    sources = np.maximum(xyz_from_lab(skins), NO_LIGHT)
    targets = xyz_from_lab(_targets(skins, tone))
    k = targets * (1 - sources) / (sources * (1 - targets))
    lighter = targets > sources
    factor = np.where(lighter, k, targets / sources).astype(np.float32)
    return ToneChanges(factor, np.where(lighter, k - 1, 0).astype(np.float32))


def skin_lab(images: npt.NDArray[np.uint8]) -> Floats:
    """L*, a*, b* of each image's own skin, float32 [n, 3], from the border of `images` uint8 [n, H, W, 3].

    The median of the border pixels that resemble its lighter part, since hair, ink and a lesion that
    reaches the border are darker than skin. A colour of this photograph: not a skin type (uncalibrated
    cameras), and wrong where a lesion or cloth fills the border.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images are uint8 [n, H, W, 3], not {images.dtype} {list(images.shape)}")
    border = _border(*images.shape[1:3])
    skins = [
        _skin(lab_from_xyz(xyz_from_srgb(image[border][::3]))) for image in counted(images, "reading skin")
    ]
    return np.array(skins, np.float32).reshape(-1, 3)


def ita_degrees(lab: Floats) -> Floats:
    """Individual typology angle of `lab` [..., 3] in degrees, -180..180, float32 [...].

    arctan2, since a bluish cast (b* < 0) would turn the sign of the plain arctangent over.
    """
    return np.degrees(np.arctan2(lab[..., 0] - 50, lab[..., 2])).astype(np.float32)


def _targets(skins: Floats, tone: int) -> Floats:
    targets = np.tile(SKIN[tone - 1], (len(skins), 1))
    targets[:, 1] += np.clip(skins[:, 1] - targets[:, 1], -REDNESS_SPREAD, REDNESS_SPREAD)
    return targets


def _border(height: int, width: int) -> npt.NDArray[np.bool_]:
    y = (np.arange(height) + 0.5) / height * 2 - 1
    x = (np.arange(width) + 0.5) / width * 2 - 1
    return np.hypot(y[:, None], x[None, :]) > BORDER


def _skin(border: Floats) -> Floats:
    lit = border[(border[:, 0] > UNLIT) & (border[:, 0] < BURNT)]
    if len(lit) < len(border) / 10:
        lit = border
    low, high = np.percentile(lit[:, 0], [60, 90])
    likely = np.median(lit[(lit[:, 0] >= low) & (lit[:, 0] <= high)], 0)
    alike = lit[((lit - likely) ** 2).sum(1) < ALIKE**2]
    return np.median(alike if len(alike) else lit, 0).astype(np.float32)
