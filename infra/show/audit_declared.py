"""What the model's manifest declares beside what was observed."""

from evenscreen.infra.show.audit_groups import registered
from evenscreen.infra.show.audit_markup import Node, table, tag
from evenscreen.infra.show.audit_words import NONE, count, group_name, number
from evenscreen.pipeline.audit.plan import GROUPS, Grouping
from evenscreen.pipeline.audit.result import Audit
from evenscreen.schemas.manifest import Interval, Manifest


def declared(found: Audit, manifest: Manifest | None) -> list[Node]:
    """Declared figures come from other images: a difference asks for an explanation and proves nothing."""
    if manifest is None:
        return [tag("p", "The model's manifest was not at hand.")]
    observed = next(iter(found.description.get("all", ())), None)
    rows = [
        (
            f"declared: {one.split} ({one.form})",
            count(one.n),
            count(one.positives),
            *(_interval(part) for part in (one.auroc, one.sensitivity, one.specificity)),
        )
        for one in manifest.results
    ]
    rows += [
        (
            f"declared: {group_name(one.group, 'group')}, {one.source}",
            count(one.n),
            count(one.positives),
            *(_interval(part) for part in (one.auroc, one.sensitivity, one.specificity)),
        )
        for one in manifest.groups
        if one.source == "reported"
    ]
    seen = ("observed: all images", *[NONE] * 5)
    if observed:
        seen = (
            "observed: all images",
            count(observed.with_outcome),
            count(observed.positives),
            *(number(part) for part in (observed.auroc, observed.sensitivity, observed.specificity)),
        )
    rows.append(seen)
    both: tuple[Grouping, ...] = ("fst_group", "fst")
    for dimension in both:
        rows += [
            (
                f"observed: {group.name}, {found.subject.plan.fst_source}",
                count(one.with_outcome),
                count(one.positives),
                *(number(part) for part in (one.auroc, one.sensitivity, one.specificity)),
            )
            for group in registered(found, dimension)
            if (one := group.described) and group.name in GROUPS[dimension]
        ]
    return [
        table(
            "Declared by the manifest, on other images, and observed",
            ("source", "images", "positives", "AUROC", "sensitivity", "specificity"),
            rows,
        )
    ]


def _interval(found: Interval | None) -> str:
    return NONE if found is None else f"{number(found.value)} ({number(found.low)}–{number(found.high)})"
