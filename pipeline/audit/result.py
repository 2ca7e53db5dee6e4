"""What an audit says, as it is stored, printed and published: one object, one JSON schema."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from evenscreen.pipeline.audit.plan import Grouping, Metric, Plan
from evenscreen.pipeline.evidence.verdict import Outcome
from evenscreen.pipeline.ledger import Ledger

Kind = Literal["nightly", "quarter", "exploratory"]
Said = Literal["even", "uneven", "insufficient evidence", "incomplete"]
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
    because: str | None = None
    """Why it is exploratory; None when it is not."""
    plan: Plan
    plan_version: str
    plan_registered_at: AwareDatetime | None = None
    """When an audit first followed the plan."""
    plans_followed: int | None = None
    """How many plans audits of this model had followed by then, this one included."""
    code_version: str
    """`0.1.0+ab12cd34`: version of the package and checksum of the code that counts and judges."""
    input_sha256: str
    """Over every figure and worst-case bound that the verdicts were computed from. Other code may compute
    them from others: comparable where `code_version` is the same."""


class UnfinishedImport(Part):
    """A file of outcomes and skin types that had not come to its end: nothing of it counts."""

    batch_id: UUID
    """Of the file's content, as its reports bear it: the same file is the same batch."""
    reports: int
    """Rows of the file."""
    imported_by: str
    began_at: AwareDatetime


class Completeness(Part):
    """Whether all images of the window are in the figures, and which files of outcomes are in none."""

    ledger: Ledger
    """Of the window, under any model: what a predecessor screened is accounted for."""
    complete: bool
    sentence: str
    of_model: int | None = None
    """Images of the window that the audited model itself had screened or rejected: all figures are
    of these. None where it was not counted."""
    counted_at: AwareDatetime | None = None
    """When the ledger was counted: it knows no `as_of`, and tells of that moment."""
    unfinished_imports: tuple[UnfinishedImport, ...] = ()
    """Known at `as_of` to have begun, and neither to have ended nor to be abandoned."""


class Interval(Part):
    """A figure 0..1 (calibration: -1..1) with its 95 % limits for this group alone."""

    value: float
    low: float
    high: float


class Gap(Part):
    """First group minus second, with the limits that the verdict rests on; exploratory: 95 %, pointwise."""

    first: str
    second: str
    value: float
    low: float
    high: float


class Lacking(Part):
    """Cases of a kind that a group needs; months at the last 90 days' rate, None = never."""

    goal: Literal["even", "uneven"] = "even"
    """`even` if there is no gap, `uneven` if there is one of twice the margin: each with 95 % power."""
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
    outcome: Said | None
    """Never `even` where it is not complete or missing outcomes could hide a gap. None when exploratory."""
    verified: bool | None = None
    """Whether missing outcomes could not hide a gap between any two groups: without it there is no `even`.

    None in audits on record from before it was told by metric."""
    beyond_margin: Literal["proven", "not proven"] | None
    """None when exploratory."""
    figures: dict[str, Interval | None]
    """By registered group; None where it is not assessable."""
    small: dict[str, Interval] = {}
    """Sensitivity and specificity of groups that are not assessable: no verdict rests on them."""
    largest: Gap | None
    """Chosen for being the largest, so it overstates the gap; its limits allow for that."""
    uneven: tuple[Gap, ...]
    undecided: tuple[Gap, ...]
    """When exploratory: every pair, as nothing is decided."""
    within: tuple[Gap, ...]
    """Shown to be within the margin, for images like those that have an outcome."""
    not_assessable: tuple[str, ...]
    lacking: tuple[Lacking, ...]


class Judgement(Part):
    """All metrics of one grouping."""

    grouping: Grouping
    outcome: Said | None
    """None when exploratory."""
    verified: bool | None = None
    """Of all deciding metrics. None in audits on record from before it was told by grouping."""
    verdicts: tuple[MetricVerdict, ...]


def say(outcome: Outcome, *, verified: bool, complete: bool) -> Said:
    """What may be said of one metric or of all, in the order of `conclude`; no `even` unless `verified`."""
    if outcome == "uneven":
        return "uneven"
    if not complete:
        return "incomplete"
    return "insufficient evidence" if outcome == "even" and not verified else outcome


def conclude(outcome: Said | None, complete: bool) -> Conclusion:
    """One word for all: `uneven` before `incomplete` before `insufficient evidence` before `even`.

    An alarm does not wait for the last image; nothing else can be said before all are in.
    """
    if outcome == "uneven":
        return "uneven"
    if not complete:
        return "incomplete"
    return outcome or "no verdict"


class GroupDescription(Part):
    """The descriptive figures of one group, without verdict; columns as in type audit.group_figures.

    Limits are 95 % limits of the group alone; PPV and NPV have none."""

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
    rejection_rate_limits: Interval | None = None
    """Over patients; of skin types only, as those below."""
    flagged: int
    flag_rate: float | None
    flag_rate_limits: Interval | None = None
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
    """A group as if every image had been verified; see verification.py for what that assumes."""

    group_value: str
    sensitivity: float | None
    specificity: float | None
    auroc: float | None = None
    effective_positives: float | None = None
    """How many images of equal weight tell as much as the weighted positives."""
    effective_negatives: float | None = None
    auroc_at_least: float | None = None
    """Whatever the missing outcomes are: this bound assumes nothing."""
    auroc_at_most: float | None = None
    unverified_share: float
    """Of screened images, those without a usable outcome."""


class Sampled(Part):
    """A group whose outcomes came, partly, of random draws: images count for as many as they stand for."""

    group_value: str
    outcomes: int
    """Images whose outcome counts."""
    stand_for: float
    """Images that these stand for."""
    uncovered: float
    """Images whose outcome is not known and that no draw stands for: the bounds are over these."""
    sensitivity: float | None
    specificity: float | None
    auroc: float | None
    sensitivity_at_least: float | None
    sensitivity_at_most: float | None
    specificity_at_least: float | None
    specificity_at_most: float | None
    auroc_at_least: float | None
    auroc_at_most: float | None


class ReferenceStandard(Part):
    """Outcomes of one group, reference standard and reason; columns as audit.reference_standards has them."""

    group_value: str | None
    label_source: str
    verification_reason: str
    positives: int
    true_positives: int
    negatives: int
    true_negatives: int
    contradictory: int
    drawn: int


class Line(Part):
    """logit P(malignant) = intercept + slope · logit probability, of images with an outcome (Cox 1958)."""

    group_value: str
    n: int
    positives: int
    intercept: float | None
    """0 where probabilities are right; None where no line fits, for want of cases or of overlap."""
    slope: float | None
    """1 where probabilities are right, less where they are too extreme."""


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
    """Of the primary grouping: whether missing outcomes could not hide a gap."""
    corrected: tuple[Corrected, ...]
    sampled: tuple[Sampled, ...] = ()
    """Of the primary groups, where outcomes came of random draws: verdicts then rest on weighted figures."""
    reference_standards: tuple[ReferenceStandard, ...] = ()
    """Of the primary groups and of images of unknown group."""
    calibration_lines: dict[str, tuple[Line, ...]] = {}
    """By dimension: all, fst_group, fst."""
    description: dict[str, tuple[GroupDescription, ...]]
    """By dimension: all, fst_group, fst, fst_source, site, modality, age_band, sex, body_site, device."""
    curves: tuple[Curves, ...]
    """Of the primary groups."""
