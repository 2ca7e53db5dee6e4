import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evenscreen.compression.groups import (
    RANGES,
    TYPES,
    ReportedParts,
    load_reported,
    members,
)
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

SHARED = Path(__file__).parents[4] / "shared" / "data"
PADUFES = Path(os.environ.get("EVENSCREEN_PADUFES", SHARED / "pad_ufes_300"))
SPEC = Preprocessing(height=24, width=24)
HEADER = "image,patient,lesion,dx,malignant,fst,age,sex,region,biopsied"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 patients with one to three photographs each; every fifth photograph has no skin type."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "images").mkdir()
    rows, random = [HEADER], np.random.default_rng(11)
    for patient in range(40):
        for number in range(1 + patient % 3):
            name, serial = f"secret_{patient}_{number}.png", len(rows)
            Image.fromarray(random.integers(0, 256, (30, 36, 3), np.uint8)).save(folder / "images" / name)
            fst = "" if serial % 5 == 0 else str(1 + patient % 4)
            rows.append(f"{name},secret_{patient},{serial},BCC,{serial % 2},{fst},60,,ARM,True")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def spoiled(folder: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """A copy of `folder` with one text of labels.csv replaced wherever it stands."""

    def spoil(old: str, new: str) -> Path:
        (tmp_path / "images").symlink_to(folder / "images")
        text = (folder / "labels.csv").read_text()
        assert old in text
        (tmp_path / "labels.csv").write_text(text.replace(old, new))
        return tmp_path

    return spoil


def identity(parts: ReportedParts) -> list[list[str]]:
    return [part.patients.tolist() for part in (parts.measure, parts.judge)]


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_both_parts(folder: Path, seed: int) -> None:
    measure, judge, _ = load_reported(folder, SPEC, seed)

    assert (measure.name, judge.name) == ("measure", "judge")
    assert not set(measure.patients) & set(judge.patients)
    assert len(set(measure.patients) | set(judge.patients)) == 38  # two have no skin type at all


def test_rows_without_a_skin_type_are_counted_and_in_no_part(folder: Path) -> None:
    measure, judge, without_fst = load_reported(folder, SPEC, seed=1)

    assert without_fst == 15
    assert len(measure.images) + len(judge.images) == 79 - 15
    assert set(measure.fst) | set(judge.fst) == {1, 2, 3, 4}


def test_a_seed_parts_the_same_way_whatever_rows_come_later(
    folder: Path, spoiled: Callable[[str, str], Path]
) -> None:
    once = load_reported(folder, SPEC, seed=1)
    fewer = load_reported(spoiled("secret_7_1.png,secret_7,", "secret_7_1.png,someone_else,"), SPEC, seed=1)

    assert identity(once) == identity(load_reported(folder, SPEC, seed=1))
    assert identity(once) != identity(load_reported(folder, SPEC, seed=2))
    assert set(once.measure.patients) <= set(fewer.measure.patients)
    assert set(once.judge.patients) <= set(fewer.judge.patients)


def test_labels_stay_with_their_image(folder: Path, spoiled: Callable[[str, str], Path]) -> None:
    black = spoiled("secret_8_0.png,secret_8,16,BCC,0,1", "black.png,secret_8,16,BCC,1,6")
    Image.new("RGB", (30, 36)).save(folder / "images" / "black.png")

    parts = load_reported(black, SPEC, seed=1)

    for part in parts[:2]:
        is_black = part.images.max((1, 2, 3)) == 0
        assert np.array_equal(is_black, part.fst == 6)
        assert part.malignant[is_black].all()
    assert sum(int((part.fst == 6).sum()) for part in parts[:2]) == 1


def test_patients_are_not_named(folder: Path) -> None:
    measure, judge, _ = load_reported(folder, SPEC, seed=1)

    assert not any("secret" in name for part in (measure, judge) for name in part.patients)


def test_a_group_without_images_is_listed_with_none(folder: Path) -> None:
    measure, _, _ = load_reported(folder, SPEC, seed=1)

    ranges, types = members(measure), members(measure, TYPES)

    assert list(ranges) == list(RANGES)
    assert not ranges["V–VI"].any()
    assert sum(ranges.values()).tolist() == sum(types.values()).tolist() == [1] * len(measure.images)  # type: ignore[union-attr]


SPOILS = {
    "no column fst": (",fst,", ",phototype,"),
    "line 6, column fst": ("secret_2_1.png,secret_2,5,BCC,1,", "secret_2_1.png,secret_2,5,BCC,1,7"),
    "line 2, column malignant": ("secret_0_0.png,secret_0,1,BCC,1,", "secret_0_0.png,secret_0,1,BCC,yes,"),
    "line 2, column patient": ("secret_0_0.png,secret_0,", "secret_0_0.png,,"),
    "line 2, column image: this": ("secret_0_0.png,", "secret_gone.png,"),
    "column image: an image is listed twice": ("secret_1_1.png,", "secret_1_0.png,"),
}


@pytest.mark.parametrize("sentence", SPOILS)
def test_a_wrong_table_names_file_and_column_and_nobody(
    sentence: str, spoiled: Callable[[str, str], Path]
) -> None:
    with pytest.raises(Fatal, match=sentence) as error:
        load_reported(spoiled(*SPOILS[sentence]), SPEC, seed=1)

    assert "labels.csv" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_damaged_photograph_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "images" / "secret_0_0.png").write_bytes(b"no image")
    with pytest.raises(Fatal, match="line 2, column image: this image is damaged") as error:
        load_reported(tmp_path / "copy", SPEC, seed=1)
    assert "secret" not in str(error.value)


def test_the_checksum_is_that_of_the_whole_folder(folder: Path, spoiled: Callable[[str, str], Path]) -> None:
    once, other = (load_reported(one, SPEC, seed=1) for one in (folder, spoiled(",60,", ",61,")))
    assert once.measure.folder_sha256 == once.judge.folder_sha256 != other.judge.folder_sha256


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"missing or has no labels\.csv"):
        load_reported(tmp_path / "secret", SPEC, seed=1)


def test_a_part_without_patients_is_a_sentence(folder: Path) -> None:
    with pytest.raises(Fatal, match="part 'measure' has no patient"):
        load_reported(folder, SPEC, seed=1, measure_share=0)


def test_a_table_without_skin_types_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"{HEADER}\na.png,p,1,NEV,0,,50,,ARM,False\n")

    with pytest.raises(Fatal, match="column fst: no row has a skin type"):
        load_reported(tmp_path, SPEC, seed=1)


@pytest.mark.skipif(
    not (PADUFES / "labels.csv").exists(), reason="no PAD-UFES-20: set EVENSCREEN_PADUFES to its folder"
)
def test_real_photographs_have_317_skin_types_and_too_few_of_the_darkest() -> None:
    measure, judge, without_fst = load_reported(PADUFES, SPEC, seed=2018)

    assert without_fst == 210
    assert len(measure.images) + len(judge.images) == 317
    assert sum(int(members(part)["V–VI"].sum()) for part in (measure, judge)) == 3
