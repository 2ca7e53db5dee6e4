"""Audits of drawn cases: figures and verdicts come from the code that makes real ones."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from evenscreen.pipeline.audit.completeness import completeness as completeness_of
from evenscreen.pipeline.audit.curves import curves, lines
from evenscreen.pipeline.audit.described import DIMENSIONS
from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.audit.judge import explore, judge
from evenscreen.pipeline.audit.judgement import interval, judgement
from evenscreen.pipeline.audit.plan import GROUPS, Grouping, Plan
from evenscreen.pipeline.audit.result import (
    Audit,
    GroupDescription,
    Kind,
    ReferenceStandard,
    Subject,
    UnfinishedImport,
    conclude,
)
from evenscreen.pipeline.audit.verification import agreement, bounds, by_group, corrected
from evenscreen.pipeline.evidence.calibration import binned_calibration, calibration_bins
from evenscreen.pipeline.evidence.rates import rate
from evenscreen.pipeline.ledger import Ledger

from ...simulations.draws import Truth
from ..audit.weights import Seen, weighted_rows
from .drawn import SITES, Images, images

NIGHT = datetime(2026, 11, 20, tzinfo=UTC)
RELEASED = datetime(2026, 1, 5, tzinfo=UTC)
PLAN = Plan(name="default")
SIZES = dict(
    zip(
        GROUPS["fst"],
        ((900, 3600), (1400, 5600), (900, 3600), (500, 2000), (160, 640), (22, 90)),
        strict=True,
    )
)


def sample(
    sizes: Mapping[str, tuple[int, int]] = SIZES,
    truth: Mapping[str, Truth] | None = None,
    *,
    verified: tuple[float, float] = (1.0, 1.0),
    sites: Sequence[str] = SITES,
    missing: int = 0,
    imports: Sequence[UnfinishedImport] = (),
    kind: Kind = "nightly",
    plan: Plan = PLAN,
    night: datetime = NIGHT,
    part: float = 1.0,
    seed: int = 0,
) -> Audit:
    """An audit at `night` of the first `part` of all images that were drawn."""
    drawn = images(sizes, truth or {}, verified, sites, seed)
    early = np.random.default_rng(1).random(len(drawn.verified)) < part
    seen = drawn.of(early)
    until = night - timedelta(days=plan.maturity_days)
    completeness = completeness_of(_ledger(seen, missing, night), until)
    completeness = completeness.model_copy(update={"unfinished_imports": tuple(imports)})
    reported = seen.of(seen.columns["fst_source"] == "reported")
    described = {
        name: descriptions(reported if name.startswith("fst") and name != "fst_source" else seen, name)
        for name in DIMENSIONS
    }
    scores = by_group(_scores(reported, plan.primary))
    weighted = corrected(scores)
    both: tuple[Grouping, Grouping] = (
        ("fst_group", "fst") if plan.primary == "fst_group" else ("fst", "fst_group")
    )
    agree = {
        grouping: agreement(
            bounds(described[grouping], weighted if grouping == plan.primary else ()), plan.margins
        )
        for grouping in both
    }
    judgements = tuple(
        judgement(
            explore(_figures(reported, grouping), grouping, plan)
            if kind == "exploratory"
            else judge(_figures(reported, grouping), grouping, plan, nightly=kind == "nightly"),
            grouping,
            kind,
            verified=agree[grouping],
            complete=completeness.complete,
        )
        for grouping in both
    )
    return Audit(
        subject=Subject(
            model_version="dermoscopy-residual-5117b1d05430",
            threshold=3120,
            kind=kind,
            since=RELEASED,
            until=until,
            as_of=night,
            plan=plan,
            because="the plan did not register this window" if kind == "exploratory" else None,
            plan_version=plan.version,
            plan_registered_at=RELEASED,
            plans_followed=1,
            code_version="0.1.0+ab12cd34",
            input_sha256="5f" * 32,
        ),
        completeness=completeness,
        conclusion=conclude(judgements[0].outcome, completeness.complete),
        judgements=judgements,
        verified=bool(judgements[0].verified),
        corrected=weighted,
        reference_standards=tuple(_standards(reported, plan.primary)),
        calibration_lines={
            name: lines(by_group(_scores(seen if name == "all" else reported, name)))
            for name in ("all", *both)
        },
        description=described,
        curves=curves(scores),
    )


def descriptions(seen: Images, dimension: str) -> tuple[GroupDescription, ...]:
    values = sorted(set(seen.columns[dimension].tolist()))
    found = ((str(value), seen.of(seen.columns[dimension] == value)) for value in values)
    return tuple(
        describe(name, group).model_copy(update=_limits(group) if dimension in GROUPS else {})
        for name, group in found
    )


def _limits(group: Images) -> dict[str, object]:
    """Over patients, as the database knows them of skin types."""
    screened = group.of(~group.rejected)
    return {
        "flag_rate_limits": interval(rate(screened.flagged, screened.cases.patients)),
        "rejection_rate_limits": interval(rate(group.rejected, group.cases.patients)),
    }


def describe(name: str, group: Images) -> GroupDescription:
    """By the definitions in the comments of type audit.group_figures."""
    screened = group.of(~group.rejected)
    known = group.judged()
    label, flagged = known.cases.labels == 1, known.flagged
    tp, fp, tn, fn = (
        int((label == positive)[flagged == flag].sum())
        for positive, flag in ((True, True), (False, True), (False, False), (True, False))
    )
    hidden = int(screened.flagged.sum() - flagged.sum())
    spared = int((~screened.flagged).sum() - (~flagged).sum())
    bins = calibration_bins(known.probability, known.cases.labels) if len(label) else None
    binned = binned_calibration(bins) if bins else None
    figures = known.cases.figures() if len(label) else GroupFigures()
    return GroupDescription(
        group_value=name,
        images=len(group.verified),
        patients=len(set(group.cases.patients.tolist())),
        images_without_patient=0,
        screened=len(screened.verified),
        rejected=int(group.rejected.sum()),
        superseded=0,
        rejected_by_reason={"truncated": int(group.rejected.sum())} if group.rejected.any() else {},
        rejection_rate=_share(group.rejected.sum(), len(group.verified)),
        flagged=int(screened.flagged.sum()),
        flag_rate=_share(screened.flagged.sum(), len(screened.verified)),
        with_outcome=len(label),
        contradictory=0,
        flagged_with_outcome_share=_share(flagged.sum(), screened.flagged.sum()),
        unflagged_with_outcome_share=_share((~flagged).sum(), (~screened.flagged).sum()),
        positives=tp + fn,
        negatives=tn + fp,
        true_positives=tp,
        false_positives=fp,
        true_negatives=tn,
        missed_cancers=fn,
        rejected_cancers=int(group.cases.labels[group.rejected].sum()),
        sensitivity=_share(tp, tp + fn),
        specificity=_share(tn, tn + fp),
        ppv=_share(tp, tp + fp),
        npv=_share(tn, tn + fn),
        sensitivity_at_least=_share(tp, tp + fn + spared),
        sensitivity_at_most=_share(tp + hidden, tp + fn + hidden),
        specificity_at_least=_share(tn, tn + fp + hidden),
        specificity_at_most=_share(tn + spared, tn + fp + spared),
        auroc=figures.auroc.theta if figures.auroc else None,
        brier=float(np.mean((label - known.probability) ** 2)) if len(label) else None,
        residual=float(np.mean(label - known.probability)) if len(label) else None,
        ece=binned.ece if binned else None,
        ece_floor=binned.floor if binned else None,
        squared_error=binned.squared_error if binned else None,
        latency_p50_s=0.412,
        latency_p95_s=1.973,
    )


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def _figures(seen: Images, grouping: Grouping) -> dict[str, GroupFigures]:
    known, months = seen.judged(), (NIGHT - RELEASED).days / 30.44
    found = {}
    for place, name in enumerate(GROUPS[grouping], start=1):
        own = known.of(known.columns[grouping] == (str(place) if grouping == "fst" else name))
        if len(own.verified):
            positives = float(own.cases.labels.sum())
            rates = (positives / months, (len(own.verified) - positives) / months)
            found[name] = GroupFigures(**(vars(own.cases.figures()) | _per_month(*rates)))
    return found


def _per_month(positives: float, negatives: float) -> dict[str, float]:
    return {"positives_per_month": positives, "negatives_per_month": negatives}


def _ledger(seen: Images, missing: int, night: datetime) -> Ledger:
    n, rejected = len(seen.verified), int(seen.rejected.sum())
    return Ledger(
        known=n + missing,
        listed=n + missing,
        arrived=n,
        screened=n - rejected,
        rejected=rejected,
        superseded=0,
        in_flight=0,
        missing=missing,
        young=0,
        listed_at=night,
    )


def _scores(seen: Images, grouping: str) -> list[dict[str, object]]:
    """Rows of audit.weighted_scores."""
    screened = seen.of(~seen.rejected)
    values = screened.columns[grouping]
    rows: list[dict[str, object]] = []
    for value in sorted(set(values.tolist())):
        own = screened.of(values == value)
        images = [
            Seen(str(site), int(p * 10_000), bool(flag), bool(label) if known else None)
            for site, p, flag, label, known in zip(
                own.columns["site"], own.probability, own.flagged, own.cases.labels, own.verified, strict=True
            )
        ]
        name = GROUPS["fst"][int(value) - 1] if grouping == "fst" else value
        rows += [row | {"group_value": name} for row in weighted_rows(images)]
    return rows


def _standards(seen: Images, grouping: str) -> list[ReferenceStandard]:
    """Every other outcome is histopathology, the rest registry follow-up."""
    known, found = seen.judged(), []
    for value in sorted(set(known.columns[grouping].tolist())):
        for source, half in (("histopathology", 0), ("registry", 1)):
            place = np.arange(len(known.verified)) % 2 == half
            own = known.of((known.columns[grouping] == value) & place)
            label = own.cases.labels == 1
            name = GROUPS["fst"][int(value) - 1] if grouping == "fst" else value
            found.append(
                ReferenceStandard(
                    group_value=str(name),
                    label_source=source,
                    verification_reason="flagged",
                    positives=int(label.sum()),
                    true_positives=int((label & own.flagged).sum()),
                    negatives=int((~label).sum()),
                    true_negatives=int((~label & ~own.flagged).sum()),
                    contradictory=0,
                    drawn=0,
                )
            )
    return found
