"""Calibration against plain loops, statsmodels, and the known behaviour of a perfect model."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from evenscreen.pipeline.audit.curves import curves
from evenscreen.pipeline.evidence.calibration import (
    Residual,
    binned_calibration,
    calibration_bins,
    calibration_line,
    residual,
)
from evenscreen.pipeline.evidence.intervals import wilson_limits

probability = st.one_of(
    st.integers(0, 10_000).map(lambda score: score / 10_000), st.sampled_from([0.0, 0.5, 1.0])
)
rows = st.lists(st.tuples(probability, st.integers(0, 1)), min_size=1, max_size=80)


@given(rows, st.integers(1, 20))
def test_binned_figures_equal_plain_loops(table: list[tuple[float, int]], bins: int) -> None:
    members: dict[int, list[tuple[float, int]]] = {}
    for p, y in table:
        members.setdefault(min(int(p * bins), bins - 1), []).append((p, y))
    ece = floor = squared = 0.0
    counted = sum(len(group) for group in members.values() if len(group) > 1)
    for group in members.values():
        n_b, gaps = len(group), [y - p for p, y in group]
        mean = sum(gaps) / n_b
        ece += n_b / len(table) * abs(mean)
        floor += n_b / len(table) * math.sqrt(2 * sum(p * (1 - p) for p, _ in group) / n_b / (math.pi * n_b))
        if n_b > 1:
            spread = sum((gap - mean) ** 2 for gap in gaps) / (n_b - 1)
            squared += n_b / counted * (mean**2 - spread / n_b)
    found = binned_calibration(calibration_bins(*zip(*table, strict=True), bins=bins))
    assert found.ece == pytest.approx(ece, abs=1e-9)
    assert found.floor == pytest.approx(floor, abs=1e-9)
    assert found.squared_error == pytest.approx(squared if counted else math.nan, abs=1e-9, nan_ok=True)


@given(rows, st.integers(1, 20))
def test_bins_are_those_of_scikit_learn(table: list[tuple[float, int]], bins: int) -> None:
    p, y = np.array(table).T
    found = calibration_bins(p, y, bins=bins)
    # scikit-learn counts a probability on an edge to the bin below, this package to the bin above.
    shares, means = calibration_curve(y, np.minimum(p + 1e-12, 1), n_bins=bins, pos_label=1)
    n = found.n[found.n > 0]
    assert found.residual[found.n > 0] / n == pytest.approx(shares - means, abs=1e-9)
    assert n.sum() == len(table)


@given(rows)
def test_what_is_drawn_is_the_curve_of_scikit_learn(table: list[tuple[float, int]]) -> None:
    counted: dict[int, list[int]] = {}
    for p, y in table:
        counted.setdefault(round(p * 10_000), [0, 0])[y] += 1
    rows_of_sql = [
        {"score": score, "negatives": negatives, "positives": positives}
        for score, (negatives, positives) in sorted(counted.items())
    ]
    (drawn,) = curves({"all": rows_of_sql})
    p, y = np.array(table).T
    shares, means = calibration_curve(y, np.minimum(p + 1e-12, 1), n_bins=15, pos_label=1)
    assert [mean for mean, _, _ in drawn.calibration] == pytest.approx(means, abs=1e-9)
    assert [share for _, share, _ in drawn.calibration] == pytest.approx(shares, abs=1e-9)
    assert sum(n for _, _, n in drawn.calibration) == len(table)


def test_ece_of_a_perfect_model_depends_on_the_number_of_cases_and_its_floor_tells() -> None:
    random = np.random.default_rng(21)
    for n, published, runs in [(30, 0.20, 150), (300, 0.064, 100), (5_000, 0.016, 60)]:
        found = []
        for _ in range(runs):
            p = 1 / (1 + np.exp(-random.normal(0, 2, n)))
            found.append(binned_calibration(calibration_bins(p, random.random(n) < p)))
        ece, floor, squared = np.mean(found, axis=0)
        assert ece == pytest.approx(published, rel=0.12)
        assert floor == pytest.approx(ece, rel=0.2)
        assert abs(squared) < 0.01


def test_squared_error_of_a_model_that_is_off_by_a_tenth_is_a_hundredth() -> None:
    random = np.random.default_rng(22)
    found = []
    for _ in range(200):
        p = random.uniform(0.2, 0.7, 300)
        found.append(binned_calibration(calibration_bins(p, random.random(300) < p + 0.1)).squared_error)
    assert np.mean(found) == pytest.approx(0.01, abs=0.001)


@settings(max_examples=30)
@given(rows)
def test_line_equals_logistic_regression_of_statsmodels(table: list[tuple[float, int]]) -> None:
    models = pytest.importorskip(
        "statsmodels.discrete.discrete_model", reason="the oracle: pip install 'evenscreen[dev]'"
    )
    p, y = (np.array(column, float) for column in zip(*table, strict=True))
    p = np.clip(p, 0.05, 0.95)
    try:
        ours = calibration_line(p, y)
    except ValueError:
        assume(False)
    assume(abs(ours.slope) < 50)
    x = np.column_stack([np.ones_like(p), np.log(p / (1 - p))])
    oracle = models.Logit(y, x).fit(disp=0, tol=1e-12, maxiter=200)
    assert tuple(ours) == pytest.approx(tuple(oracle.params), rel=1e-6, abs=1e-6)


def test_line_of_overconfident_scores_says_so() -> None:
    random = np.random.default_rng(23)
    logits = random.normal(0, 1.5, 20_000)
    y = random.random(20_000) < 1 / (1 + np.exp(-(0.3 + 0.5 * logits)))
    intercept, slope = calibration_line(1 / (1 + np.exp(-logits)), y)
    assert (intercept, slope) == (pytest.approx(0.3, abs=0.06), pytest.approx(0.5, abs=0.05))


@pytest.mark.parametrize(
    ("p", "y", "says"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], "separate"),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], "separate"),
        ([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1], "separate"),
        ([0.5, 0.5], [0, 1], "are equal"),
        ([0.1, 0.5], [1, 1], "are equal"),
        ([0.1], [1], "are equal"),
        ([1.1, 0.5], [0, 1], "within 0..1"),
        ([math.nan, 0.5], [0, 1], "within 0..1"),
        ([0.1, 0.5], [0, 2], "neither 0 nor 1"),
        ([0.1, 0.5], [0], "one length"),
        ([], [], "not empty"),
    ],
)
def test_rows_without_a_line_are_refused(p: list[float], y: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        calibration_line(p, y)


def test_probabilities_of_0_and_1_have_a_line() -> None:
    assert all(map(math.isfinite, calibration_line([0.0, 0.0, 1.0, 1.0, 0.5], [0, 1, 1, 0, 1])))


def test_residual_and_its_variance_equal_plain_sums() -> None:
    p, y = [0.1, 0.4, 0.6, 0.9, 0.2], [0, 1, 0, 1, 0]
    gaps = [b - a for a, b in zip(p, y, strict=True)]
    mean = sum(gaps) / 5
    alone = residual(p, y)
    assert alone.value == pytest.approx(mean, abs=1e-12)
    assert alone.variance == pytest.approx(sum((gap - mean) ** 2 for gap in gaps) / 4 / 5, abs=1e-12)
    sums = [gaps[0] + gaps[1] - 2 * mean, gaps[2] - mean, gaps[3] + gaps[4] - 2 * mean]
    shared = residual(p, y, ["a", "a", "b", "c", "c"])
    clustered = 3 / 2 * sum(u * u for u in sums) / 25
    assert shared.variance == pytest.approx(max(clustered, alone.variance), abs=1e-12)
    assert shared.limits(2.0)[2:] == pytest.approx(
        (mean - 2 * shared.variance**0.5, mean + 2 * shared.variance**0.5)
    )


def test_every_case_five_times_doubles_no_evidence() -> None:
    random = np.random.default_rng(24)
    p = random.random(300)
    y = (random.random(300) < p).astype(int)
    once, five = residual(p, y), residual(np.repeat(p, 5), np.repeat(y, 5), np.repeat(np.arange(300), 5))
    assert five.variance == pytest.approx(once.variance, rel=0.01)


def test_outcomes_that_are_all_equal_are_not_certainty() -> None:
    found = residual([0.001] * 100, [0] * 100)
    share = wilson_limits(0.0, 100, 1.645)
    assert found.limits(1.645)[2:] == pytest.approx((-0.001, share.high - 0.001))
    assert found.variance > 0


def test_a_residual_is_assessable_from_100_cases() -> None:
    assert Residual(0.0, 0.01, 100, 50).assessable
    assert not Residual(0.0, 0.01, 99, 50).assessable
    with pytest.raises(ValueError, match="two cases"):
        residual([0.5], [1])


def test_a_line_through_counts_is_that_through_every_row() -> None:
    draw = np.random.default_rng(8)
    p = draw.integers(1, 40, 300) / 40
    y = (draw.random(300) < p**1.3).astype(int)
    cells, counts = np.unique(np.column_stack([p, y]), axis=0, return_counts=True)
    one = calibration_line(p, y)
    other = calibration_line(cells[:, 0], cells[:, 1], counts=counts)
    assert other == pytest.approx(one, abs=1e-9)
    zeros = np.vstack([cells, [[0.5, 1.0]]])
    assert calibration_line(zeros[:, 0], zeros[:, 1], counts=[*counts, 0]) == pytest.approx(one, abs=1e-9)


def test_counts_must_fit() -> None:
    with pytest.raises(ValueError, match="counts"):
        calibration_line([0.1, 0.2, 0.3], [0, 1, 0], counts=[1, -1, 2])
    with pytest.raises(ValueError, match="there is no case"):
        calibration_line([0.1, 0.2], [0, 1], counts=[0, 0])
