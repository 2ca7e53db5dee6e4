"""Two models on the same screened images, for a person: completeness first, the decision last."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from evenscreen.infra.show.audit_words import DIMENSION_NAMES, count, number
from evenscreen.infra.show.comparison import COLOURS
from evenscreen.infra.show.opening import opened
from evenscreen.pipeline.audit.paired import PairedGroup, TwoModels

NONE = "–"
MOST_MISSED = 20
"""Newly missed positives that a terminal shows; `--json` has all."""


def show_two_models(found: TwoModels) -> None:
    """One table per grouping, the positives that are newly missed, and the promotion rule's answer."""
    console = opened(_subject(found), found.completeness)
    console.print(_groups("\nAll images", (found.overall,)))
    for one in found.groupings:
        console.print(_groups(f"\n{DIMENSION_NAMES[one.grouping]}s, {found.plan.fst_source}", one.groups))
    if found.newly_missed:
        console.print(_missed(found))
    for line in _tones(found):
        console.print(escape(line), highlight=False)
    for line in _decision(found):
        console.print(line, highlight=False)


def _subject(found: TwoModels) -> Iterable[str]:
    yield f"{found.candidate} against {found.reference}"
    yield (
        f"images of before {found.until:%Y-%m-%d %H:%M} UTC, as known at {found.as_of:%Y-%m-%d %H:%M}; plan "
        f"{found.plan.name} ({found.plan_version[:12]}): margin {number(found.margin)} of AUROC"
    )
    yield (
        f"Of {count(found.with_outcome)} images with an outcome that the reference screened, the candidate "
        f"screened {count(found.overall.images)}, could not screen {count(found.not_screened)}, and was "
        f"never asked about {count(found.not_reached)}."
    )


def _groups(title: str, groups: Iterable[PairedGroup]) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.title, table.title_justify, table.title_style = escape(title), "left", "bold"
    for heading in (
        "group", "pos.", "neg.", "AUROC", "difference", "flips", "newly missed", "newly caught", "verdict"
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading in ("group", "verdict") else "right")
    for one in groups:
        areas, flipped = one.areas, one.flipped
        table.add_row(
            one.group,
            count(one.positives),
            count(one.negatives),
            f"{areas.reference:.3f} → {areas.candidate:.3f}" if areas else NONE,
            f"{areas.difference.value:+.3f} ({areas.difference.low:+.3f} to {areas.difference.high:+.3f})"
            if areas
            else NONE,
            f"{flipped.value:.1%} ({flipped.low:.1%}–{flipped.high:.1%})" if flipped else NONE,
            f"{count(one.newly_missed)} of {count(one.positives)}",
            count(one.newly_caught),
            f"[{COLOURS[one.verdict]}]{one.verdict}[/]",
        )
    return table


def _missed(found: TwoModels) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("screening id", "type", "reference", "candidate"):
        table.add_column(heading)
    table.title = "\nPositives newly missed (scores of 10,000)"
    table.title_justify, table.title_style = "left", "bold"
    for one in found.newly_missed[:MOST_MISSED]:
        scores = (count(one.reference_score), count(one.candidate_score))
        table.add_row(str(one.screening_id), one.fst or "not known", *scores)
    more = len(found.newly_missed) - MOST_MISSED
    if more > 0:
        table.caption, table.caption_justify = f"and {count(more)} more: --json lists all", "left"
    return table


def _tones(found: TwoModels) -> Iterable[str]:
    if found.simulated:
        told = ", ".join(f"{tone} {verdict}" for tone, verdict in found.simulated.items())
        yield f"\nSimulated tones, from the candidate's manifest: {told}"


def _decision(found: TwoModels) -> Iterable[str]:
    yield "\nBounds of differences are one-sided, 95 % each; other limits 95 %."
    yield "[green bold]Promotable.[/]" if found.promotable else "[red bold]Not promotable.[/]"
    for reason in found.reasons:
        yield f"  {escape(reason)}"
    yield f"Conclusion: {found.conclusion}"
