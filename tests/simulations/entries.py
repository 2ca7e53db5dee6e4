"""What is simulated: every entry of the tables, in the order of what matters most."""

from typing import Literal, NamedTuple

from evenscreen.pipeline.audit.plan import GROUPS, Grouping
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS

MARGIN = 0.05
NIGHTS = 365
YEARS_AT_ONCE = 200


class Setting(NamedTuple):
    """Sizes of the groups; the last one is the one that differs."""

    grouping: Grouping
    positives: tuple[int, ...]
    negatives: tuple[int, ...]
    images: int = 1
    alike: float = 0.0

    def __str__(self) -> str:
        cases = ", ".join(
            f"{m}/{n}" for m, n in dict.fromkeys(zip(self.positives, self.negatives, strict=True))
        )
        patients = f", {self.images} images per patient (ρ {self.alike})" if self.images > 1 else ""
        return f"{len(self.positives)} groups of {cases}{patients}"


def _sized(grouping: Grouping, *sizes: tuple[int, int], images: int = 1, alike: float = 0.0) -> Setting:
    """Groups of `sizes`; the last size is repeated for the groups that are left."""
    all_of_them = [*sizes, *[sizes[-1]] * (len(GROUPS[grouping]) - len(sizes))]
    positives, negatives = zip(*all_of_them, strict=True)
    return Setting(grouping, positives, negatives, images, alike)


SETTINGS = (
    _sized("fst_group", (30, 300)),
    _sized("fst_group", (300, 3000), (100, 1000), (30, 300)),
    _sized("fst_group", (200, 200)),
    _sized("fst_group", (100, 1000), images=5, alike=0.8),
    _sized("fst_group", (300, 3000), (100, 1000), (30, 300), images=3, alike=0.5),
    _sized("fst_group", (1500, 1500)),
    _sized("fst_group", (700, 7000), images=3, alike=0.5),
    _sized("fst", (30, 300)),
    _sized("fst", (200, 1000), images=3, alike=0.5),
    _sized("fst", (1000, 1000)),
)

YEARS = (
    Setting("fst_group", (730, 292, 73), (2920, 1168, 292), images=2, alike=0.5),
    _sized("fst_group", (2190, 2190), images=2, alike=0.5),
)
"""Cases of 365 days: 10, 4 and 1 a day, a fifth of them malignant; 12 a day each, half of them malignant."""


Kind = Literal["look", "year", "power"]


class Entry(NamedTuple):
    """Audits of one kind with one truth: in the last group `metric` is lower by `gap`, or nothing by 0.

    `calibration` is lower where all probabilities of the group are too high by the gap.

    `apart`: lower by half of the gap, and in the first group higher by the other half.
    """

    kind: Kind
    setting: Setting
    metric: str
    gap: float
    margin: float = MARGIN
    chunk: int = 250
    """Audits that are drawn from one seed, and done or not done together."""
    apart: bool = False

    @property
    def name(self) -> str:
        how = "apart" if self.apart else "lower"
        planted = f"{self.metric} {how} by {self.gap:g}" if self.gap else "no gap"
        return f"{self.kind}: {self.setting}: {planted}: margin {self.margin:g} of {self.metric or 'all'}"


def look(setting: Setting, metric: str = "", gap: float = 0.0) -> Entry:
    return Entry("look", setting, metric, gap)


def year(setting: Setting, metric: str = "") -> Entry:
    return Entry("year", setting, metric, MARGIN if metric else 0.0, chunk=20)


class Reference(NamedTuple):
    """A line of the specification's table: these cases per group are to give 95 % power to one metric."""

    metric: str
    margin: float
    positives: int
    negatives: int
    wanted: Literal["uneven", "even"]

    def entry(self, *, apart: bool = False) -> Entry:
        setting = _sized("fst", (self.positives, self.negatives))
        gap = 2 * self.margin if self.wanted == "uneven" else 0.0
        return Entry("power", setting, self.metric, gap, self.margin, apart=apart and gap > 0)


REFERENCES = (
    Reference("auroc", 0.05, 160, 160, "uneven"),
    Reference("auroc", 0.05, 640, 640, "even"),
    Reference("auroc", 0.05, 96, 480, "uneven"),
    Reference("auroc", 0.05, 382, 1910, "even"),
    Reference("auroc", 0.02, 996, 996, "uneven"),
    Reference("auroc", 0.02, 3982, 3982, "even"),
    Reference("sensitivity", 0.05, 364, 364, "uneven"),
    Reference("sensitivity", 0.05, 1455, 1455, "even"),
)


def wanted(audits: int, years: int) -> list[tuple[Entry, int]]:
    """Entries and up to how many audits of each, in order; years grow together, `YEARS_AT_ONCE` at a time."""
    errors = [look(setting) for setting in SETTINGS]
    errors += [look(setting, metric, MARGIN) for setting in SETTINGS for metric in DECIDING_METRICS]
    errors += [look(setting, "calibration", MARGIN) for setting in SETTINGS]
    halves = [look(setting, metric, MARGIN / 2) for setting in SETTINGS for metric in DECIDING_METRICS]
    nights = [year(setting, metric) for setting in YEARS for metric in ("", *DECIDING_METRICS)]
    steps = [*range(YEARS_AT_ONCE, years, YEARS_AT_ONCE), years]
    return [
        *[(entry, audits) for entry in errors],
        *[(reference.entry(apart=apart), audits) for reference in REFERENCES for apart in (True, False)],
        *[(entry, audits) for entry in halves],
        *[(entry, step) for step in steps for entry in nights],
    ]
