"""Whom a model is measured on: photographs with a reported skin type, and images on simulated tones.

The two stand in no published figure together: results, verdicts and gaps are of one source each. Reported
types come with people, simulated ones with a change of pixels (see tones.py). What ranks units for pruning is
no figure about anyone, and is read over the groups of both: see importance.py.

A folder of photographs holds images/ and labels.csv with the columns image, patient, malignant and fst, as
PAD-UFES-20 does (Pacheco et al. 2020; CC BY 4.0). An empty fst means "benign and not biopsied" there: such
rows are counted and never used, since a group of them would be a group of benign lesions. `malignant` is the
folder's own column: PAD-UFES counts actinic keratosis (ACK) as benign, HAM10000 counts AKIEC as malignant, so
a network trained on the second loses specificity on the first by definition, in every group alike.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evenscreen.compression.photographs import labelled_rows
from evenscreen.compression.pictures import checksum, decoded
from evenscreen.compression.progress import counted
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Preprocessing

Grouping = Mapping[str, tuple[int, ...]]
Part = Literal["measure", "judge"]

RANGES: Grouping = {"I–II": (1, 2), "III–IV": (3, 4), "V–VI": (5, 6)}
"""The primary grouping: it decides."""

TYPES: Grouping = {"I": (1,), "II": (2,), "III": (3,), "IV": (4,), "V": (5,), "VI": (6,)}
"""The secondary one."""


@dataclass(frozen=True)
class Reported:
    """Photographs whose skin type a clinician reported."""

    name: Part
    images: npt.NDArray[np.uint8]
    """[n, H, W, 3], preprocessed as in serving."""
    malignant: npt.NDArray[np.bool_]
    fst: npt.NDArray[np.int64]
    """1..6 (I..VI), [n]."""
    patients: npt.NDArray[np.str_]
    """A pseudonym per patient, [n]: equal for images of one patient, good for nothing else."""
    folder_sha256: str
    """Of labels.csv and all images with a skin type, those of the other part too."""


class ReportedParts(NamedTuple):
    """`measure` for importances, `judge` for comparison; no patient is in both."""

    measure: Reported
    judge: Reported
    without_fst: int
    """Rows left out because their skin type is not recorded."""


def load_reported(folder: Path, spec: Preprocessing, seed: int, measure_share: float = 0.5) -> ReportedParts:
    """The photographs of `folder` with a reported skin type, parted by a hash of seed and patient.

    About `measure_share` of the patients go to `measure`; the same seed gives the same parts wherever it
    runs and whatever rows are added later. Raises Fatal, naming file and column but nobody, when folder,
    columns, values or images are missing or wrong, and when a part would be empty.
    """
    rows = labelled_rows(folder)
    recorded = [row for row in rows if row.fst]
    if not recorded:
        raise Fatal("labels.csv, column fst: no row has a skin type.")
    folder_sha256 = checksum(folder, (row.place for row in recorded))
    draws = [_draw(seed, row.patient) for row in recorded]
    in_measure = [int(draw, 16) < measure_share * 16 ** len(draw) for draw in draws]

    def part(name: Part, wanted: bool) -> Reported:
        chosen = [index for index, is_in in enumerate(in_measure) if is_in == wanted]
        if not chosen:
            raise Fatal(f"labels.csv, column patient: part '{name}' has no patient. Choose another seed.")
        return Reported(
            name=name,
            images=np.stack(
                [
                    decoded(folder, recorded[index].place, spec)
                    for index in counted(chosen, f"reading photographs, part {name}")
                ]
            ),
            malignant=np.array([recorded[index].malignant for index in chosen]),
            fst=np.array([recorded[index].fst for index in chosen], np.int64),
            patients=np.array([draws[index] for index in chosen]),
            folder_sha256=folder_sha256,
        )

    return ReportedParts(part("measure", True), part("judge", False), len(rows) - len(recorded))


def members(reported: Reported, grouping: Grouping = RANGES) -> dict[str, npt.NDArray[np.bool_]]:
    """Which images [n] belong to each group of `grouping`, the empty ones too."""
    return {name: np.isin(reported.fst, types) for name, types in grouping.items()}


def guiding(reported: Reported) -> dict[str, npt.NDArray[np.bool_]]:
    """Those of `members` that have both classes: a group of one class says what that class needs."""
    both = {True, False}
    return {
        name: chosen for name, chosen in members(reported).items() if set(reported.malignant[chosen]) == both
    }


def _draw(seed: int, patient: str) -> str:
    """16 hexadecimal digits, evenly spread over patients."""
    return hashlib.sha256(f"{seed}:{patient}".encode()).hexdigest()[:16]
