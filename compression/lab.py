"""sRGB pixels, CIE XYZ and CIELAB, all for D65 and the 2 degree observer (IEC 61966-2-1, CIE 15).

XYZ is divided by the white point throughout: white is (1, 1, 1), black (0, 0, 0).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_PRIMARIES = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
TO_XYZ = (_PRIMARIES / _PRIMARIES.sum(1, keepdims=True)).astype(np.float32)
TO_RGB = np.linalg.inv(TO_XYZ.astype(np.float64)).astype(np.float32)

_KNEE = 216 / 24389
"""Below it CIELAB is a straight line (CIE 15)."""

_SLOPE = 24389 / 27

LEVELS = 65535
"""How finely linear light is told apart before it is encoded."""


def xyz_from_srgb(pixels: npt.NDArray[np.uint8]) -> Floats:
    """XYZ float32 [..., 3] of sRGB `pixels` uint8 [..., 3]."""
    linear: Floats = DECODED[pixels] @ TO_XYZ.T
    return linear


def srgb_from_xyz(xyz: Floats) -> npt.NDArray[np.uint8]:
    """sRGB uint8 [..., 3] of `xyz`; what lies outside of sRGB is cut off."""
    linear = np.clip(xyz @ TO_RGB.T, 0, 1)
    codes: npt.NDArray[np.uint8] = ENCODED[(linear * LEVELS + 0.5).astype(np.uint16)]
    return codes


def lab_from_xyz(xyz: Floats) -> Floats:
    """L*, a*, b* float32 [..., 3] of `xyz`."""
    root = np.where(xyz > _KNEE, np.cbrt(xyz), (_SLOPE * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def xyz_from_lab(lab: Floats) -> Floats:
    """XYZ float32 [..., 3] of `lab`."""
    y = (lab[..., 0] + 16) / 116
    root = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], -1)
    return np.where(root**3 > _KNEE, root**3, (116 * root - 16) / _SLOPE).astype(np.float32)


def _decoded() -> Floats:
    code = np.arange(256) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _encoded() -> npt.NDArray[np.uint8]:
    linear = np.arange(LEVELS + 1) / LEVELS
    code = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * code).astype(np.uint8)


DECODED = _decoded()
"""Linear light float32 [256] of an sRGB code."""
ENCODED = _encoded()
"""sRGB code uint8 [LEVELS + 1] of linear light."""
