"""Who has a known outcome, and what that does to the figures.

Outcomes come mostly for flagged cases. Then sensitivity looks better and specificity worse than both are. Two
answers: worst-case bounds, which assume nothing, and rates corrected after Begg and Greenes (1983), which
assume that verification depends on score, group and site only.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, groupby
from typing import Any

from evenscreen.pipeline.audit.figures import Row
from evenscreen.pipeline.audit.plan import Margins
from evenscreen.pipeline.audit.result import Corrected, GroupDescription


def bounds_agree(groups: Sequence[GroupDescription], margins: Margins) -> bool:
    """Whether no two groups can differ by the margin in a rate, whatever missing outcomes would say."""
    return all(
        _apart(getattr(one, f"{rate}_at_least"), getattr(other, f"{rate}_at_most"), margin)
        and _apart(getattr(other, f"{rate}_at_least"), getattr(one, f"{rate}_at_most"), margin)
        for one, other in combinations(groups, 2)
        for rate, margin in (("sensitivity", margins.sensitivity), ("specificity", margins.specificity))
    )


def corrected(rows: Iterable[Row]) -> tuple[Corrected, ...]:
    """Corrected rates per group from rows of audit.verification, in their order; unknown groups left out."""
    known = [row for row in rows if row["group_value"] is not None]
    return tuple(
        _corrected(name, list(own)) for name, own in groupby(known, key=lambda row: str(row["group_value"]))
    )


def _apart(low: float | None, high: float | None, margin: float) -> bool:
    return low is not None and high is not None and high - low < margin


def _corrected(name: str, rows: list[Row]) -> Corrected:
    """Each stratum of score bin, site and flag passes its verified share of positives to all its images."""
    strata: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        sums = strata.setdefault((row["site"], row["bin"], row["flagged"]), [0, 0, 0])
        for index, column in enumerate(("images", "with_outcome", "positives")):
            sums[index] += int(row[column])
    flagged = [sums for (_, _, is_flagged), sums in strata.items() if is_flagged]
    spared = [sums for (_, _, is_flagged), sums in strata.items() if not is_flagged]
    images = sum(sums[0] for sums in strata.values())
    unverified = images - sum(sums[1] for sums in strata.values())
    caught, called = _expected(flagged)
    missed, let_go = _expected(spared)
    unusable = any(verified == 0 for _, verified, _ in strata.values())
    return Corrected(
        group_value=name,
        sensitivity=None if unusable or caught + missed == 0 else caught / (caught + missed),
        specificity=None if unusable or called + let_go == 0 else let_go / (called + let_go),
        unverified_share=unverified / images,
    )


def _expected(strata: list[list[int]]) -> tuple[float, float]:
    """Expected positives and negatives among all images of `strata`."""
    positives = sum(images * found / verified for images, verified, found in strata if verified)
    return positives, sum(images for images, verified, _ in strata if verified) - positives
