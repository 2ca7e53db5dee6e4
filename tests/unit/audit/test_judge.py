"""Verdicts from group figures: every registered group counts, and what is missing has a number."""

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evenscreen.pipeline.audit.group_figures import GroupFigures
from evenscreen.pipeline.audit.judge import Judged, explore, judge, overall
from evenscreen.pipeline.audit.plan import GROUPS, Plan
from evenscreen.pipeline.evidence.auroc import area_components
from evenscreen.pipeline.evidence.calibration import residual
from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.pipeline.evidence.rates import Rate, rate
from evenscreen.pipeline.evidence.shortfall import Goal, target_error

PLAN = Plan(name="test")


def figures(n: int, seed: int, lift: float = 0.0) -> GroupFigures:
    """`n` positives and `n` negatives; about 90 % sensitivity and specificity, 90 % - lift for positives."""
    draw = np.random.default_rng(seed)
    caught, spared = draw.random(n) < 0.9 - lift, draw.random(n) < 0.9
    labels = np.repeat([1, 0], n)
    scores = np.where(labels == 1, draw.normal(2.4 - 6 * lift, 1, 2 * n), draw.normal(0, 1, 2 * n))
    truth = draw.random(2 * n) < 0.3
    return GroupFigures(
        rate(caught),
        rate(spared),
        area_components(scores, labels),
        residual(np.full(2 * n, 0.3), truth),
        30,
        30,
    )


def by_metric(judged: list[Judged]) -> dict[str, Judged]:
    return {one.metric: one for one in judged}


def all_groups(n: int, lift: float = 0.0) -> dict[str, GroupFigures]:
    """An even system but for the last group."""
    names = GROUPS["fst_group"]
    return {name: figures(n, seed, lift if name == names[-1] else 0) for seed, name in enumerate(names)}


@pytest.mark.parametrize("nightly", [True, False])
def test_many_cases_without_a_gap_are_even_and_miss_nothing(nightly: bool) -> None:
    judged = judge(all_groups(20_000), "fst_group", PLAN, nightly=nightly)
    assert [one.verdict.outcome for one in judged] == ["even"] * 4
    assert overall(judged) == "even"
    assert all(not groups for one in judged for groups in one.missing.values())


def test_a_large_gap_is_uneven_and_names_the_pair() -> None:
    judged = by_metric(judge(all_groups(20_000, lift=0.2), "fst_group", PLAN, nightly=True))
    found = judged["sensitivity"].verdict
    assert (found.outcome, found.beyond_margin) == ("uneven", "proven")
    assert {pair.second for pair in found.uneven} == {"V–VI"}
    assert judged["specificity"].verdict.outcome == "even"
    assert overall(list(judged.values())) == "uneven"


def test_few_cases_are_no_evidence_and_say_how_many_more() -> None:
    judged = by_metric(judge(all_groups(100), "fst_group", PLAN, nightly=True))
    assert overall(list(judged.values())) == "insufficient evidence"
    lacking = judged["sensitivity"].missing["even"]["V–VI"]["positives"]
    assert lacking.more == lacking.needed - 100 > 500
    assert lacking.months == pytest.approx(lacking.more / 30)
    assert set(judged["auroc"].missing["even"]["I–II"]) == {"positives", "negatives"}
    assert set(judged["calibration"].missing["even"]["I–II"]) == {"cases"}


@pytest.mark.parametrize("nightly", [True, False])
def test_both_goals_have_the_target_error_of_the_specification(nightly: bool) -> None:
    groups = all_groups(100)
    judged = by_metric(judge(groups, "fst_group", PLAN, nightly=nightly))["sensitivity"]
    own = groups["I–II"].sensitivity
    assert own is not None
    goals: tuple[Goal, Goal] = ("even", "uneven")
    for goal in goals:
        target = target_error(goal, 0.05, 3, judged.alpha, nightly)
        needed = np.ceil(2 * own.design_effect * own.centre * (1 - own.centre) / target**2)
        assert judged.missing[goal]["I–II"]["positives"].needed == needed
    even, uneven = (judged.missing[goal]["I–II"]["positives"].needed for goal in goals)
    assert 3 * uneven < even < 5 * uneven


def test_what_is_uneven_needs_nothing_more_for_it() -> None:
    judged = by_metric(judge(all_groups(300, lift=0.4), "fst_group", PLAN, nightly=False))["sensitivity"]
    assert judged.verdict.uneven
    assert judged.verdict.undecided
    assert set(judged.missing) == {"even"}


def test_a_registered_group_without_a_case_is_named_and_never_reached() -> None:
    groups = all_groups(20_000)
    del groups["V–VI"]
    judged = judge(groups, "fst_group", PLAN, nightly=True)
    assert overall(judged) == "insufficient evidence"
    for one in judged:
        assert one.verdict.not_assessable == ("V–VI",)
        assert one.figures["V–VI"] is None
        for groups in one.missing.values():
            assert groups["V–VI"]
            assert all(
                lack.more == lack.needed > 0 and lack.months is None for lack in groups["V–VI"].values()
            )


def test_29_of_a_class_are_not_assessable_30_are() -> None:
    groups = all_groups(20_000)
    for n, named in ((29, ("V–VI",)), (30, ())):
        groups["V–VI"] = figures(n, 9)
        judged = by_metric(judge(groups, "fst_group", PLAN, nightly=True))
        assert judged["sensitivity"].verdict.not_assessable == named
        assert judged["auroc"].verdict.not_assessable == named


@pytest.mark.parametrize("nightly", [True, False, None])
def test_groups_too_small_for_a_verdict_have_the_limits_of_wilson(nightly: bool | None) -> None:
    groups = all_groups(500)
    groups["V–VI"] = GroupFigures(sensitivity=Rate(6, 7))
    judged = by_metric(
        explore(groups, "fst_group", PLAN)
        if nightly is None
        else judge(groups, "fst_group", PLAN, nightly=nightly)
    )
    assert {metric: set(one.small) for metric, one in judged.items()} == {
        "sensitivity": {"V–VI"}, "specificity": set(), "auroc": set(), "calibration": set()
    }  # fmt: skip
    estimate = judged["sensitivity"].small["V–VI"].limits(z(0.975))
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(6, 7, method="wilson"), abs=1e-9)
    assert judged["sensitivity"].figures["V–VI"] is None


def test_nobody_at_all_is_insufficient_and_asks_for_no_invented_number() -> None:
    judged = judge({}, "fst", PLAN, nightly=False)
    assert overall(judged) == "insufficient evidence"
    assert all(one.verdict.not_assessable == GROUPS["fst"] for one in judged)
    assert all(not cases for one in judged for of in one.missing.values() for cases in of.values())


def test_calibration_does_not_decide_the_whole() -> None:
    groups = all_groups(20_000)
    draw = np.random.default_rng(0)
    off = residual(np.full(40_000, 0.3), draw.random(40_000) < 0.6)
    groups["V–VI"] = GroupFigures(
        groups["V–VI"].sensitivity, groups["V–VI"].specificity, groups["V–VI"].auroc, off, 30, 30
    )
    judged = by_metric(judge(groups, "fst_group", PLAN, nightly=True))
    assert judged["calibration"].verdict.outcome == "uneven"
    assert overall(list(judged.values())) == "even"


def test_each_deciding_metric_has_a_third_of_alpha() -> None:
    judged = by_metric(judge(all_groups(100), "fst_group", PLAN, nightly=False))
    assert judged["auroc"].alpha == pytest.approx(PLAN.drift_alpha / 3)
    assert judged["calibration"].alpha == PLAN.drift_alpha
    assert by_metric(judge({}, "fst_group", PLAN, nightly=True))["auroc"].alpha == pytest.approx(0.05 / 3)


def test_a_window_that_was_chosen_afterwards_has_pointwise_limits_and_decides_nothing() -> None:
    groups = all_groups(200, lift=0.4)
    explored = by_metric(explore(groups, "fst_group", PLAN))
    found = explored["sensitivity"].verdict
    assert (found.outcome, found.uneven, found.within) == ("insufficient evidence", (), ())
    assert found.beyond_margin == "not proven"
    assert not explored["sensitivity"].missing
    for pair in found.undecided:
        counts = [
            (round(one.successes), one.n) for one in (_rate(groups, pair.first), _rate(groups, pair.second))
        ]
        low, high = confint_proportions_2indep(*counts[0], *counts[1], compare="diff", method="newcomb")
        assert (pair.low, pair.high) == pytest.approx((low, high), abs=1e-9)
    assert found.largest is not None
    simultaneous = by_metric(judge(groups, "fst_group", PLAN, nightly=False))["sensitivity"].verdict
    assert simultaneous.largest is not None
    assert found.largest.high - found.largest.low < simultaneous.largest.high - simultaneous.largest.low


def _rate(groups: dict[str, GroupFigures], name: str) -> Rate:
    found = groups[name].sensitivity
    assert found is not None
    return found


def test_a_small_group_needs_as_many_as_all_others_together_suggest() -> None:
    groups = all_groups(20_000)
    groups["V–VI"] = GroupFigures(sensitivity=Rate(3, 3))
    lacking = by_metric(judge(groups, "fst_group", PLAN, nightly=True))["sensitivity"].missing["even"]["V–VI"]
    pooled = by_metric(judge(all_groups(100), "fst_group", PLAN, nightly=True))["sensitivity"].missing[
        "even"
    ]["V–VI"]
    assert lacking["positives"].needed == pytest.approx(pooled["positives"].needed, rel=0.4)
    assert lacking["positives"].more == lacking["positives"].needed - 3
