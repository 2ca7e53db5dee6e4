"""Two models on the same screened images, for a person."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evenscreen.infra.show.comparison import COLOURS, PIPED_WIDTH
from evenscreen.pipeline.audit.two_models import TwoModels


def show_two_models(found: TwoModels) -> None:
    """One row per group; the conclusion last."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    table = Table(
        "group", "positives", "negatives", "AUROC", "difference", "flips", "newly missed", "verdict",
        title=f"{escape(found.candidate)} against {escape(found.reference)}",
    )  # fmt: skip
    for name, one in found.groups.items():
        between, changed = one.difference, one.flips
        table.add_row(
            name,
            str(between.positives) if between else "–",
            str(between.negatives) if between else "–",
            f"{between.reference:.3f} → {between.candidate:.3f}" if between else "–",
            f"{between.value:+.3f} ({between.low:+.3f} to {between.high:+.3f})" if between else "–",
            f"{changed.share.value:.1%} ({changed.share.low:.1%}–{changed.share.high:.1%})"
            if changed
            else "–",
            f"{len(changed.newly_missed)} of {int(between.positives)}" if changed and between else "–",
            f"[{COLOURS[one.verdict]}]{one.verdict}[/]",
        )
    console.print(table)
    if found.missing_more:
        console.print(f"Misses more malignant images than by chance: {', '.join(found.missing_more)}")
    console.print(f"Conclusion: {found.conclusion}", highlight=False)
