"""Further tables of an audit on a terminal: missing outcomes, calibration, where outcomes come from."""

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from evenscreen.infra.show.audit_groups import Group, registered
from evenscreen.infra.show.audit_hidden import mix
from evenscreen.infra.show.audit_words import NONE, count, group_name, number, reach, share, signed
from evenscreen.pipeline.audit.result import Audit, Corrected

WORDS = ("metric", "group", "verdict", "pair", "beyond margin")


def table(*headings: str) -> Table:
    """Words to the left, numbers to the right."""
    made = Table(header_style="bold", box=None, pad_edge=False)
    for heading in headings:
        made.add_column(heading, justify="left" if heading in WORDS else "right")
    return made


def weighted(found: Audit) -> Table:
    """What is seen, weighted as if every image were verified, with the worst and the best case."""
    grouping = found.judgements[0].grouping
    made = table(
        "group", "no outcome", "sensitivity", "specificity", "AUROC", "effective pos.", "effective neg."
    )
    made.title = "\nIf every image had an outcome: weighted by score, group and site (worst–best case)"
    made.title_justify, made.title_style = "left", "bold"
    other = {group_name(one.group_value, grouping): one for one in found.corrected}
    for group in registered(found, grouping):
        if one := other.get(group.name):
            made.add_row(escape(group.name), *map(escape, _weighted(group, one)))
    return made


def calibration(groups: Sequence[Group]) -> Table:
    """Residual, line and error; never compare the error between groups of different size."""
    made = table(
        "group", "residual", "intercept", "slope", "error", "of a perfect model", "squared, unbiased"
    )
    made.title, made.title_justify, made.title_style = "\nCalibration", "left", "bold"
    for group in groups:
        one, line = group.described, group.line
        if one is None:
            made.add_row(escape(group.name), *[NONE] * 6)
            continue
        made.add_row(
            escape(group.name),
            NONE if one.residual is None else signed(one.residual),
            NONE if line is None or line.intercept is None else signed(line.intercept),
            number(line.slope if line else None),
            number(one.ece),
            number(one.ece_floor),
            number(one.squared_error, 4),
        )
    return made


def sources(found: Audit) -> Iterable[str]:
    """Reference standards, and how many outcomes random draws brought."""
    counts = mix(found.reference_standards)
    if counts:
        drawn = sum(one.drawn for one in found.reference_standards)
        told = ", ".join(f"{name} {count(images)}" for name, images in counts.items())
        yield f"Outcomes come from {told}; {count(drawn)} of them by random draw."


def _weighted(group: Group, one: Corrected) -> Iterable[str]:
    seen = group.described
    yield share(one.unverified_share)
    for metric in ("sensitivity", "specificity"):
        ends = (getattr(seen, f"{metric}_at_least", None), getattr(seen, f"{metric}_at_most", None))
        yield f"{number(getattr(one, metric))} ({_ends(*ends)})"
    yield f"{number(one.auroc)} ({_ends(one.auroc_at_least, one.auroc_at_most)})"
    yield number(one.effective_positives, 1)
    yield number(one.effective_negatives, 1)


def _ends(low: float | None, high: float | None) -> str:
    return reach(low, high).replace(" to ", "–")
