"""How many more: the reference table of the procedure, and numbers done by hand."""

import math

import pytest

from evenscreen.pipeline.evidence.auroc import Area, AreaComponents
from evenscreen.pipeline.evidence.multiplicity import tukey_critical
from evenscreen.pipeline.evidence.rates import Rate
from evenscreen.pipeline.evidence.shortfall import area_shortfall, rate_shortfall, target_error


def binormal_area(area: float, positives: int, negatives: int, effect: float = 1.0) -> Area:
    """The true placement variances of two normal distributions of one width."""
    stats = pytest.importorskip("scipy.stats", reason="the oracle: pip install 'evenscreen[train]'")
    mean = stats.norm.ppf(area)
    both = stats.multivariate_normal.cdf([mean, mean], cov=[[1.0, 0.5], [0.5, 1.0]])
    s = float(both - area**2)
    variance = effect * (s / positives + s / negatives)
    return Area(AreaComponents(area, variance, s, s, positives, negatives, positives + negatives), s, s)


@pytest.mark.parametrize(
    ("margin", "ratio", "uneven", "even"),
    [
        (0.05, 1, (160, 160), (640, 640)),
        (0.05, 5, (96, 480), (382, 1_910)),
        (0.02, 1, (996, 996), (3_982, 3_982)),
    ],
)
def test_areas_need_the_cases_of_the_reference_table(
    margin: float, ratio: int, uneven: tuple[int, int], even: tuple[int, int]
) -> None:
    area = binormal_area(0.91, 40, 40 * ratio)
    for goal, published in (("uneven", uneven), ("even", even)):
        positives, negatives = area_shortfall(area, target_error(goal, margin, 6), 10, 10)
        assert positives.needed == pytest.approx(published[0], rel=0.006, abs=3)
        assert negatives.needed == ratio * positives.needed
        assert negatives.needed == pytest.approx(published[1], rel=0.0125)


def test_sensitivity_needs_the_cases_of_the_reference_table() -> None:
    share = Rate(899_999, 1_000_000)
    assert rate_shortfall(share, target_error("uneven", 0.05, 6), 10).needed == 364
    assert rate_shortfall(share, target_error("even", 0.05, 6), 10).needed == 1_455


def test_nights_cost_about_one_and_a_half_times_the_cases_of_a_single_look() -> None:
    for goal in ("even", "uneven"):
        once, nightly = (target_error(goal, 0.05, 6, nightly=nights) for nights in (False, True))
        assert 1.5 < (once / nightly) ** 2 < 1.65


def test_nightly_target_uses_the_critical_value_at_the_target_itself() -> None:
    error = target_error("even", 0.05, 6, nightly=True)
    q = (0.05 / error) ** 2
    c_even = math.sqrt((1 + 1 / q) * (2 * math.log(10) + math.log(1 + q)))
    assert error * (tukey_critical(6, 0.05) + c_even) == pytest.approx(0.05, abs=1e-9)


def test_shortfall_counts_what_is_missing_and_the_months_it_takes() -> None:
    share = Rate(90, 100)
    found = rate_shortfall(share, 0.02, 25)
    needed = math.ceil(2 * share.centre * (1 - share.centre) / 0.02**2)
    assert (found.needed, found.more) == (needed, needed - 100)
    assert found.months == (needed - 100) / 25


def test_a_group_that_nobody_joins_is_not_reachable() -> None:
    assert rate_shortfall(Rate(90, 100), 0.01, 0).months is None


def test_enough_cases_need_no_more() -> None:
    assert rate_shortfall(Rate(9_000, 10_000), 0.05, 0)[1:] == (0, 0.0)


def test_images_of_one_patient_count_for_less() -> None:
    once, twice = (binormal_area(0.91, 60, 60, effect) for effect in (1, 2))
    target = target_error("even", 0.05, 3)
    alone, shared = (area_shortfall(area, target, 1, 1)[0].needed for area in (once, twice))
    assert shared == pytest.approx(2 * alone, abs=1)
