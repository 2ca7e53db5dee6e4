"""How far apart the simulated tones are, for parent and candidate, and what changed between the two."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from evenscreen.compression.cases import Answers, Cases
from evenscreen.compression.comparison import Gap
from evenscreen.pipeline.evidence.intervals import placements
from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.schemas.manifest import Difference

Placements = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def tone_gap(tones: Mapping[str, Cases]) -> Gap | None:
    """The gap of each model and its paired change; None with fewer than two tones or no AUROC.

    All tones show the same lesions in one order, so the change is a contrast of four areas on the same rows,
    and DeLong's variance is that of the contrasts of placements. Raises ValueError for other rows.
    """
    if len(tones) < 2 or not all(cases.rankable for cases in tones.values()):
        return None
    first = next(iter(tones.values()))
    if not all(np.array_equal(cases.malignant, first.malignant) for cases in tones.values()):
        raise ValueError("tones are compared on the same images in the same order")
    parent, parent_tones = _gap(tones, lambda cases: cases.parent)
    candidate, candidate_tones = _gap(tones, lambda cases: cases.candidate)
    change = [ours - theirs for ours, theirs in zip(candidate, parent, strict=True)]
    value = float(change[0].mean())
    reach = z(0.95) * math.sqrt(sum(float(part.var(ddof=1)) / part.size for part in change))
    return Gap(
        parent=float(parent[0].mean()),
        parent_tones=parent_tones,
        candidate=float(candidate[0].mean()),
        candidate_tones=candidate_tones,
        change=Difference(value=value, low=value - reach, high=value + reach),
    )


def _gap(tones: Mapping[str, Cases], of: Callable[[Cases], Answers]) -> tuple[Placements, tuple[str, str]]:
    """Placements of the best tone minus those of the worst, and the names of the two."""
    placed = {name: placements(of(cases).scores, cases.malignant) for name, cases in tones.items()}
    areas = {name: float(positive.mean()) for name, (positive, _) in placed.items()}
    best, worst = max(areas, key=areas.__getitem__), min(areas, key=areas.__getitem__)
    high, low = placed[best], placed[worst]
    return (high[0] - low[0], high[1] - low[1]), (best, worst)
