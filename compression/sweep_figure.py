"""The sweep as people look at it: a figure and a table."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evenscreen.compression.sweep import Point
from evenscreen.schemas.errors import Fatal

BEGIN, END = "<!-- sweep: begin -->", "<!-- sweep: end -->"
INK, SECOND = "#1f4e79", "#b3541e"


def draw(points: Sequence[Point], path: Path) -> None:
    """Write the figure to `path` (its ending names the format): AUROC, gap, size and latency by share."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    (area, gap), (size, latency) = figure.subplots(2, 2, sharex=True)
    shares = [100 * point.removed for point in points]
    _area(area, shares, points)
    _line(
        gap,
        shares,
        [100 * point.simulated_tone_gap for point in points],
        "gap between simulated tones, points of AUROC",
    )
    _line(size, shares, [point.size_bytes / 1e6 for point in points], "file, MB")
    _line(latency, shares, [point.latency_ms for point in points], "latency, ms (batch 1, one thread)")
    for below in (size, latency):
        below.set_xlabel("parameters removed, %")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def table(points: Sequence[Point]) -> str:
    """The points as a Markdown table."""
    rows = [
        "| removed | parameters | MMAC | file | AUROC (95 %) | worst simulated tone | "
        "gap between simulated tones | latency |",
        "|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    rows += [
        f"| {point.removed:.0%} | {point.parameters / 1e6:.1f} M | {point.macs / 1e6:,.0f} | "
        f"{point.size_bytes / 1e6:.1f} MB | {point.auroc.value:.3f} ({point.auroc.low:.3f}–"
        f"{point.auroc.high:.3f}) | {point.worst_simulated_tone_auroc:.3f} | "
        f"{100 * point.simulated_tone_gap:.1f} points | {point.latency_ms:.2f} ms |"
        for point in points
    ]
    return "\n".join(rows)


def parted(document: Path) -> tuple[str, str]:
    """What stands before and after the two marks of `document`. Raises Fatal when they are not there."""
    before, mark, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise Fatal(f"{document.name} has no lines {BEGIN} and {END}, between which the table goes.")
    return before, after


def put_into(document: Path, content: str) -> None:
    """Replace what stands between the two marks of `document`. Raises Fatal when they are not there."""
    before, after = parted(document)
    document.write_text(f"{before}{BEGIN}\n{content}\n{END}{after}", encoding="utf-8")


def _area(axes: Axes, shares: Sequence[float], points: Sequence[Point]) -> None:
    values = [point.auroc.value for point in points]
    low = [point.auroc.value - point.auroc.low for point in points]
    high = [point.auroc.high - point.auroc.value for point in points]
    axes.errorbar(shares, values, [low, high], fmt="o-", color=INK, capsize=3, label="as taken, 95 %")
    worst = [point.worst_simulated_tone_auroc for point in points]
    axes.plot(shares, worst, "s--", color=SECOND, label="worst simulated tone")
    axes.set_title("AUROC on val", loc="left", fontsize=10)
    axes.grid(alpha=0.3)
    # Beside the title: no place within the axes is sure to be free.
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.02, 0.99), ncols=2, frameon=False, fontsize=8, columnspacing=1
    )


def _line(axes: Axes, shares: Sequence[float], values: Sequence[float], title: str) -> None:
    axes.plot(shares, values, "o-", color=INK)
    axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(alpha=0.3)
