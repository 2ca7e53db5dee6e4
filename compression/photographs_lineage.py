"""What a manifest says of photographs that guided and judged a model: whose, under which licence, how used.

A folder of photographs has no place for such words, so the one data set that is known by its naming is named
here; any other is said to be of unknown origin, which its publisher can then see on the card.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evenscreen.compression.groups import Reported, ReportedParts, guiding, load_reported, members
from evenscreen.compression.photographs import Row, labelled_rows
from evenscreen.compression.pictures import checksum
from evenscreen.schemas.manifest import Manifest, Photographs, PhotographsPart

PAD_UFES = (
    "PAD-UFES-20, smartphone photographs, scaled and cropped here. Pacheco AGC, Lima GR, Salomão AS, et al. "
    "PAD-UFES-20: A skin lesion dataset composed of patient data and clinical images collected from "
    "smartphones. Data in Brief 32, 106221 (2020), doi:10.1016/j.dib.2020.106221."
)
CC_BY = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
UNKNOWN_ORIGIN = "Photographs in the layout of PAD-UFES-20, of unknown origin."
UNKNOWN_LICENCE = "not known"


def described(folder: Path, parts: ReportedParts, guided: bool) -> Photographs:
    """What `folder`, parted into `parts`, was to a model; `guided` if one part ranked what was pruned."""
    rows = labelled_rows(folder)
    data, licence = (PAD_UFES, CC_BY) if _is_pad_ufes(rows) else (UNKNOWN_ORIGIN, UNKNOWN_LICENCE)
    return Photographs(
        data=data,
        licence=licence,
        sha256=checksum(folder, (row.place for row in rows)),
        guided_pruning=_size(parts.measure, guiding(parts.measure)) if guided else None,
        judged=_size(parts.judge, members(parts.judge)),
        without_type=parts.without_fst,
    )


def judged_by(manifest: Manifest, folder: Path) -> Manifest:
    """`manifest`, of a model that was compared on `folder`; what already guided it stays said."""
    if manifest.lineage.photographs is not None:
        return manifest
    parts = load_reported(folder, manifest.preprocessing, manifest.lineage.seed)
    lineage = manifest.lineage.model_copy(update={"photographs": described(folder, parts, guided=False)})
    return manifest.model_copy(update={"lineage": lineage})


def _size(part: Reported, groups: Mapping[str, npt.NDArray[np.bool_]]) -> PhotographsPart:
    """Of `part`, the photographs that are in one of `groups`."""
    used = np.zeros(len(part.images), np.bool_)
    for chosen in groups.values():
        used |= chosen
    return PhotographsPart(images=int(used.sum()), patients=len(np.unique(part.patients[used])))


def _is_pad_ufes(rows: Sequence[Row]) -> bool:
    return all(row.patient.startswith("PAT_") and row.image.startswith(f"{row.patient}_") for row in rows)
