"""One chunk of audits: drawn from a seed of its own, judged by the code that judges real ones, counted."""

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from columns import Columns
from draws import MEAN, PREVALENCE, THRESHOLD, Truth, gap
from entries import NIGHTS, Entry

from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.audit.judge import judge, overall
from evenscreen.pipeline.audit.plan import GROUPS, Plan
from evenscreen.pipeline.evidence.auroc import shrink
from evenscreen.pipeline.evidence.verdict import verdict

PLAN = Plan(name="simulation", drift_alpha=0.05)
"""One look at the error rate of 5 % that is to be held; a quarter's is smaller."""
CASES_AT_ONCE = 100_000
"""Of one group, so that its columns stay in the cache."""

Groups = Mapping[str, GroupFigures]


def chunk(entry: Entry, number: int) -> Counter[str]:
    """How many of the `entry.chunk` audits said what; chunk `number` is the same wherever it is computed."""
    random = np.random.default_rng([zlib.crc32(entry.name.encode()), number])
    judged = {"look": _look, "year": _year, "power": _power}[entry.kind]
    total: Counter[str] = Counter()
    left = entry.chunk
    while left:
        audits = min(left, max(1, CASES_AT_ONCE // (entry.setting.positives[0] + entry.setting.negatives[0])))
        for said in judged(entry, _drawn(random, entry, audits)):
            total.update(said)
        left -= audits
    return total


def _drawn(random: np.random.Generator, entry: Entry, audits: int) -> dict[str, Columns]:
    """The groups of `audits` audits, with the planted gap; as `draws.draw` draws one."""
    setting, names = entry.setting, GROUPS[entry.setting.grouping]
    groups = {}
    for name, m, n in zip(names, setting.positives, setting.negatives, strict=True):
        lower = (
            {names[0]: -entry.gap / 2, names[-1]: entry.gap / 2} if entry.apart else {names[-1]: entry.gap}
        )
        planted, off = lower.get(name, 0.0), entry.metric == "calibration"
        truth = gap(entry.metric, planted) if planted and not off else Truth()
        positive = random.permuted(np.repeat([[True, False]], [m, n], axis=1).repeat(audits, axis=0), axis=1)
        scores = math.sqrt(1 - setting.alike) * random.standard_normal((audits, m + n))
        if setting.alike:
            patients = random.standard_normal((audits, -(-(m + n) // setting.images)))
            scores += math.sqrt(setting.alike) * patients.repeat(setting.images, axis=1)[:, : m + n]
        scores += np.where(positive, MEAN + truth.positives, truth.negatives)
        odds = MEAN * scores - MEAN**2 / 2 + math.log(PREVALENCE / (1 - PREVALENCE))
        residuals = positive - 1 / (1 + np.exp(-odds)) - planted * off
        groups[name] = Columns(scores, positive, scores >= THRESHOLD, residuals, setting.images)
    return groups


def _look(entry: Entry, groups: Mapping[str, Columns]) -> Iterator[set[str]]:
    for audit in _audits({name: columns.figures() for name, columns in groups.items()}):
        yield _said(audit, entry, nightly=False)


def _year(entry: Entry, groups: Mapping[str, Columns]) -> Iterator[set[str]]:
    """All that any night of a year said."""
    growing = {
        name: columns.growing([columns.scores.shape[1] * night // NIGHTS for night in range(1, NIGHTS + 1)])
        for name, columns in groups.items()
    }
    years: list[set[str]] = [set() for _ in next(iter(groups.values())).scores]
    for _ in range(NIGHTS):
        for ever, audit in zip(years, _audits({n: next(g) for n, g in growing.items()}), strict=True):
            ever |= _said(audit, entry, nightly=True)
    yield from years


def _power(entry: Entry, groups: Mapping[str, Columns]) -> Iterator[set[str]]:
    """One metric alone at 5 %; `pair` where the first and the last group are an uneven pair."""
    for audit in _audits({name: columns.figures() for name, columns in groups.items()}):
        areas = shrink({name: one.auroc for name, one in audit.items() if one.auroc is not None})
        rates = {name: one.sensitivity for name, one in audit.items()}
        found = verdict(areas if entry.metric == "auroc" else rates, entry.margin)
        first, *_, last = audit
        named = any((one.first, one.second) == (first, last) for one in found.uneven)
        yield {found.outcome, *(["pair"] if named else [])}


def _audits(groups: Mapping[str, list[GroupFigures]]) -> Iterator[Groups]:
    for audit in zip(*groups.values(), strict=True):
        yield dict(zip(groups, audit, strict=True))


def _said(audit: Groups, entry: Entry, *, nightly: bool) -> set[str]:
    """What an audit said, by metric and over all."""
    judged = judge(audit, entry.setting.grouping, PLAN, nightly=nightly)
    said = {f"{one.metric} {one.verdict.outcome}" for one in judged}
    said |= {f"{one.metric} proven" for one in judged if one.verdict.beyond_margin == "proven"}
    return said | {f"overall {overall(judged)}"}
