"""How an audit is put into words and numbers, the same on a terminal and on paper."""

import math
import unicodedata

from evenscreen.pipeline.audit.plan import GROUPS, METRICS, Metric
from evenscreen.pipeline.audit.result import Audit, Gap, Interval, Lacking, MetricVerdict
from evenscreen.pipeline.evidence.shortfall import Goal

NONE = "–"
METRIC_NAMES: dict[Metric, str] = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "auroc": "AUROC",
    "calibration": "Calibration residual",
}
DIMENSION_NAMES = {
    "all": "All images",
    "fst_group": "Skin-type group",
    "fst": "Skin type",
    "fst_source": "Source of the skin type",
    "age_band": "Age band",
    "sex": "Sex",
    "body_site": "Body site",
    "site": "Site",
    "device": "Device",
    "modality": "Modality",
}
KIND_NAMES = {
    "nightly": "nightly verdict, all since the release",
    "quarter": "drift, one calendar quarter",
    "exploratory": "exploratory, no verdict",
}
SOURCE_NAMES = {
    "histopathology": "histopathology",
    "consensus": "consensus of experts",
    "follow_up": "clinical follow-up",
    "registry": "registry follow-up",
}
REASON_NAMES = {
    "flagged": "flagged",
    "clinical": "clinical suspicion",
    "random_sample": "random draw",
    "routine": "routine",
    "unknown": "not known",
}
NEEDS: dict[Goal, tuple[str, str]] = {
    "even": ("What `even` would still need", "If there is no gap"),
    "uneven": ("What `uneven` would still need", "If a gap is twice the margin"),
}
"""Heading, and what it assumes beside `ASSUMED`."""
ASSUMED = "with 95 % power, cases like those seen, at the rate of the last 90 days."
ENOUGH: dict[Goal, str] = {
    "even": "Cases suffice for an even system; so close to the margin no number of cases decides.",
    "uneven": "Cases suffice for a gap of twice the margin.",
}
REACHES_YEARS = 100
"""Beyond it, a waiting time says no more than that it is long."""


def plain(text: object) -> str:
    """`text` without control and formatting characters: names come from outside and steer no terminal."""
    return "".join(
        "�" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") else sign for sign in str(text)
    )


def group_name(value: str | None, dimension: str) -> str:
    """A group as people call it; skin types are stored as 1..6."""
    if value is None:
        return "not known"
    if dimension == "fst" and value in tuple("123456"):
        return GROUPS["fst"][int(value) - 1]
    return plain(value)


def number(value: float | None, digits: int = 3) -> str:
    """A figure, as 0..1."""
    return NONE if value is None else _minus(f"{value:z,.{digits}f}")


def signed(value: float) -> str:
    return _minus(f"{value:+z.3f}")


def share(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}".replace("%", " %")


def share_limits(value: float | None, found: Interval | None) -> str:
    return (
        share(value)
        if found is None
        else f"{share(value)} ({share(found.low)[:-2]}–{share(found.high)[:-2]})"
    )


def reach(low: float | None, high: float | None) -> str:
    """Worst and best case."""
    return NONE if low is None or high is None else f"{number(low)} to {number(high)}"


def count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def limits(found: Interval) -> str:
    if found.low < 0:
        return f"({signed(found.low)} to {signed(found.high)})"
    return f"({number(found.low)}–{number(found.high)})"


def gap_limits(found: Gap) -> str:
    return f"{signed(found.value)} ({signed(found.low)} to {signed(found.high)})"


def pair_name(found: Gap) -> str:
    return f"{found.first} minus {found.second}"


def outcome(found: MetricVerdict) -> str:
    return found.outcome or "no verdict"


def lacking(found: Lacking) -> str:
    """What a group still needs, and when it has it."""
    need = f"{found.group} needs {found.more:,} more {found.case} ({found.needed:,} in all)"
    if found.months is None:
        return f"{need}: not reachable at this rate"
    if found.months > 12 * REACHES_YEARS:
        return f"{need}: more than {REACHES_YEARS} years at this rate"
    months = math.ceil(found.months)
    return f"{need}: about {months:,} month{'s' if months > 1 else ''} at this rate"


def shortfalls(found: MetricVerdict, goal: Goal) -> list[str]:
    """One sentence per group and kind of case that `goal` still needs; none where nothing is decided."""
    if found.outcome is None:
        return []
    own = [one for one in found.lacking if one.goal == goal]
    short = [lacking(one) for one in own if one.more]
    if own and not short and found.undecided:
        return [ENOUGH[goal]]
    return short


def ordered(verdicts: tuple[MetricVerdict, ...]) -> list[MetricVerdict]:
    """Deciding metrics first."""
    return sorted(verdicts, key=lambda one: METRICS.index(one.metric))


def margins(found: Audit) -> str:
    plan = found.subject.plan
    return ", ".join(
        f"{METRIC_NAMES[metric]} ±{number(getattr(plan.margins, metric))}" for metric in plan.metrics
    )


def registered_on(found: Audit) -> str:
    """When an audit first followed the plan; nothing in audits on record from before that was told."""
    at = found.subject.plan_registered_at
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def followed(found: Audit) -> str:
    """How many plans there are whose answers can be picked from."""
    plans = found.subject.plans_followed
    if plans is None:
        return NONE
    if plans == 1:
        return "the only plan that audits of this model have followed"
    return f"one of {plans:,} plans that audits of this model have followed"


def _minus(text: str) -> str:
    return text.replace("-", "−")
