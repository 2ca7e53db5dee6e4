"""A comparison of two models for a person: costs, figures, verdicts, and the decision last."""

from collections.abc import Iterable, Iterator

from rich.markup import escape
from rich.table import Table

from evenscreen.compression.comparison import Comparison, Figures, Footprint, GroupComparison
from evenscreen.infra.show.opening import report_console
from evenscreen.schemas.manifest import Difference, Interval, Latency

COLOURS = {"no worse": "green", "worse": "red", "insufficient evidence": "yellow"}


def show_comparison(found: Comparison) -> None:
    """Tables on stdout."""
    console = report_console()
    console.print(_costs(found))
    parts = (
        (f"All images of {found.split}", (found.overall,)),
        (f"Simulated tones of {found.split}: {found.simulated_meaning}", found.simulated),
        (f"Reported skin type, {found.reported_data}", found.reported),
        ("Reported skin type, each by itself (secondary)", found.reported_types),
    )
    for title, groups in parts:
        if groups:
            console.print(_figures(f"\n{title}", groups))
            console.print(_changes(groups))
            for line in _notes(groups):
                console.print(line, highlight=False, markup=False)
    if found.gap:
        console.print(_gap(found), highlight=False, markup=False)
    for line in _decision(found):
        console.print(line, highlight=False)


def _costs(found: Comparison) -> Table:
    before, after = found.parent, found.candidate
    table = _table("", "parent", "candidate", "ratio")
    table.add_row("model", escape(before.model_version), escape(after.model_version), "")
    table.add_row("form", before.form, after.form, "")
    for name, one, other in (
        ("bytes", before.size_bytes, after.size_bytes),
        ("parameters", before.parameters, after.parameters),
        ("multiply-accumulates", before.macs, after.macs),
    ):
        ratio = f"{other / one:.2f}" if one and other else ""
        table.add_row(name, *(f"{value:,}" if value else "not counted" for value in (one, other)), ratio)
    table.add_row("ms per image, one thread", *_latencies(before, after))
    errors = (found.parent_calibration, found.candidate_calibration)
    table.add_row("ECE (of a perfect model)", *(f"{one.ece:.3f} ({one.floor:.3f})" for one in errors), "")
    return table


def _latencies(before: Footprint, after: Footprint) -> tuple[str, str, str]:
    """The two medians, and their ratio where both were measured on one kind of machine."""
    one, other = (_single(model.latency) for model in (before, after))
    ratio = ""
    if one and other and one.machine == other.machine:
        ratio = f"{other.median_ms / one.median_ms:.2f}"
    first, second = (f"{each.median_ms:.2f}" if each else "not measured" for each in (one, other))
    return first, second, ratio


def _single(latency: Iterable[Latency]) -> Latency | None:
    return next((entry for entry in latency if (entry.batch, entry.threads) == (1, 1)), None)


def _figures(title: str, groups: Iterable[GroupComparison]) -> Table:
    table = _table("group", "images", "patients", "malignant", "", "AUROC", "sensitivity", "specificity")
    table.title, table.title_justify, table.title_style = escape(title), "left", "bold"
    for group in groups:
        patients = "–" if group.patients is None else str(group.patients)
        counts = (group.group, str(group.n), patients, str(group.positives))
        table.add_row(*counts, "parent", *_cells(group.parent))
        table.add_row("", "", "", "", "candidate", *_cells(group.candidate))
    return table


def _changes(groups: Iterable[GroupComparison]) -> Table:
    table = _table(
        "group", "AUROC minus parent's", "flags changed", "newly missed", "newly caught", "verdict"
    )
    for group in groups:
        table.add_row(
            group.group,
            _difference(group.difference),
            _interval(group.flips),
            str(len(group.newly_missed)),
            str(len(group.newly_caught)),
            f"[{COLOURS[group.verdict]}]{group.verdict}[/]",
        )
    return table


def _notes(groups: Iterable[GroupComparison]) -> Iterator[str]:
    for group in groups:
        if group.reason:
            what = f"n = {group.n}, " if group.source == "reported" else ""
            yield f"  {group.group}: {group.verdict}, {what}{group.reason}"
        if group.newly_missed:
            yield f"  {group.group}: newly missed at positions {', '.join(map(str, group.newly_missed))}"


def _gap(found: Comparison) -> str:
    gap = found.gap
    if gap is None:
        return ""
    return (
        f"\nLargest AUROC gap between simulated tones ({gap.meaning}): "
        f"parent {gap.parent:.3f} ({' over '.join(gap.parent_tones)}), "
        f"candidate {gap.candidate:.3f} ({' over '.join(gap.candidate_tones)}), "
        f"change {_difference(gap.change)}. A largest gap is overstated by chance; no verdict."
    )


def _decision(found: Comparison) -> Iterator[str]:
    yield f"\nBounds of differences are one-sided, 95 % each; other limits 95 %. Margin {found.margin:.3f}."
    yield "[green bold]Promotable.[/]" if found.promotable else "[red bold]Not promotable.[/]"
    for reason in found.reasons:
        yield f"  {escape(reason)}"


def _table(*headings: str) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", "group", "verdict") else "right")
    return table


def _cells(figures: Figures) -> tuple[str, str, str]:
    return _interval(figures.auroc), _interval(figures.sensitivity), _interval(figures.specificity)


def _interval(found: Interval | None) -> str:
    return f"{found.value:.3f} ({found.low:.3f}–{found.high:.3f})" if found else "–"


def _difference(found: Difference | None) -> str:
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})" if found else "–"
