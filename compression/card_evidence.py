"""The card's tables by skin type and beside the parent: reported apart from simulated, never pooled."""

from collections.abc import Sequence

from evenscreen.compression.comparison import STRESS_TEST
from evenscreen.schemas.manifest import Difference, GroupResult, Interval, Manifest

NO_EVIDENCE = (
    "no evidence at all.** The data records none, so nothing is known about how well it works on any "
    "Fitzpatrick type, on dark skin least of all."
)


def compared(manifest: Manifest) -> str:
    """What the comparison with another model, usually the parent, found; nothing when there was none."""
    if (found := manifest.promotion) is None:
        return ""
    said = [
        f"Against `{found.parent}` on the same images of {found.split}, {found.compared_on.isoformat()}: "
        f"{difference(found.difference)} AUROC (one-sided 95 % bounds, paired DeLong), "
        f"**{found.verdict}** at a margin of {found.margin:.3f}.",
        f"Flags that differ: {figure(found.flips)} of images; malignant images newly missed: "
        f"{found.newly_missed}.",
        f"**{'Promotable' if found.promotable else 'Not promotable'}.** {' '.join(found.reasons)}".strip(),
    ]
    if found.signed_by:
        said.append(f"Signed by {found.signed_by}. A signature adds no evidence.")
    own = manifest.lineage.parent_sha256
    whom = "its parent" if own and found.parent.endswith(own[:12]) else "another model"
    return f"\n## Compared with {whom}\n" + "\n\n".join(said) + "\n"


def by_skin_type(manifest: Manifest) -> str:
    """Two sections at most: clinicians' types, and rendered tones."""
    reported = [group for group in manifest.groups if group.source == "reported"]
    simulated = [group for group in manifest.groups if group.source == "simulated"]
    said = ""
    if reported:
        said += (
            "\n## By reported skin type\n"
            "Fitzpatrick type as a clinician recorded it, on other images than those above, of another kind: "
            f"{_named(reported)}. Limits count patients, not images.\n\n{_groups(reported)}\n"
        )
    if simulated:
        said += (
            "\n## By simulated tone\n"
            f"Simulated: {_named(simulated)} rendered at six tones, {STRESS_TEST}.\n\n{_groups(simulated)}\n"
        )
    return said


def unknown_types(manifest: Manifest) -> str:
    """What nobody can say about skin types, as the end of a bold phrase."""
    reported = [group for group in manifest.groups if group.source == "reported"]
    if not reported:
        simulated = f" Simulated tones are {STRESS_TEST}." if manifest.groups else ""
        return NO_EVIDENCE + simulated
    known = [group.group for group in reported if group.verdict == "no worse"]
    lacking = [
        f"{group.group} ({group.n} images of {group.patients} patients, {group.positives} malignant)"
        for group in reported
        if group.verdict in (None, "insufficient evidence")
    ]
    shown = (
        f"shown to be no worse than its parent on reported {', '.join(known)} only"
        if known
        else ("no reported type has enough images for a verdict")
    )
    return f"{shown}.** Insufficient evidence: {'; '.join(lacking) or 'none'}."


def figure(interval: Interval | None) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})" if interval else "not measured"


def difference(found: Difference | None) -> str:
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})" if found else "not measured"


def table(left: str, right: str, rows: Sequence[Sequence[str]], last: str = "") -> str:
    """A Markdown table; `left`, `right`, `last` are headings, joined by |, of columns so aligned."""
    columns = [(heading, "---") for heading in left.split("|") if heading]
    columns += [(heading, "---:") for heading in right.split("|")]
    columns += [(heading, "---") for heading in last.split("|") if heading]
    lines = [
        f"| {' | '.join(heading for heading, _ in columns)} |",
        f"|{'|'.join(ruler for _, ruler in columns)}|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _groups(groups: Sequence[GroupResult]) -> str:
    rows = [
        [
            group.group,
            str(group.n),
            "–" if group.patients is None else str(group.patients),
            str(group.positives),
            *map(figure, (group.auroc, group.sensitivity, group.specificity)),
            difference(group.difference),
            figure(group.flips),
            str(group.newly_missed),
            f"{group.verdict or 'not compared'}{f': {group.reason}' if group.reason else ''}",
        ]
        for group in groups
    ]
    headings = "images|patients|malignant|AUROC|sensitivity|specificity|AUROC minus parent's|flags changed"
    return table("group", f"{headings}|newly missed", rows, "verdict")


def _named(groups: Sequence[GroupResult]) -> str:
    return ", ".join(sorted({group.data for group in groups}))
