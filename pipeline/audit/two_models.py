"""Two models on the same screened images: may the second take the first one's place, and who would pay?

Statistics and rule are those of `evenscreen model compare` (evidence/paired.py). Simulated tones need pixels:
what `model compare` found on them against this reference stands in the candidate's manifest.

Step 1  complete   is every image of the window in the figures? which imports not? completeness.py
Step 2  read       images that the reference screened, with an outcome             both.py
Step 3  compare    all of them, and every registered group of both groupings
Step 4  promote    the promotion rule
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.both import NOT_ENDED, NOT_SCREENED, SCREENED, both, screenings
from evenscreen.pipeline.audit.code_version import code_version
from evenscreen.pipeline.audit.completeness import counted
from evenscreen.pipeline.audit.figures import Question
from evenscreen.pipeline.audit.paired import (
    Conclusion,
    Missed,
    PairedAreas,
    PairedGroup,
    PairedGrouping,
    TwoModels,
)
from evenscreen.pipeline.audit.plan import GROUPS, Grouping, Plan
from evenscreen.pipeline.audit.result import Completeness, Interval
from evenscreen.pipeline.evidence.misses import missing_more
from evenscreen.pipeline.evidence.paired import (
    PairedDifference,
    PairedVerdict,
    Promotion,
    flips,
    paired_difference,
    paired_verdicts,
    promotion,
)
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest

ALL = "all"
MANIFEST = text("SELECT manifest FROM audit.models WHERE model_version = :model")

Rows = npt.NDArray[np.void]


def compare(
    connection: Connection, question: Question, other: str, plan: Plan, signed_by: str | None = None
) -> TwoModels:
    """`other` against the model of `question`, on images that both screened and that have an outcome.

    Raises Fatal when there is no such image: `rescreen` some with the other model first.
    """
    complete = counted(connection, question.since, question.until, question.as_of)
    known = both(connection, question, other)
    ended = known["candidate_ended"]
    rows = known[ended == SCREENED]
    if not rows.size:
        raise Fatal("No image with an outcome was screened by both models: there is nothing to compare.")
    order: tuple[Grouping, Grouping] = (
        ("fst_group", "fst") if plan.primary == "fst_group" else ("fst", "fst_group")
    )
    margin = plan.margins.auroc
    (overall,) = _groups({ALL: rows}, margin)
    groupings = tuple(
        PairedGrouping(
            grouping=grouping,
            groups=_groups(
                {name: rows[rows[grouping] == place] for place, name in enumerate(GROUPS[grouping], start=1)},
                margin,
            ),
        )
        for grouping in order
    )
    primary, secondary = (one.groups for one in groupings)
    simulated = _simulated(connection, question.model, other)
    misses = (*_missing_more((overall, *primary)), *_missing_more(secondary))
    decided = promotion(
        overall.verdict,
        simulated,
        {one.group: one.verdict for one in (*primary, *(one for one in secondary if one.verdict == "worse"))},
        signed_by,
    )
    verdicts = {one.verdict for one in (overall, *primary, *secondary)} | {*simulated.values()}
    return TwoModels(
        reference=question.model,
        candidate=other,
        since=question.since,
        until=question.until,
        as_of=question.as_of,
        plan=plan,
        plan_version=plan.version,
        margin=margin,
        code_version=code_version(),
        completeness=complete,
        with_outcome=known.size,
        not_reached=int((ended == NOT_ENDED).sum()),
        not_screened=int((ended == NOT_SCREENED).sum()),
        overall=overall,
        groupings=groupings,
        simulated=simulated,
        newly_missed=_missed(connection, rows),
        missing_more=tuple(one.group for one in misses),
        promotable=decided.promotable and not misses and complete.complete,
        reasons=_reasons(complete, misses, decided),
        unassessed=decided.unassessed,
        signed_by=(signed_by or "").strip() or None,
        conclusion=_conclusion(complete, "worse" in verdicts or bool(misses), decided),
    )


def _groups(rows: Mapping[str, Rows], margin: float) -> tuple[PairedGroup, ...]:
    differences = {name: _difference(some) for name, some in rows.items()}
    verdicts = paired_verdicts(differences, margin)
    return tuple(_group(name, rows[name], differences[name], verdicts[name]) for name in rows)


def _difference(some: Rows) -> PairedDifference | None:
    positives = int(some["malignant"].sum())
    if min(positives, some.size - positives) < 2 or (some["patient"] == some["patient"][0]).all():
        return None
    return paired_difference(
        some["reference"], some["candidate"], some["malignant"].astype(np.int8), some["patient"]
    )


def _group(name: str, some: Rows, paired: PairedDifference | None, verdict: PairedVerdict) -> PairedGroup:
    changed = (
        flips(some["reference_flagged"], some["candidate_flagged"], some["malignant"]) if some.size else None
    )
    positives = int(some["malignant"].sum())
    return PairedGroup(
        group=name,
        images=some.size,
        positives=positives,
        negatives=some.size - positives,
        areas=paired
        and PairedAreas(
            reference=paired.reference,
            candidate=paired.candidate,
            difference=Interval(value=paired.value, low=paired.low, high=paired.high),
        ),
        flips=changed.flips if changed else 0,
        flipped=changed and Interval(**changed.share._asdict()),
        newly_missed=len(changed.newly_missed) if changed else 0,
        newly_caught=len(changed.newly_caught) if changed else 0,
        verdict=verdict,
    )


def _missed(connection: Connection, rows: Rows) -> tuple[Missed, ...]:
    """Every positive that is newly missed, in the order in which images came."""
    lost = rows[rows["malignant"] & rows["reference_flagged"] & ~rows["candidate_flagged"]]
    ids = screenings(connection, lost["audit_id"])
    return tuple(
        Missed(
            screening_id=ids[int(one["audit_id"])],
            fst=GROUPS["fst"][int(one["fst"]) - 1] if one["fst"] else None,
            reference_score=int(one["reference"]),
            candidate_score=int(one["candidate"]),
        )
        for one in lost
    )


def _simulated(connection: Connection, reference: str, candidate: str) -> dict[str, PairedVerdict]:
    """Verdicts on simulated tones, if the candidate was compared with this very reference on pixels."""
    try:
        found = Manifest.model_validate(connection.execute(MANIFEST, {"model": candidate}).scalar_one())
    except ValidationError:
        return {}
    if found.promotion is None or found.promotion.parent != reference:
        return {}
    return {one.group: one.verdict for one in found.groups if one.source == "simulated" and one.verdict}


def _missing_more(groups: Iterable[PairedGroup]) -> tuple[PairedGroup, ...]:
    by_name = {one.group: one for one in groups if one.images}
    more = missing_more({name: (one.newly_missed, one.newly_caught) for name, one in by_name.items()})
    return tuple(by_name[name] for name in more)


def _reasons(complete: Completeness, misses: Sequence[PairedGroup], decided: Promotion) -> tuple[str, ...]:
    incomplete = () if complete.complete else (complete.sentence,)
    told = tuple(
        f"{'Overall' if one.group == ALL else f'In group {one.group}'} the candidate misses more malignant "
        f"images than its reference: {one.newly_missed} newly, {one.newly_caught} newly caught."
        for one in misses
    )
    return (*incomplete, *told, *decided.reasons)


def _conclusion(complete: Completeness, worse: bool, decided: Promotion) -> Conclusion:
    """An alarm does not wait for the last image, as in every audit."""
    if worse:
        return "worse"
    if not complete.complete:
        return "incomplete"
    return "promotable" if decided.promotable else "insufficient evidence"
