"""How often audits err, with the truth planted: `make simulate`. Prints the tables of docs/AUDIT.md.

Every audit is drawn anew and judged by the code that judges real ones.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing import Pool
from typing import NamedTuple

import numpy as np
from draws import Truth, draw, gap
from rich.console import Console
from rich.progress import track

from evenscreen.pipeline.audit.judge import judge, overall
from evenscreen.pipeline.audit.plan import GROUPS, Grouping, Plan
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS, verdict

PROGRESS = Console(stderr=True)
MARGIN = 0.05
PLAN = Plan(name="simulation", drift_alpha=0.05)
"""One look at the error rate of 5 % that is to be held; a quarter's is smaller."""


class Setting(NamedTuple):
    """Sizes of the groups; the last one is the one that differs."""

    grouping: Grouping
    positives: tuple[int, ...]
    negatives: tuple[int, ...]
    images: int
    alike: float

    def __str__(self) -> str:
        cases = ", ".join(
            f"{m}/{n}" for m, n in dict.fromkeys(zip(self.positives, self.negatives, strict=True))
        )
        patients = f", {self.images} images per patient (ρ {self.alike})" if self.images > 1 else ""
        return f"{len(self.positives)} groups of {cases}{patients}"


def _sized(grouping: Grouping, *sizes: tuple[int, int], images: int = 1, alike: float = 0.0) -> Setting:
    """Groups of `sizes`; the last size is repeated for the groups that are left."""
    all_of_them = [*sizes, *[sizes[-1]] * (len(GROUPS[grouping]) - len(sizes))]
    return Setting(grouping, *zip(*all_of_them, strict=True), images, alike)  # type: ignore[arg-type]


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


def one_look(setting: Setting, truth: Truth, seed: int) -> Counter[str]:
    """What one audit said, by metric and over all."""
    random = np.random.default_rng(seed)
    names = GROUPS[setting.grouping]
    groups = {
        name: draw(
            random, m, n, truth if name == names[-1] else Truth(), setting.images, setting.alike
        ).figures()
        for name, m, n in zip(names, setting.positives, setting.negatives, strict=True)
    }
    judged = judge(groups, setting.grouping, PLAN, nightly=False)
    said = [f"{one.metric} {one.verdict.outcome}" for one in judged]
    said += [f"{one.metric} proven" for one in judged if one.verdict.beyond_margin == "proven"]
    return Counter([*said, f"overall {overall(judged)}"])


def one_year(truth: Truth, nights: int, seed: int) -> Counter[str]:
    """Whether any night of a year was ever wrong: 3 groups, 10, 4 and 1 cases a day, a fifth malignant."""
    random = np.random.default_rng(seed)
    a_day, names = (10, 4, 1), GROUPS["fst_group"]
    cases = {
        name: draw(
            random, 73 * count, 292 * count, truth if name == names[-1] else Truth(), images=2, alike=0.5
        )
        for name, count in zip(names, a_day, strict=True)
    }
    ever: set[str] = set()
    for night in np.linspace(365 / nights, 365, nights):
        seen = {
            name: cases[name].first(int(night * n)).figures() for name, n in zip(names, a_day, strict=True)
        }
        judged = judge(seen, "fst_group", PLAN, nightly=True)
        ever |= {f"{one.metric} {one.verdict.outcome}" for one in judged}
        ever |= {f"{one.metric} proven" for one in judged if one.verdict.beyond_margin == "proven"}
        ever.add(f"overall {overall(judged)}")
    return Counter(ever)


def one_reference(
    positives: int, negatives: int, metric: str, truth: Truth, margin: float, seed: int
) -> bool:
    """Power: six equal groups but for one, one look, one metric at 5 %."""
    random = np.random.default_rng(seed)
    names = GROUPS["fst"]
    groups = [
        draw(random, positives, negatives, truth if name == names[-1] else Truth(), 1, 0.0).figures()
        for name in names
    ]
    from evenscreen.pipeline.evidence.auroc import shrink

    areas = shrink({name: one.auroc for name, one in zip(names, groups, strict=True) if one.auroc})
    figures = areas if metric == "auroc" else {n: g.sensitivity for n, g in zip(names, groups, strict=True)}
    wanted = "uneven" if truth != Truth() else "even"
    return verdict(figures, margin).outcome == wanted  # type: ignore[arg-type]


def count(work: Callable[[int], Counter[str]], times: int, title: str, pool: Pool) -> Counter[str]:  # type: ignore[valid-type]
    """The sum of `work(seed)` over seeds 0..times-1, on all cores."""
    said: Iterable[Counter[str]] = pool.imap_unordered(work, range(times), chunksize=8)  # type: ignore[attr-defined]
    total: Counter[str] = Counter()
    for one in track(said, title, total=times, transient=True, console=PROGRESS):
        total.update(one)
    return total


def error_tables(audits: int, pool: Pool) -> Iterator[str]:  # type: ignore[valid-type]
    yield (
        "| setting | no gap: `uneven` | at a gap of δ: `even` | at δ: `proven` | at δ/2: `even` | `uneven` |"
    )
    yield "|---|---|---|---|---|---|"
    for setting in SETTINGS:
        none = count(partial(one_look, setting, Truth()), audits, f"{setting}, no gap", pool)
        even, proven, half_even, half_uneven = 0, 0, 0, 0
        for metric in DECIDING_METRICS:
            at = count(
                partial(one_look, setting, gap(metric, MARGIN)), audits, f"{setting}, {metric} δ", pool
            )
            even, proven = max(even, at[f"{metric} even"]), max(proven, at[f"{metric} proven"])
            half = count(partial(one_look, setting, gap(metric, MARGIN / 2)), audits // 10, "δ/2", pool)
            half_even = max(half_even, half[f"{metric} even"])
            half_uneven = max(half_uneven, half[f"{metric} uneven"])
        shares = [none["overall uneven"] / audits, even / audits, proven / audits]
        shares += [half_even / (audits // 10), half_uneven / (audits // 10)]
        yield f"| {setting} | " + " | ".join(f"{share:.1%}" for share in shares) + " |"


def year_table(years: int, nights: int, pool: Pool) -> Iterator[str]:  # type: ignore[valid-type]
    yield "| truth, all year | ever wrong |"
    yield "|---|---|"
    none = count(partial(one_year, Truth(), nights), years, "a year without a gap", pool)
    yield f"| no gap | ever `uneven`: {none['overall uneven'] / years:.1%} |"
    for metric in DECIDING_METRICS:
        at = count(partial(one_year, gap(metric, MARGIN), nights), years, f"a year, {metric} δ", pool)
        wrong = f"{at[f'{metric} even'] / years:.1%}, ever `proven`: {at[f'{metric} proven'] / years:.1%}"
        yield f"| {metric} lower by δ in the smallest group | ever `even`: {wrong} |"


REFERENCE = (
    ("auroc", 0.05, 160, 160, True),
    ("auroc", 0.05, 640, 640, False),
    ("auroc", 0.05, 96, 480, True),
    ("auroc", 0.05, 382, 1910, False),
    ("auroc", 0.02, 996, 996, True),
    ("auroc", 0.02, 3982, 3982, False),
    ("sensitivity", 0.05, 364, 364, True),
    ("sensitivity", 0.05, 1455, 1455, False),
)


def power_table(audits: int, pool: Pool) -> Iterator[str]:  # type: ignore[valid-type]
    yield "| metric, δ | cases per group | verdict | power |"
    yield "|---|---|---|---|"
    for metric, margin, m, n, uneven in REFERENCE:
        truth = gap(metric, 2 * margin) if uneven else Truth()
        work = partial(one_reference, m, n, metric, truth, margin)
        said = pool.imap_unordered(work, range(audits), chunksize=8)  # type: ignore[attr-defined]
        title = f"{metric}, {m} + {n}"
        right = sum(track(said, title, total=audits, transient=True, console=PROGRESS))
        wanted = "`uneven` at 2δ" if uneven else "`even` at 0"
        yield f"| {metric}, {margin:.2f} | {m} + {n} | {wanted} | {right / audits:.1%} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=10_000, help="audits per setting and truth")
    parser.add_argument("--years", type=int, default=1_000)
    parser.add_argument("--nights", type=int, default=365, help="looks per year")
    parser.add_argument("--power", type=int, default=1_000, help="audits per line of the power table")
    wanted = parser.parse_args()
    with Pool() as pool:
        for table in (
            error_tables(wanted.audits, pool),
            year_table(wanted.years, wanted.nights, pool),
            power_table(wanted.power, pool),
        ):
            print(*table, "", sep="\n", flush=True)


if __name__ == "__main__":
    main()
