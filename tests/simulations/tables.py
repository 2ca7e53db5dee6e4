"""The tables of docs/AUDIT.md from what was simulated."""

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from textwrap import fill

from entries import MARGIN, NIGHTS, REFERENCES, SETTINGS, YEARS, Entry, look, year
from results import Results

from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS

WIDTH = 118
"""Of a line of prose in the document."""


def tables(results: Results) -> str:
    """Markdown; a dash where nothing was simulated yet."""
    found = "; ".join(results.machines) or "nothing simulated yet"
    parts = [_errors(results), _calibration(results), _halves(results), _years(results), _power(results)]
    lines = [line for part in parts for line in (*part, "")] + [f"Simulated on: {found}."]
    return "\n".join(
        line if line.startswith("|") else fill(line, WIDTH, break_on_hyphens=False) for line in lines
    )


def _errors(results: Results) -> Iterator[str]:
    none = [look(setting) for setting in SETTINGS]
    gaps = [[look(setting, metric, MARGIN) for metric in DECIDING_METRICS] for setting in SETTINGS]
    many = _audits(results, chain(none, *gaps))
    yield f"One look, {many}. Where a gap of δ = {MARGIN} is planted, the worst of three metrics."
    yield ""
    yield "| setting | no gap: `uneven` | at a gap of δ: `even` | at δ: `proven` |"
    yield "|---|---|---|---|"
    shown: list[float | None] = []
    for setting, even, of_metrics in zip(SETTINGS, none, gaps, strict=True):
        rates = [results.share(even, "overall uneven")]
        rates += [_worst(results, of_metrics, said) for said in ("even", "proven")]
        shown += rates
        yield _line(str(setting), rates)
    yield ""
    yield _largest(shown)


def _calibration(results: Results) -> Iterator[str]:
    """Its verdict is its own, at all of α; what was counted of it beside the metrics that decide."""
    even = [look(setting) for setting in SETTINGS]
    gaps = [look(setting, "calibration", MARGIN) for setting in SETTINGS]
    yield (
        f"The calibration residual, a verdict of its own. No gap: {_audits(results, even)}; a gap of "
        f"δ in one group: {_audits(results, gaps)}. With a look every night of a year, "
        f"{_audits(results, map(year, YEARS), 'years')}."
    )
    yield ""
    yield "| setting | no gap: `uneven` | at a gap of δ: `even` | at δ: `proven` | at δ: `uneven`, rightly |"
    yield "|---|---|---|---|---|"
    shown: list[float | None] = []
    for setting, none, gap in zip(SETTINGS, even, gaps, strict=True):
        rates = [results.share(none, "calibration uneven")]
        rates += [results.share(gap, f"calibration {said}") for said in ("even", "proven")]
        shown += rates
        yield _line(str(setting), [*rates, results.share(gap, "calibration uneven")])
    for setting in YEARS:
        shown.append(results.share(year(setting), "calibration uneven"))
        yield _line(f"every night of a year: {setting}", [shown[-1], None, None, None])
    yield ""
    yield _largest(shown)


def _halves(results: Results) -> Iterator[str]:
    halves = [[look(setting, metric, MARGIN / 2) for metric in DECIDING_METRICS] for setting in SETTINGS]
    yield (
        f"A true gap of δ/2, one look, {_audits(results, chain(*halves))}; the largest share of three. "
        "Neither `even` nor `uneven` is an error then: there is a gap, and it is within the margin."
    )
    yield ""
    yield "| setting | at δ/2: `even` | `uneven` | `proven` |"
    yield "|---|---|---|---|"
    for setting, of_metrics in zip(SETTINGS, halves, strict=True):
        yield _line(
            str(setting), [_worst(results, of_metrics, said) for said in ("even", "uneven", "proven")]
        )


def _years(results: Results) -> Iterator[str]:
    gaps = [year(setting, metric) for setting in YEARS for metric in DECIDING_METRICS]
    many = _audits(results, [*map(year, YEARS), *gaps], "years")
    yield f"A look every night of a year, {NIGHTS} looks, {many}. The gap is there all year long."
    yield ""
    yield "| cases of the year | truth | ever `uneven` | ever `even` | ever `proven` |"
    yield "|---|---|---|---|---|"
    shown: list[float | None] = []
    for setting in YEARS:
        even = year(setting)
        rates = [results.share(even, f"overall {said}") for said in ("uneven", "even")]
        yield f"| {setting} | no gap | {_percent(rates[0])} | {_percent(rates[1])}, rightly | |"
        shown.append(rates[0])
        for entry in (year(setting, metric) for metric in DECIDING_METRICS):
            rates = [results.share(entry, f"{entry.metric} {said}") for said in ("uneven", "even", "proven")]
            wrong = " | ".join(map(_percent, rates[1:]))
            yield f"| | {entry.metric} lower by δ in one group | {_percent(rates[0])}, rightly | {wrong} |"
            shown += rates[1:]
    yield ""
    yield _largest(shown)


def _power(results: Results) -> Iterator[str]:
    entries = [one.entry(apart=apart) for one in REFERENCES for apart in (True, False)]
    yield (
        f"Power where 95 % are wanted, one metric, six groups, {_audits(results, entries)}. The gap of 2δ: "
        "the first group is better by δ than the four in the middle and the last worse by δ; or the last "
        "alone is worse by 2δ than all others, so that five pairs can tell."
    )
    yield ""
    yield "| metric, δ | cases per group | no gap: `even` | two 2δ apart: `uneven` | one alone: `uneven` |"
    yield "|---|---|---|---|---|"
    for one in REFERENCES:
        shares = [_percent(results.share(one.entry(apart=apart), one.wanted)) for apart in (True, False)]
        told = f"{shares[0]} | | |" if one.wanted == "even" else f"| {shares[0]} | {shares[1]} |"
        yield f"| {one.metric}, {one.margin} | {one.positives:,} + {one.negatives:,} | {told}"


def _worst(results: Results, entries: Iterable[Entry], said: str) -> float | None:
    found = [results.share(entry, f"{entry.metric} {said}") for entry in entries]
    return max((one for one in found if one is not None), default=None)


def _audits(results: Results, entries: Iterable[Entry], unit: str = "audits") -> str:
    counts = sorted({results.audits(entry) for entry in entries})
    many = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    error = f" (standard error at 5 %: {math.sqrt(0.05 * 0.95 / counts[0]):.1%})" if counts[0] else ""
    return f"{many} {unit} per entry{error}"


def _largest(shares: Iterable[float | None]) -> str:
    known = [one for one in shares if one is not None]
    return f"The largest rate of error is {max(known):.1%}." if known else "Nothing was simulated yet."


def _line(title: str, shares: Iterable[float | None]) -> str:
    return f"| {title} | " + " | ".join(map(_percent, shares)) + " |"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
