"""Components and limits of an area against sums over all pairs, scikit-learn and known truths."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenscreen.pipeline.evidence.auroc import AreaComponents, area_components, is_assessable, shrink
from evenscreen.pipeline.evidence.intervals import wilson_limits

from .naive import clustered, delong_covariance, obuchowski, tables, wins

Table = tuple[list[float], list[float], list[int], list[str]]


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@given(tables())
def test_components_equal_sums_over_all_pairs(table: Table) -> None:
    scores, _, labels, _ = table
    psi, ours = wins(scores, labels), area_components(scores, labels)
    assert ours.theta == near(psi.mean())
    assert ours.variance == near(delong_covariance(psi, psi))
    assert ours.s10 == near(psi.mean(1).var(ddof=1))
    assert ours.s01 == near(psi.mean(0).var(ddof=1))
    assert (ours.positives, ours.negatives) == psi.shape
    assert ours.patients == len(labels)


@settings(max_examples=30)
@given(tables())
def test_area_equals_scikit_learn(table: Table) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="the oracle: pip install 'evenscreen[train]'")
    scores, _, labels, _ = table
    assert area_components(scores, labels).theta == near(metrics.roc_auc_score(labels, scores))


@given(tables())
def test_clustered_variance_equals_the_sum_patient_by_patient(table: Table) -> None:
    scores, _, labels, patients = table
    psi, ours = wins(scores, labels), area_components(scores, labels, patients)
    people = len(set(patients))
    assert ours.variance == near(clustered(psi, labels, patients))
    assert ours.variance * (people - 1) / people == near(obuchowski(psi, labels, patients))
    assert ours.patients == people
    assert ours.design_effect >= 1


def test_every_image_twice_doubles_the_variance_of_independent_images() -> None:
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1], [400, 200])
    scores = random.normal(labels * 1.9)
    once = area_components(scores, labels)
    twice = area_components(np.tile(scores, 2), np.tile(labels, 2), np.tile(np.arange(600), 2))
    assert twice.variance == pytest.approx(once.variance, rel=0.01)
    assert twice.design_effect == pytest.approx(2, rel=0.01)
    alone = area_components(scores, labels, np.arange(600))
    assert alone.variance == pytest.approx(once.variance, rel=0.01)
    assert alone.design_effect == pytest.approx(1, rel=0.01)


def test_a_group_is_assessable_from_30_of_each() -> None:
    assert is_assessable(30, 30)
    assert not is_assessable(29, 3_000)
    assert not is_assessable(3_000, 29)


def test_shrinking_weighs_a_group_by_its_cases_against_30_pooled_ones() -> None:
    groups = {
        "I-II": AreaComponents(0.9, 0.0012, 0.02, 0.03, 31, 301, 332),
        "V-VI": AreaComponents(0.8, 0.0048, 0.05, 0.06, 61, 101, 162),
    }
    pooled10 = (30 * 0.02 + 60 * 0.05) / 90
    pooled01 = (300 * 0.03 + 100 * 0.06) / 400
    area = shrink(groups)["V-VI"]
    assert area.s10 == near((61 * 0.05 + 30 * pooled10) / 91)
    assert area.s01 == near((101 * 0.06 + 30 * pooled01) / 131)
    effect = 0.0048 / (0.05 / 61 + 0.06 / 101)
    assert effect > 1
    assert area.variance == near(effect * (area.s10 / 61 + area.s01 / 101))


def test_one_group_alone_keeps_its_own_variance() -> None:
    own = AreaComponents(0.9, 0.0012, 0.02, 0.03, 31, 301, 332)
    area = shrink({"only": own})["only"]
    assert (area.s10, area.s01) == (near(0.02), near(0.03))
    assert shrink({}) == {}


@given(st.floats(0.5, 5.0))
def test_limits_lie_c_standard_errors_off_on_the_logit_scale(c: float) -> None:
    area = shrink({"only": AreaComponents(0.9, 0.0002, 0.02, 0.03, 200, 300, 500)})["only"]
    value, centre, low, high = area.limits(c)
    assert value == 0.9
    assert centre == near((0.9 * 60_000 + 0.5) / 60_001)
    spread = c * math.sqrt(area.variance) / (centre * (1 - centre))
    assert math.log(low / (1 - low)) == near(math.log(centre / (1 - centre)) - spread)
    assert math.log(high / (1 - high)) == near(math.log(centre / (1 - centre)) + spread)


@given(tables(), tables(), st.floats(0.5, 6.0))
def test_limits_hold_their_centre_and_stay_within_0_and_1(one: Table, two: Table, c: float) -> None:
    groups = {"a": area_components(one[0], one[2], one[3]), "b": area_components(two[0], two[2])}
    for area in shrink(groups).values():
        value, centre, low, high = area.limits(c)
        assert 0 <= low <= centre <= high <= 1
        assert low < high
        assert area.variance > 0
        assert value == area.components.theta


def test_perfect_separation_is_not_certainty() -> None:
    labels = np.repeat([0, 1], 30)
    perfect = area_components(labels, labels)
    area = shrink({"a": perfect, "b": perfect})["a"]
    assert area.limits(1.96).low == wilson_limits(1.0, 30, 1.96).low
    assert area.limits(1.96).high == 1


def test_one_almost_perfect_group_among_weaker_ones_keeps_finite_limits() -> None:
    random, labels = np.random.default_rng(8), np.repeat([0, 1], [300, 30])
    weak = area_components(random.normal(labels * 1.5), labels)
    area = shrink({"weak": weak, "perfect": area_components(labels, labels)})["perfect"]
    assert area.limits(1.96).low == wilson_limits(1.0, 30, 1.96).low


@pytest.mark.parametrize(
    ("scores", "labels", "clusters", "says"),
    [
        ([0.5], [1], None, "two of each"),
        ([1.0, 2.0, 3.0], [1, 1, 1], None, "two of each"),
        ([1.0, math.nan, 3.0, 4.0], [1, 0, 0, 1], None, "score is not finite"),
        ([1.0, 2.0, 3.0, 4.0], [1, 0, math.nan, 1], None, "neither 0 nor 1"),
        ([1.0, 2.0, 3.0, 4.0], [1, 0, 2, 1], None, "neither 0 nor 1"),
        ([1.0, 2.0], [1, 0, 1], None, "one length"),
        ([1.0, 2.0, 3.0, 4.0], [1, 0, 0, 1], ["a", "b", "c"], "one length"),
        ([1.0, 2.0, 3.0, 4.0], [1, 0, 0, 1], ["a", "a", "a", "a"], "two patients"),
        ([1.0, 2.0, 3.0, 4.0], [1, 0, 0, 1], ["a", "b", None, "c"], "no patient"),
        ([1.0, 2.0, 3.0, 4.0], [1, 0, 0, 1], [1.0, 2.0, math.nan, 3.0], "no patient"),
    ],
)
def test_rows_without_an_area_are_refused(scores: list, labels: list, clusters: list, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        area_components(scores, labels, clusters)


@pytest.mark.parametrize("change", [{"theta": 1.1}, {"positives": 1}, {"variance": -1.0}, {"s10": math.nan}])
def test_components_that_no_rows_have_are_refused(change: dict[str, float]) -> None:
    sound = {"theta": 0.9, "variance": 0.1, "s10": 0.1, "s01": 0.1, "positives": 9, "negatives": 9}
    with pytest.raises(ValueError, match=r"area|variance"):
        AreaComponents(**{**sound, **change}, patients=18)


@settings(max_examples=20)
@given(tables())
def test_the_order_of_rows_changes_nothing(table: Table) -> None:
    scores, _, labels, patients = table
    forward = area_components(scores, labels, patients)
    backward = area_components(scores[::-1], labels[::-1], patients[::-1])
    assert forward.theta == near(backward.theta)
    assert forward.variance == near(backward.variance)
