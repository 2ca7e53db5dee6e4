"""Rates and their differences against statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenscreen.pipeline.evidence.multiplicity import p_above
from evenscreen.pipeline.evidence.pairs import difference
from evenscreen.pipeline.evidence.rates import Rate, rate

counts = st.integers(1, 4_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
criticals = st.floats(0.5, 4.5)


@given(counts, criticals)
def test_limits_equal_wilson_of_statsmodels_at_any_level(case: tuple[int, int], c: float) -> None:
    proportion = pytest.importorskip(
        "statsmodels.stats.proportion", reason="the oracle: pip install 'evenscreen[dev]'"
    )
    oracle = proportion.proportion_confint(*case, alpha=2 * p_above(c), method="wilson")
    ours = Rate(*case).limits(c)
    assert (ours.low, ours.high) == pytest.approx(oracle, abs=1e-9)


@given(counts, counts, criticals)
def test_difference_equals_newcombe_of_statsmodels(
    one: tuple[int, int], two: tuple[int, int], c: float
) -> None:
    proportion = pytest.importorskip(
        "statsmodels.stats.proportion", reason="the oracle: pip install 'evenscreen[dev]'"
    )
    oracle = proportion.confint_proportions_2indep(*one, *two, method="newcomb", alpha=2 * p_above(c))
    ours = difference(Rate(*one).limits(c), Rate(*two).limits(c))
    assert ours.value == pytest.approx(one[0] / one[1] - two[0] / two[1], abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx(oracle, abs=1e-9)


def test_newcombe_equals_the_published_example() -> None:
    """Newcombe (1998), table II, method 10: 56/70 against 48/80, and 9/10 against 3/10."""
    for one, two, low, high in [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090)]:
        limits = difference(Rate(*one).limits(1.959964), Rate(*two).limits(1.959964))
        assert (round(limits.low, 4), round(limits.high, 4)) == (low, high)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abcdef")), min_size=2, max_size=60).filter(
        lambda rows: len({patient for _, patient in rows}) > 1 and 0 < sum(y for y, _ in rows) < len(rows)
    )
)
def test_design_effect_equals_the_sum_patient_by_patient(rows: list[tuple[int, str]]) -> None:
    n, share = len(rows), sum(y for y, _ in rows) / len(rows)
    people = {patient for _, patient in rows}
    squares = [sum(y - share for y, owner in rows if owner == patient) ** 2 for patient in people]
    clustered = len(people) / (len(people) - 1) * sum(squares) / n**2
    ours = rate([y for y, _ in rows], [patient for _, patient in rows])
    assert ours.design_effect == pytest.approx(max(1, clustered / (share * (1 - share) / n)), abs=1e-9)


def test_every_image_five_times_counts_as_once() -> None:
    random = np.random.default_rng(2)
    once = (random.random(800) < 0.9).astype(int)
    five = rate(np.repeat(once, 5), np.repeat(np.arange(800), 5))
    assert five.design_effect == pytest.approx(5, rel=0.01)
    assert five.limits(1.96) == pytest.approx(rate(once).limits(1.96), abs=1e-4)


def test_equal_outcomes_of_few_patients_count_as_their_patients() -> None:
    assert rate([1] * 100, np.repeat(np.arange(20), 5)).design_effect == 5
    assert rate([0] * 100, np.arange(100)).design_effect == 1
    assert rate([1] * 100).limits(1.96) == Rate(100, 100).limits(1.96)


def test_a_rate_is_assessable_from_30_rows() -> None:
    assert Rate(30, 30).assessable
    assert not Rate(29, 29).assessable
    assert 0 < Rate(30, 30).variance < Rate(15, 30).variance


@pytest.mark.parametrize(
    ("outcomes", "clusters", "says"),
    [
        ([], None, "vector of 0 and 1"),
        ([0, 1, math.nan], None, "vector of 0 and 1"),
        ([[0, 1]], None, "vector of 0 and 1"),
        ([0, 1], ["a"], "one length"),
        ([1, 1], ["a"], "one length"),
        ([0, 1], ["a", "a"], "two patients"),
        ([0, 1], ["a", None], "no patient"),
    ],
)
def test_rows_without_a_rate_are_refused(outcomes: list, clusters: list | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rate(outcomes, clusters)


@pytest.mark.parametrize("wrong", [(0, 0), (-1, 3), (4, 3), (1, 3, 0.5), (1, 3, math.inf)])
def test_a_rate_that_no_rows_have_is_refused(wrong: tuple) -> None:
    with pytest.raises(ValueError, match=r"proportion|design effect"):
        Rate(*wrong)
