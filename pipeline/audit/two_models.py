"""Two models on the same screened images: is the second no worse than the first, and for whom?

The statistics are those that decide whether a compressed model may be promoted (evidence/paired.py).
Simulated tones need pixels and are no part of this: `evenscreen model compare` has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question
from evenscreen.pipeline.audit.plan import GROUPS, Plan
from evenscreen.pipeline.evidence.misses import missing_more
from evenscreen.pipeline.evidence.paired import (
    Flips,
    PairedDifference,
    PairedVerdict,
    flips,
    paired_difference,
    paired_verdicts,
)
from evenscreen.schemas.errors import Fatal

ALL = "all"
EXIT_CODES = {"no worse": 0, "worse": 10, "insufficient evidence": 11}

# An image of unknown patient is a cluster of its own: negative numbers meet no patient's.
BOTH = text("""
SELECT
    one.fst_group, one.fst_source, one.malignant, one.score AS reference, other.score AS candidate,
    one.flagged AS reference_flagged, other.flagged AS candidate_flagged,
    coalesce(one.patient_number, -row_number() OVER (ORDER BY one.screening_id)) AS patient
FROM audit.cases(:since, :until, :as_of, :model) AS one
JOIN audit.cases(:since, :until, :as_of, :other) AS other ON other.screening_id = one.screening_id
WHERE one.outcome = 'screened' AND other.outcome = 'screened' AND one.malignant IS NOT NULL
ORDER BY one.screening_id
""")


@dataclass(frozen=True)
class Compared:
    """One group: None where a class has fewer than two images."""

    difference: PairedDifference | None
    flips: Flips | None
    verdict: PairedVerdict


@dataclass(frozen=True)
class TwoModels:
    """All images together as group `all`, then every registered group."""

    reference: str
    candidate: str
    groups: Mapping[str, Compared]
    missing_more: tuple[str, ...]
    """Groups in which the candidate misses more malignant images than the reference, beyond chance."""

    @property
    def conclusion(self) -> Literal["no worse", "worse", "insufficient evidence"]:
        """`worse` if it is anywhere; `no worse` only if it is everywhere."""
        verdicts = {one.verdict for one in self.groups.values()}
        if "worse" in verdicts or self.missing_more:
            return "worse"
        return "no worse" if verdicts == {"no worse"} else "insufficient evidence"


def compare(connection: Connection, question: Question, other: str, plan: Plan) -> TwoModels:
    """`other` against the model of `question`, on images that both screened and that have an outcome.

    Raises Fatal when there is no such image: `rescreen` some with the other model first.
    """
    found = connection.execute(BOTH, vars(question) | {"other": other}).all()
    if not found:
        raise Fatal("No image with an outcome was screened by both models: there is nothing to compare.")
    columns = [np.array(column) for column in zip(*found, strict=True)]
    group, source, malignant, reference, candidate, flagged, candidate_flagged, patient = columns
    rows = {ALL: np.full(len(found), True)} | {
        name: (group == name) & (source == question.source) for name in GROUPS["fst_group"]
    }

    def difference(some: npt.NDArray[np.bool_]) -> PairedDifference | None:
        labels = malignant[some].astype(int)
        if min(labels.sum(), (1 - labels).sum()) < 2 or len(np.unique(patient[some])) < 2:
            return None
        return paired_difference(reference[some], candidate[some], labels, patient[some])

    differences = {name: difference(some) for name, some in rows.items()}
    verdicts = paired_verdicts(differences, plan.margins.auroc)
    changed = {
        name: flips(flagged[some], candidate_flagged[some], malignant[some]) if some.any() else None
        for name, some in rows.items()
    }
    return TwoModels(
        reference=question.model,
        candidate=other,
        groups={name: Compared(differences[name], changed[name], verdicts[name]) for name in rows},
        missing_more=missing_more(_counts(changed)),
    )


def _counts(changed: Mapping[str, Flips | None]) -> dict[str, tuple[int, int]]:
    return {name: (len(one.newly_missed), len(one.newly_caught)) for name, one in changed.items() if one}
