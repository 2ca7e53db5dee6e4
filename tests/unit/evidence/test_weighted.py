"""Weighted areas against scikit-learn, worst cases against every assignment there is."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evenscreen.pipeline.evidence.weighted import auroc_bounds, effective, weighted_auroc


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.floats(0.1, 50)), min_size=2, max_size=30))
def test_weighted_area_is_that_of_scikit_learn(rows: list[tuple[int, bool, float]]) -> None:
    scores, labels, weights = map(np.array, zip(*rows, strict=True))
    sums = [np.bincount(scores, weights=weights * (labels == label), minlength=7) for label in (True, False)]
    found = weighted_auroc(*sums)
    if len(set(labels.tolist())) < 2:
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4))
def test_bounds_hold_for_every_outcome_and_are_reached(cells: list[tuple[int, int, int]]) -> None:
    """All numbers of positives among the unknown of every score are tried."""
    a, b, u = (np.array(column, float) for column in zip(*cells, strict=True))
    areas = [
        weighted_auroc(a + np.array(chosen), b + u - np.array(chosen))
        for chosen in product(*(range(int(size) + 1) for size in u))
    ]
    known = [area for area in areas if area is not None]
    found = auroc_bounds(a, b, u)
    if not known:
        assert found is None
        return
    assert found is not None
    low, high = found
    assert low <= min(known) + 1e-9
    assert high >= max(known) - 1e-9
    # Fractions of an image are allowed at the dividing score, which widens a bound by little.
    assert low == pytest.approx(min(known), abs=0.06)
    assert high == pytest.approx(max(known), abs=0.06)


def test_bounds_without_unknown_images_are_the_area() -> None:
    a, b = [1.0, 2.0, 5.0], [7.0, 3.0, 1.0]
    area = weighted_auroc(a, b)
    assert auroc_bounds(a, b, [0, 0, 0]) == pytest.approx((area, area), abs=1e-12)


def test_equal_weights_count_every_image_and_unequal_ones_fewer() -> None:
    assert effective(30, 90) == pytest.approx(10)
    assert effective(10 + 50, 10 + 50**2) < 2
    assert effective(0, 0) == 0


@pytest.mark.parametrize(("one", "other"), [([1.0], [1.0, 2.0]), ([-1.0], [1.0]), ([np.nan], [1.0])])
def test_what_is_no_weight_is_refused(one: list[float], other: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        weighted_auroc(one, other)
