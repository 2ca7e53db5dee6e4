"""Patients with several images: a published example, regressions with clustered errors, and a jackknife."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from evenscreen.pipeline.evidence.auroc import area_components
from evenscreen.pipeline.evidence.intervals import Z95
from evenscreen.pipeline.evidence.rates import rate

from ...published.segments import (
    ALARMED,
    CAUGHT,
    MISSED,
    NEGATIVE_VALUE,
    POSITIVE_VALUE,
    SENSITIVITY,
    SPARED,
    SPECIFICITY,
    segments,
)
from .naive import tables, wins

Table = tuple[list[float], list[float], list[int], list[str]]


@pytest.mark.parametrize(
    ("successes", "failures", "share", "low", "high"),
    [
        (CAUGHT, MISSED, *SENSITIVITY),
        (SPARED, ALARMED, *SPECIFICITY),
    ],
    ids=["sensitivity", "specificity"],
)
def test_rates_vary_between_patients_as_published(
    successes: np.ndarray, failures: np.ndarray, share: float, low: float, high: float
) -> None:
    outcomes, patients = segments(successes, failures)
    ours = rate(outcomes, patients)
    value = ours.successes / ours.n
    reach = 1.96 * math.sqrt(ours.design_effect * value * (1 - value) / ours.n)
    assert (100 * value, 100 * (value - reach), 100 * (value + reach)) == pytest.approx(
        (share, low, high), abs=1e-9
    )


@pytest.mark.parametrize(
    ("right", "wrong", "share", "low", "high"),
    [
        (CAUGHT, ALARMED, *POSITIVE_VALUE),
        (SPARED, MISSED, *NEGATIVE_VALUE),
    ],
    ids=["positive", "negative"],
)
def test_predictive_values_vary_between_patients_as_published(
    right: np.ndarray, wrong: np.ndarray, share: float, low: float, high: float
) -> None:
    """On the logit scale, where errors that are robust over patients count all 50, called positive or not."""
    calls, patients = segments(right, wrong)
    ours = rate(calls, patients)
    value, called = ours.successes / ours.n, np.unique(patients).size
    assert 100 * value == pytest.approx(share, abs=1e-9)
    variance = ours.design_effect * value * (1 - value) / ours.n * (called - 1) / called * 50 / 49
    published = (logit(high / 100) - logit(low / 100)) / 2 / Z95
    # Their regression for the positive value stopped at 41.32231458 %, eight digits from the share itself.
    assert math.sqrt(variance) / (value * (1 - value)) == pytest.approx(published, rel=1e-8)


def test_area_of_a_yes_or_no_varies_as_its_regression_with_clustered_errors() -> None:
    """Of flags 0 or 1 the area is (1 + slope)/2 of flags on labels; errors after Liang and Zeger (1986)."""
    (hits, sick), (spared, well) = segments(CAUGHT, MISSED), segments(SPARED, ALARMED)
    flags, labels = np.concatenate([hits, 1 - spared]), np.repeat([1, 0], [hits.size, spared.size])
    patients = np.concatenate([sick, well])
    ours = area_components(flags, labels, patients)
    slope, variance = regression(flags, np.column_stack([np.ones(labels.size), labels]), patients)
    assert ours.theta == pytest.approx((1 + slope) / 2, abs=1e-12)
    assert ours.variance == pytest.approx(variance / 4, rel=1e-9)
    assert (ours.patients, ours.positives, ours.negatives) == (50, 93, 609)
    assert ours.design_effect > 1.3


@settings(max_examples=30)
@given(tables())
def test_any_area_varies_as_the_mean_of_its_influence_with_clustered_errors(table: Table) -> None:
    scores, _, labels, patients = table
    psi = wins(scores, labels)
    (m, n), v10, v01 = psi.shape, iter(psi.mean(1)), iter(psi.mean(0))
    theta, cases = psi.mean(), len(labels)
    pseudo = [
        theta + cases * ((next(v10) - theta) / m if label == 1 else (next(v01) - theta) / n)
        for label in labels
    ]
    mean, variance = regression(np.array(pseudo), np.ones((cases, 1)), np.array(patients))
    ours = area_components(scores, labels, patients)
    assert (ours.theta, ours.variance) == pytest.approx((mean, variance), rel=1e-9, abs=1e-12)


def test_clustered_variance_of_an_area_is_that_of_a_jackknife_over_patients() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle: pip install 'evenscreen[train]'")
    random = np.random.default_rng(12)
    patients = np.repeat(np.arange(150), random.integers(1, 6, 150))
    labels = random.integers(0, 2, patients.size)
    scores = random.normal(labels + 0.8 * random.normal(size=150)[patients])
    without = [
        metrics.roc_auc_score(labels[patients != one], scores[patients != one]) for one in np.unique(patients)
    ]
    jackknife = 149 / 150 * ((np.array(without) - np.mean(without)) ** 2).sum()
    assert area_components(scores, labels, patients).variance == pytest.approx(jackknife, rel=0.02)


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def regression(y: np.ndarray, x: np.ndarray, patients: np.ndarray) -> tuple[float, float]:
    """Last coefficient and its variance clustered by patients, factor G/(G - 1) alone (statsmodels)."""
    linear = pytest.importorskip(
        "statsmodels.regression.linear_model", reason="the oracle: pip install 'evenscreen[dev]'"
    )
    groups = np.unique(patients, return_inverse=True)[1]
    found = linear.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": groups})
    rows, columns = x.shape
    return float(found.params[-1]), float(found.cov_params()[-1, -1] * (rows - columns) / (rows - 1))
