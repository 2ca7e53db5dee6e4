"""An audit on a terminal: what is in it first, then what it says, then the figures."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evenscreen.infra.show.audit_groups import Group, registered
from evenscreen.infra.show.audit_headline import headline, notes, too_small
from evenscreen.infra.show.audit_terminal import calibration, sources, table, weighted
from evenscreen.infra.show.audit_words import (
    ASSUMED,
    DIMENSION_NAMES,
    KIND_NAMES,
    METRIC_NAMES,
    NEEDS,
    NONE,
    count,
    followed,
    gap_limits,
    group_name,
    limits,
    margins,
    number,
    ordered,
    outcome,
    pair_name,
    plain,
    registered_on,
    share,
    share_limits,
    shortfalls,
)
from evenscreen.infra.show.opening import opened
from evenscreen.pipeline.audit.plan import GROUPS, Metric
from evenscreen.pipeline.audit.result import Audit, Conclusion, Judgement

COLOURS: dict[Conclusion, str] = {
    "even": "green",
    "uneven": "red",
    "insufficient evidence": "yellow",
    "incomplete": "yellow",
    "no verdict": "yellow",
}
FEW = "*"


def show_audit(found: Audit, by: Sequence[str] = ()) -> None:
    """Tables on stdout; `by` names further dimensions of the description, shown without verdict."""
    console = opened(_subject(found), found.completeness)
    console.print("\n[bold]Conclusion[/]")
    console.print(escape(headline(found)), style=f"bold {COLOURS[found.conclusion]}", highlight=False)
    primary = found.judgements[0]
    console.print(_verdicts(primary))
    for line in _shortfalls(primary):
        console.print(escape(line), highlight=False)
    for other in found.judgements[1:]:
        if small := too_small(found, other):
            name = DIMENSION_NAMES[other.grouping].lower()
            console.print(escape(f"  Too few cases to assess by {name}: {small}"), highlight=False)
    groups = registered(found, primary.grouping)
    console.print(
        _accuracy(f"\n{DIMENSION_NAMES[primary.grouping]}s, {found.subject.plan.fst_source}", groups)
    )
    console.print(_operation(groups))
    console.print(weighted(found))
    console.print(calibration(groups))
    for line in sources(found):
        console.print(escape(line), highlight=False)
    console.print(f"[dim]{FEW} too few cases to be assessed: no verdict rests on it[/]", highlight=False)
    for dimension in by:
        _explore(console, found, dimension)
    console.print("\n[bold]Notes[/]")
    for line in notes(found):
        console.print(f"  {escape(line)}", highlight=False)


def _subject(found: Audit) -> Iterable[str]:
    subject = found.subject
    yield f"Fairness audit of {plain(subject.model_version)} at threshold {subject.threshold:,} of 10,000"
    yield (
        f"{KIND_NAMES[subject.kind]}: images of {subject.since:%Y-%m-%d %H:%M} to "
        f"{subject.until:%Y-%m-%d %H:%M} UTC, as known at {subject.as_of:%Y-%m-%d %H:%M}"
    )
    yield f"plan {subject.plan.name} ({subject.plan_version[:12]}): margins {margins(found)}"
    if registered_at := registered_on(found):
        yield f"plan registered {registered_at}; {followed(found)}"


def _verdicts(judgement: Judgement) -> Table:
    made = table("metric", "verdict", "margin", "largest gap (limits)", "pair", "beyond margin")
    for one in ordered(judgement.verdicts):
        said = outcome(one)
        colour = COLOURS[said]  # type: ignore[index]
        gap = one.largest
        made.add_row(
            METRIC_NAMES[one.metric],
            f"[{colour}]{said}[/]",
            f"±{number(one.margin)}",
            gap_limits(gap) if gap else NONE,
            pair_name(gap) if gap else NONE,
            one.beyond_margin or NONE,
        )
    return made


def _shortfalls(judgement: Judgement) -> Iterable[str]:
    for one in ordered(judgement.verdicts):
        name = METRIC_NAMES[one.metric]
        if one.not_assessable:
            yield f"  {name}: not assessable: {', '.join(one.not_assessable)}"
    for goal, (heading, truth) in NEEDS.items():
        lines = [(one, line) for one in ordered(judgement.verdicts) for line in shortfalls(one, goal)]
        if lines:
            yield f"{heading.replace('`', '')}. {truth}: {ASSUMED}"
        yield from (f"  {METRIC_NAMES[one.metric]}: {line}" for one, line in lines)


def _accuracy(title: str, groups: Sequence[Group]) -> Table:
    headings = (
        "group", "n", "patients", "pos.", "neg.", "sensitivity", "specificity", "AUROC", "PPV", "NPV"
    )  # fmt: skip
    made = table(*headings)
    made.title, made.title_justify, made.title_style = escape(title), "left", "bold"
    for group in groups:
        one = group.described
        if one is None:
            made.add_row(group.name, "0", "0", "0", "0", *[NONE] * 5)
            continue
        made.add_row(
            escape(group.name),
            *(count(value) for value in (one.images, one.patients, one.positives, one.negatives)),
            *(_with_limits(group, metric) for metric in ("sensitivity", "specificity", "auroc")),
            number(one.ppv),
            number(one.npv),
        )
    return made


def _operation(groups: Sequence[Group]) -> Table:
    made = table(
        "group",
        "flagged",
        "rejected",
        "missed cancers",
        "rejected cancers",
        "outcome known: flagged",
        "not flagged",
    )
    for group in groups:
        one = group.described
        if one is None:
            made.add_row(group.name, NONE, NONE, "0", "0", NONE, NONE)
            continue
        made.add_row(
            escape(group.name),
            share_limits(one.flag_rate, one.flag_rate_limits),
            share_limits(one.rejection_rate, one.rejection_rate_limits),
            count(one.missed_cancers),
            count(one.rejected_cancers),
            share(one.flagged_with_outcome_share),
            share(one.unflagged_with_outcome_share),
        )
    return made


def _explore(console: Console, found: Audit, dimension: str) -> None:
    title = f"\n{DIMENSION_NAMES.get(dimension, plain(dimension))}: exploratory, no verdict"
    grouping = next((name for name in GROUPS if name == dimension), None)
    groups = (
        registered(found, grouping)
        if grouping
        else [
            Group(group_name(one.group_value, dimension), one, {})
            for one in found.description.get(dimension, ())
        ]
    )
    if not groups:
        console.print(f"{escape(title)}: no image", highlight=False)
        return
    console.print(_accuracy(title, groups))
    console.print(_operation(groups))


def _with_limits(group: Group, metric: Metric) -> str:
    interval = group.intervals.get(metric) or group.small.get(metric)
    written = f"{number(group.value(metric))}{FEW if group.too_small(metric) else ''}"
    return f"{written} {limits(interval)}" if interval else written
