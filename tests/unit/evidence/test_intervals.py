"""Intervals against brute force, scikit-learn and published figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenscreen.pipeline.evidence.intervals import Z95, delong_interval, midranks, wilson_interval


def test_wilson_equals_the_published_example() -> None:
    """Newcombe (1998), table I: 81 of 263 and 15 of 148, 0 of 20, 1 of 29."""
    for successes, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        limits = wilson_interval(successes, n)
        assert (round(limits.low, 4), round(limits.high, 4)) == (low, high)


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_limits_are_where_the_score_test_rejects(case: tuple[int, int]) -> None:
    successes, n = case
    value, low, high = wilson_interval(successes, n)
    assert 0 <= low <= value <= high <= 1
    for limit in {low, high} - {0.0, 1.0}:
        assert abs(value - limit) / np.sqrt(limit * (1 - limit) / n) == pytest.approx(Z95, abs=1e-4)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_wilson_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="proportion"):
        wilson_interval(successes, n)


def samples(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties and both classes."""
    random = np.random.default_rng(seed)
    labels = np.r_[np.ones(random.integers(5, 40), int), np.zeros(random.integers(5, 60), int)]
    return np.round(random.normal(labels * random.uniform(0, 1.5), 1), 1), labels


@pytest.mark.parametrize("seed", range(10))
def test_auroc_equals_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle: pip install 'evenscreen[train]'")
    scores, labels = samples(seed)
    assert delong_interval(scores, labels).value == pytest.approx(
        metrics.roc_auc_score(labels, scores), abs=1e-12
    )


@pytest.mark.parametrize("seed", range(10))
def test_delong_equals_brute_force_over_all_pairs(seed: int) -> None:
    scores, labels = samples(seed)
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = np.array([[(p > q) + 0.5 * (p == q) for q in negatives] for p in positives])
    area = wins.mean()
    variance = wins.mean(1).var(ddof=1) / len(positives) + wins.mean(0).var(ddof=1) / len(negatives)
    spread = Z95 * np.sqrt(variance) / (area * (1 - area))
    logit = np.log(area / (1 - area))
    value, low, high = delong_interval(scores, labels)
    assert value == pytest.approx(area, abs=1e-12)
    assert np.log(low / (1 - low)) == pytest.approx(logit - spread, abs=1e-9)
    assert np.log(high / (1 - high)) == pytest.approx(logit + spread, abs=1e-9)


def test_delong_covers_the_true_area_about_95_times_in_100() -> None:
    random, truth, covered = np.random.default_rng(5), 0.9214, 0
    labels = np.r_[np.ones(60, int), np.zeros(200, int)]
    for _ in range(1_000):
        low, high = delong_interval(random.normal(labels * 2.0, 1.0), labels)[1:]
        covered += low <= truth <= high
    assert 930 <= covered <= 970


def test_perfect_separation_is_not_certainty() -> None:
    value, low, high = delong_interval([1, 2, 3, 8, 9], [0, 0, 0, 1, 1])
    assert (value, high) == (1.0, 1.0)
    assert low == wilson_interval(2, 2).low


def test_constant_scores_know_nothing() -> None:
    value, low, high = delong_interval([5] * 40, [0, 1] * 20)
    assert value == 0.5
    assert low < 0.35
    assert high > 0.65


@pytest.mark.parametrize(
    ("scores", "labels", "says"),
    [
        ([1.0, 2.0, 3.0], [1, 1, 1], "two of each"),
        ([1.0, 2.0, 3.0], [1, 0, 0], "two of each"),
        ([1.0, np.nan, 3.0, 4.0], [1, 0, 0, 1], "finite"),
        ([1.0, 2.0], [1, 0, 1], "one length"),
    ],
)
def test_delong_refuses_what_has_no_area(scores: list[float], labels: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        delong_interval(scores, labels)


def test_tied_values_share_their_mean_rank() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]
