"""The audit in one sentence, and the notes without which its figures mislead."""

from evenscreen.infra.show.audit_groups import registered
from evenscreen.infra.show.audit_words import METRIC_NAMES, NONE, number, share
from evenscreen.pipeline.audit.result import Audit, Gap, GroupDescription, Judgement, MetricVerdict
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS


def headline(found: Audit) -> str:
    """The conclusion and its reasons."""
    match found.conclusion:
        case "even":
            return (
                "Even: in sensitivity, specificity and AUROC every pair of registered skin-type groups is "
                "shown to differ by less than the margin."
            )
        case "uneven":
            late = "" if found.completeness.complete else " The window is incomplete as well."
            return f"Uneven: {'; '.join(_gaps(found))}.{late}"
        case "incomplete":
            return (
                f"Incomplete: {found.completeness.sentence} Until that is remedied, "
                "the figures below are provisional and nothing is called even."
            )
        case "insufficient evidence":
            why = "; ".join(_doubts(found))
            return f"Insufficient evidence: neither even nor uneven is shown, because {why}."
        case "no verdict":
            why = found.subject.because or "the plan did not register this window"
            return (
                f"No verdict: {why}, so all figures are exploratory; limits of gaps are 95 % limits of each "
                "pair by itself."
            )


def notes(found: Audit) -> list[str]:
    """What a reader must know about outcomes and skin types before taking a figure at its word."""
    days = found.subject.plan.maturity_days
    said = [f"Only screenings at least {days} days old count: outcomes take that long to arrive."]
    if _everybody(found):
        said += [verification_note(found), skin_type_note(found)]
    contradictory = sum(one.contradictory for one in found.description.get("all", ()))
    if contradictory:
        said.append(f"{contradictory:,} images have contradictory outcomes and are in no figure.")
    allow = "are of that pair by itself and do not allow" if found.subject.kind == "exploratory" else "allow"
    said.append(
        "A largest gap was chosen for being large, so as a point estimate it is too large; its limits "
        f"{allow} for that."
    )
    return said


def too_small(found: Audit, judgement: Judgement) -> str:
    """The groups that a deciding metric cannot be assessed for, with their number of images; or nothing."""
    images = {
        one.name: one.described.images if one.described else 0
        for one in registered(found, judgement.grouping)
    }
    deciding = [one for one in judgement.verdicts if one.metric in DECIDING_METRICS]
    small = {name for one in deciding for name in one.not_assessable}
    return ", ".join(f"{name} (n = {images[name]:,})" for name in images if name in small)


def verification_note(found: Audit) -> str:
    """Whether missing outcomes could hide a gap between the primary groups, and where."""
    doubtful = in_doubt(found)
    if found.sampled:
        start = (
            "Outcomes of a random sample stand for those of all images that it was drawn from; every verdict "
            "rests on figures weighted for that. "
        )
        left = sum(one.uncovered for one in found.sampled)
        if not doubtful:
            return (
                f"{start}What the sample does not stand for ({left:,.0f} images) hides no gap of the margin."
            )
        return (
            f"{start}It does not stand for {left:,.0f} images without outcome: bounds over these do not "
            f"exclude a gap of the margin in {doubtful}: none of these is called even."
        )
    if not doubtful:
        return "Whatever outcomes are missing, they hide no gap of the margin in any metric."
    return (
        f"Bounds over all outcomes that may be missing do not exclude a gap of the margin in {doubtful}: "
        "none of these is called even. Where outcomes are missing, the remedy is a random sample: "
        "`evenscreen labels sample-for-verification`."
    )


def in_doubt(found: Audit) -> str:
    """The metrics of the primary grouping in which missing outcomes could hide a gap; or nothing."""
    return ", ".join(
        METRIC_NAMES[one.metric]
        for one in found.judgements[0].verdicts
        if not (found.verified if one.verified is None else one.verified)
    )


def skin_type_note(found: Audit) -> str:
    """Who has a skin type of the source that the plan asks for: it is rarely missing at random."""
    source = found.subject.plan.fst_source
    everybody = _everybody(found)
    known = next(
        (one for one in found.description.get("fst_source", ()) if one.group_value == source),
        None,
    )
    if everybody is None:
        return "There is no image."
    lacks = [
        f"{share(_without(known, everybody, column))} of {words}"
        for column, words in (
            ("images", "images"),
            ("positives", "positives"),
            ("negatives", "negatives"),
        )
    ]
    return f"Skin types are {source} ones; they are missing for {lacks[0]}, {lacks[1]} and {lacks[2]}."


def _everybody(found: Audit) -> GroupDescription | None:
    return next(iter(found.description.get("all", ())), None)


def _without(known: GroupDescription | None, everybody: GroupDescription, column: str) -> float | None:
    whole = getattr(everybody, column)
    part = getattr(known, column) if known else 0
    return 1 - part / whole if whole else None


def _deciding(found: Audit) -> list[MetricVerdict]:
    return [one for one in found.judgements[0].verdicts if one.metric in DECIDING_METRICS]


def _gaps(found: Audit) -> list[str]:
    return [
        f"{METRIC_NAMES[one.metric]} of {_lower(max(one.uneven, key=lambda gap: abs(gap.value)))} "
        f"(beyond the margin of {number(one.margin)}: {one.beyond_margin})"
        for one in _deciding(found)
        if one.uneven
    ]


def _lower(gap: Gap) -> str:
    low, high = (gap.second, gap.first) if gap.value > 0 else (gap.first, gap.second)
    return f"{low} is {number(abs(gap.value))} lower than of {high}"


def _doubts(found: Audit) -> list[str]:
    verdicts, small = _deciding(found), too_small(found, found.judgements[0])
    undecided = [METRIC_NAMES[one.metric] for one in verdicts if one.undecided]
    doubts = [f"there are too few cases to assess {small}"] if small else []
    doubts += [f"gaps in {', '.join(undecided)} are neither shown nor excluded"] if undecided else []
    doubts += [] if found.verified else ["bounds over missing outcomes do not exclude a gap"]
    return doubts or [NONE]
