"""What missing outcomes do: weighted figures and worst cases, random draws, reference standards."""

from collections.abc import Callable, Sequence

from evenscreen.infra.show.audit_groups import registered
from evenscreen.infra.show.audit_markup import Node, table
from evenscreen.infra.show.audit_words import (
    DIMENSION_NAMES,
    NONE,
    REASON_NAMES,
    SOURCE_NAMES,
    count,
    group_name,
    number,
    reach,
    share,
)
from evenscreen.pipeline.audit.result import Audit, Corrected, ReferenceStandard, Sampled

RATES = (("sensitivity", "sensitivity"), ("specificity", "specificity"), ("AUROC", "auroc"))


def weighted(found: Audit) -> Node:
    """Observed figures, weighted ones and worst cases: figures down, groups across."""
    grouping = found.judgements[0].grouping
    groups = registered(found, grouping)
    other = {group_name(one.group_value, grouping): one for one in found.corrected}

    def row(name: str, cell: Callable[[Corrected], str]) -> list[str]:
        return [name, *(cell(other[one.name]) if one.name in other else NONE for one in groups)]

    rows = [row("no usable outcome", lambda one: share(one.unverified_share))]
    for name, column in RATES:
        rows.append([f"{name}, as seen", *(number(getattr(one.described, column, None)) for one in groups)])
        rows.append(row(f"{name}, weighted", lambda one, column=column: number(getattr(one, column))))  # type: ignore[misc]
        rows.append(
            [
                f"{name}, worst to best case",
                *(_reach(one.described, other.get(one.name), column) for one in groups),
            ]
        )
    rows.append(row("positives, effective number", lambda one: number(one.effective_positives, 1)))
    rows.append(row("negatives, effective number", lambda one: number(one.effective_negatives, 1)))
    return table(
        "If all outcomes were known. Weighted figures assume that verification depends on score, group and "
        "site only (rates: Begg and Greenes 1983; AUROC: Alonzo and Pepe 2005); worst and best cases assume "
        "nothing",
        (DIMENSION_NAMES[grouping].lower(), *(one.name for one in groups)),
        rows,
    )


def sampled(found: Audit) -> list[Node]:
    """What random draws say, if there were any."""
    if not found.sampled:
        return []
    cells: Sequence[tuple[str, Callable[[Sampled], str]]] = (
        ("outcomes that count", lambda one: count(one.outcomes)),
        ("images that they stand for", lambda one: f"{one.stand_for:,.0f}"),
        ("images that nothing stands for", lambda one: f"{one.uncovered:,.0f}"),
        *(
            part
            for name, column in RATES
            for part in (
                (name, lambda one, column=column: number(getattr(one, column))),
                (
                    f"{name}, worst to best case",
                    lambda one, column=column: reach(
                        getattr(one, f"{column}_at_least"), getattr(one, f"{column}_at_most")
                    ),
                ),
            )
        ),
    )
    return [
        table(
            "Random draws: every outcome stands for as many images as its chance of being drawn says "
            "(Horvitz and Thompson 1952). The verdicts rest on these figures; the first table of figures has "
            "their limits",
            (
                DIMENSION_NAMES[found.judgements[0].grouping].lower(),
                *(one.group_value for one in found.sampled),
            ),
            [[name, *(cell(one) for one in found.sampled)] for name, cell in cells],
        )
    ]


def standards(found: Audit) -> Node:
    """Sensitivity and specificity by reference standard: registry follow-up is another one than histology."""
    grouping = found.judgements[0].grouping
    rows = [
        (
            group_name(one.group_value, grouping),
            SOURCE_NAMES.get(one.label_source, one.label_source),
            REASON_NAMES.get(one.verification_reason, one.verification_reason),
            count(one.positives),
            count(one.negatives),
            number(_share(one.true_positives, one.positives)),
            number(_share(one.true_negatives, one.negatives)),
            count(one.drawn),
            count(one.contradictory),
        )
        for one in found.reference_standards
    ]
    headings = (
        DIMENSION_NAMES[grouping].lower(), "reference standard", "looked for because", "positives",
        "negatives", "sensitivity", "specificity", "drawn", "contradictory",
    )  # fmt: skip
    return table(
        "Where outcomes come from, and what each reference standard shows by itself",
        headings,
        rows,
        words=(1, 2),
    )


def mix(found: Sequence[ReferenceStandard]) -> dict[str, int]:
    """Outcomes by reference standard, the most frequent first."""
    counts: dict[str, int] = {}
    for one in found:
        name = SOURCE_NAMES.get(one.label_source, one.label_source)
        counts[name] = counts.get(name, 0) + one.positives + one.negatives
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _reach(described: object, found: Corrected | None, column: str) -> str:
    own = found if column == "auroc" else described
    return reach(getattr(own, f"{column}_at_least", None), getattr(own, f"{column}_at_most", None))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
