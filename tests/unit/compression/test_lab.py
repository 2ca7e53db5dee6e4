import numpy as np
import pytest

from evenscreen.compression.lab import lab_from_xyz, srgb_from_xyz, xyz_from_lab, xyz_from_srgb

KNOWN = {
    (255, 255, 255): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (119, 119, 119): (50.03, 0, 0),
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 128, 0): (46.23, -51.70, 49.90),
    (0, 0, 255): (32.30, 79.19, -107.86),
}


@pytest.mark.parametrize(("srgb", "lab"), KNOWN.items())
def test_published_colours_have_their_lab_values(
    srgb: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    found = lab_from_xyz(xyz_from_srgb(np.array(srgb, np.uint8)))

    assert found == pytest.approx(lab, abs=0.03)


def test_every_level_survives_the_way_there_and_back() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (40, 40, 3), np.uint8)
    pixels[0, :, :] = np.arange(40)[:, None]
    xyz = xyz_from_srgb(pixels)

    assert np.array_equal(srgb_from_xyz(xyz), pixels)
    assert np.abs(xyz_from_lab(lab_from_xyz(xyz)) - xyz).max() < 1e-5
