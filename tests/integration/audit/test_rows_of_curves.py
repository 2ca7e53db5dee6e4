"""Rows from which curves and weights are made again, against SciPy's ranks and plain counting."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sqlalchemy import Engine

from .conftest import Ask
from .drawn import DIMENSIONS, SLOW, groups, in_question, tables
from .rows import SINCE, THRESHOLD, UNTIL, Case, insert


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(cases=tables())
@settings(SLOW, max_examples=3)
def test_placements_are_ranks(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case], dimension: str
) -> None:
    model, _ = insert(owner, cases)
    found = ask("placements", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension=dimension)
    expected = groups(in_question(cases, dimension), DIMENSIONS[dimension])
    seen = Counter((row["group_value"], row["malignant"], row["score"]) for row in found)
    images = {(row["group_value"], row["malignant"], row["score"]): row["images"] for row in found}
    assert set(seen.values()) <= {1}
    assert images == Counter(
        (value, case.malignant, case.score) for value, one in expected.items() for _, case in one.known
    )
    for row in found:
        group, malignant = expected[row["group_value"]], row["malignant"]
        own, others = (group.scores[group.outcomes == outcome] for outcome in (malignant, not malignant))
        assert row["midrank"] == rank_of(row["score"], group.scores)
        assert row["class_midrank"] == rank_of(row["score"], own)
        below = np.sign(row["score"] - others) * (1 if malignant else -1)
        assert row["placement"] == (pytest.approx((below.mean() + 1) / 2) if others.size else None)


def rank_of(score: int, scores: np.ndarray) -> float:
    return float(rankdata(scores)[list(scores).index(score)])


@pytest.mark.parametrize("dimension", DIMENSIONS)
@given(cases=tables(), bins=st.sampled_from([1, 7, 20]))
@settings(SLOW, max_examples=3)
def test_verification_is_counted(
    owner: Engine, ask: Ask, now: Callable[[], datetime], cases: list[Case], dimension: str, bins: int
) -> None:
    model, _ = insert(owner, cases)
    found = ask(
        "verification", since=SINCE, until=UNTIL, as_of=now(), model=model, dimension=dimension, bins=bins
    )
    counted: dict[str, Counter[object]] = {
        "images": Counter(),
        "with_outcome": Counter(),
        "positives": Counter(),
    }
    for value, group in groups(in_question(cases, dimension), DIMENSIONS[dimension]).items():
        for _, case in group.screened:
            assert case.score is not None
            known = case.malignant is not None
            reason = case.verification_reason if known else None
            at = min(case.score * bins // 10_000, bins - 1)
            cell = (value, case.site, at, case.score >= THRESHOLD, reason)
            counted["images"][cell] += 1
            counted["with_outcome"][cell] += known
            counted["positives"][cell] += bool(case.malignant)
    names = ("group_value", "site", "bin", "flagged", "verification_reason")
    for name, cells in counted.items():
        assert {tuple(row[one] for one in names): row[name] for row in found} == dict(cells), name
    assert {(row["sampling_probability"], row["contradictory"]) for row in found} <= {(None, 0)}
