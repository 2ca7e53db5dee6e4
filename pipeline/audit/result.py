"""What an audit says, as it is stored, printed and published: one object, one JSON schema."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from evenscreen.pipeline.audit.plan import Grouping, Metric, Plan
from evenscreen.pipeline.evidence.verdict import Outcome
from evenscreen.pipeline.ledger import Ledger

Kind = Literal["nightly", "quarter", "exploratory"]
Conclusion = Literal["even", "uneven", "insufficient evidence", "incomplete", "no verdict"]
EXIT_CODES: dict[Conclusion, int] = {
    "even": 0,
    "uneven": 10,
    "insufficient evidence": 11,
    "no verdict": 11,
    "incomplete": 12,
}
"""Whoever reads the exit code alone must never take an exploratory look for `even`."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(Part):
    """What was audited, and by which rules."""

    model_version: str
    threshold: int
    """Scores at or above it are flagged (0..10,000)."""
    kind: Kind
    """All since the release, valid at any night; one calendar quarter; or any other window: no verdict."""
    since: AwareDatetime
    until: AwareDatetime
    """Half-open window on the store's Last-Modified: only screenings old enough for an outcome."""
    as_of: AwareDatetime
    """What was known then counts, and nothing that was learned later."""
    plan: Plan
    plan_version: str
    code_version: str
    input_sha256: str
    """Over every figure that the verdicts were computed from."""


class Completeness(Part):
    """Whether all images of the window are in the figures."""

    ledger: Ledger
    complete: bool
    sentence: str


class Interval(Part):
    """A figure 0..1 (calibration: -1..1) with its 95 % limits for this group alone."""

    value: float
    low: float
    high: float


class Gap(Part):
    """First group minus second, with the limits that the verdict rests on."""

    first: str
    second: str
    value: float
    low: float
    high: float


class Lacking(Part):
    """Cases of a kind that a group needs for `even`; months at the last 90 days' rate, None = never."""

    group: str
    case: Literal["positives", "negatives", "cases"]
    needed: int
    more: int
    months: float | None


class MetricVerdict(Part):
    """One metric over the groups of one grouping."""

    metric: Metric
    margin: float
    alpha: float
    outcome: Outcome | None
    """None when exploratory."""
    beyond_margin: Literal["proven", "not proven"]
    figures: dict[str, Interval | None]
    """By registered group; None where it is not assessable."""
    largest: Gap | None
    """Chosen for being the largest, so it overstates the gap; its limits allow for that."""
    uneven: tuple[Gap, ...]
    undecided: tuple[Gap, ...]
    within: tuple[Gap, ...]
    """Shown to be within the margin."""
    not_assessable: tuple[str, ...]
    lacking: tuple[Lacking, ...]


class Judgement(Part):
    """All metrics of one grouping."""

    grouping: Grouping
    outcome: Outcome | None
    verdicts: tuple[MetricVerdict, ...]


def conclude(outcome: Outcome | None, complete: bool) -> Conclusion:
    """One word for all: `uneven` before `incomplete` before `insufficient evidence` before `even`.

    An alarm does not wait for the last image; nothing else can be said before all are in.
    """
    if outcome == "uneven":
        return "uneven"
    if not complete:
        return "incomplete"
    return outcome or "no verdict"


class GroupDescription(Part):
    """The descriptive figures of one group, without verdict; columns as in type audit.group_figures."""

    group_value: str | None
    """None: cases whose group is not known."""
    images: int
    patients: int | None
    images_without_patient: int | None
    screened: int
    rejected: int
    superseded: int
    rejected_by_reason: dict[str, int]
    rejection_rate: float | None
    flagged: int
    flag_rate: float | None
    with_outcome: int
    contradictory: int
    flagged_with_outcome_share: float | None
    unflagged_with_outcome_share: float | None
    positives: int
    negatives: int
    true_positives: int
    false_positives: int
    true_negatives: int
    missed_cancers: int
    rejected_cancers: int
    sensitivity: float | None
    specificity: float | None
    ppv: float | None
    npv: float | None
    sensitivity_at_least: float | None
    sensitivity_at_most: float | None
    specificity_at_least: float | None
    specificity_at_most: float | None
    auroc: float | None
    brier: float | None
    residual: float | None
    ece: float | None
    ece_floor: float | None
    squared_error: float | None
    latency_p50_s: float | None
    latency_p95_s: float | None


class Corrected(Part):
    """Rates of a group as if every image had been verified; see verification.py for what that assumes."""

    group_value: str
    sensitivity: float | None
    specificity: float | None
    unverified_share: float
    """Of screened images, those without a usable outcome."""


class Curves(Part):
    """What is drawn of a group."""

    group_value: str
    roc: tuple[tuple[float, float], ...]
    """(1 - specificity, sensitivity) from (0, 0) to (1, 1)."""
    calibration: tuple[tuple[float, float, int], ...]
    """(mean probability, share of positives, images) by bin."""


class Audit(Part):
    """One audit."""

    subject: Subject
    completeness: Completeness
    conclusion: Conclusion
    judgements: tuple[Judgement, ...]
    """The primary grouping first; its outcome is the audit's."""
    verified: bool
    """Whether missing outcomes could not hide a gap: without it there is no `even`."""
    corrected: tuple[Corrected, ...]
    description: dict[str, tuple[GroupDescription, ...]]
    """By dimension: all, fst_group, fst, fst_source, site, modality, age_band, sex, body_site, device."""
    curves: tuple[Curves, ...]
    """Of the primary groups."""
