"""Pairs, verdicts and nights: fixed cases on both sides of every line, and error rates by simulation."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from evenscreen.pipeline.evidence.auroc import Area, area_components, shrink
from evenscreen.pipeline.evidence.multiplicity import tukey_critical
from evenscreen.pipeline.evidence.pairs import Estimate, Figure, Pair, difference
from evenscreen.pipeline.evidence.rates import Rate
from evenscreen.pipeline.evidence.sequence import nightly_even, nightly_uneven
from evenscreen.pipeline.evidence.verdict import DECIDING_METRICS, Verdict, together, verdict


@dataclass(frozen=True)
class Known:
    """A figure with a standard error that is known, so that limits are easy to do in the head."""

    value: float
    error: float

    @property
    def variance(self) -> float:
        return self.error**2

    def limits(self, c: float) -> Estimate:
        return Estimate(self.value, self.value, self.value - c * self.error, self.value + c * self.error)


def known(error: float, **values: float) -> dict[str, Figure | None]:
    return {name: Known(value, error) for name, value in values.items()}


def test_difference_takes_each_arm_from_the_side_it_comes_from() -> None:
    first, second = Estimate(0.9, 0.89, 0.86, 0.93), Estimate(0.7, 0.71, 0.59, 0.79)
    value, low, high = difference(first, second)
    assert value == pytest.approx(0.2)
    assert low == pytest.approx(0.2 - math.hypot(0.03, 0.08))
    assert high == pytest.approx(0.2 + math.hypot(0.04, 0.12))
    assert difference(second, first) == pytest.approx((-0.2, -high, -low))


def test_groups_that_are_close_and_well_known_are_even() -> None:
    found = verdict(known(0.01, a=0.90, b=0.91, c=0.92), margin=0.05)
    assert found.outcome == "even"
    assert (found.uneven, found.undecided, found.not_assessable) == ((), (), ())
    assert found.beyond_margin == "not proven"


def test_even_needs_every_interval_within_the_margin() -> None:
    reach = 1.6448536 * 0.01 * math.sqrt(2)
    inside, outside = 0.05 - reach - 1e-6, 0.05 - reach + 1e-6
    assert verdict(known(0.01, a=0.9, b=0.9 - inside), margin=0.05).outcome == "even"
    found = verdict(known(0.01, a=0.9, b=0.9 - outside), margin=0.05)
    assert found.outcome == "insufficient evidence"
    assert [(pair.first, pair.second) for pair in found.undecided] == [("a", "b")]


def test_a_gap_beyond_its_interval_and_the_margin_is_an_alarm_but_not_proof_of_its_size() -> None:
    found = verdict(known(0.01, a=0.90, b=0.84, c=0.90), margin=0.05)
    assert found.outcome == "uneven"
    assert found.beyond_margin == "not proven"
    assert [(pair.first, pair.second) for pair in found.uneven] == [("a", "b"), ("b", "c")]
    assert found.undecided == ()
    assert verdict(known(0.01, a=0.90, b=0.80), margin=0.05).beyond_margin == "proven"
    assert verdict(known(0.01, a=0.80, b=0.90), margin=0.05).beyond_margin == "proven"


def test_a_certain_gap_within_the_margin_is_no_alarm() -> None:
    assert verdict(known(0.001, a=0.90, b=0.86), margin=0.05).outcome == "even"


def test_a_large_gap_that_chance_explains_is_no_alarm() -> None:
    assert verdict(known(0.05, a=0.90, b=0.80), margin=0.05).outcome == "insufficient evidence"


def test_the_largest_gap_comes_from_the_pairs_with_its_interval() -> None:
    found = verdict(known(0.01, a=0.90, b=0.95, c=0.88), margin=0.05)
    reach = tukey_critical(3, 0.05) * 0.01 * math.sqrt(2)
    assert found.largest is not None
    assert found.largest[:2] == ("b", "c")
    assert found.largest[2:] == pytest.approx((0.07, 0.07 - reach, 0.07 + reach))


def test_a_registered_group_that_is_too_small_is_named_and_rules_out_even() -> None:
    groups = {**known(0.001, a=0.90, b=0.90), "VI": None}
    found = verdict(groups, margin=0.05)
    assert found.outcome == "insufficient evidence"
    assert found.not_assessable == ("VI",)
    assert found.undecided == ()


def test_a_registered_group_that_is_too_small_does_not_hide_a_gap_elsewhere() -> None:
    assert verdict({**known(0.001, a=0.90, b=0.80), "VI": None}, margin=0.05).outcome == "uneven"


def test_the_correction_is_for_the_registered_groups() -> None:
    gap = 2.2 * 0.03 * math.sqrt(2)
    pair = known(0.03, a=0.9, b=0.9 - gap)
    assert verdict(pair, margin=0.05).outcome == "uneven"
    small = dict.fromkeys(["III", "IV", "V", "VI"])
    assert verdict({**pair, **small}, margin=0.05).outcome == "insufficient evidence"


@pytest.mark.parametrize("groups", [{}, known(0.01, a=0.9), {**known(0.01, a=0.9), "VI": None}])
def test_fewer_than_two_groups_are_no_evidence(groups: dict[str, Figure | None]) -> None:
    found = verdict(groups, margin=0.05)
    assert (found.outcome, found.largest) == ("insufficient evidence", None)


@pytest.mark.parametrize(("margin", "alpha"), [(0.0, 0.05), (1.0, 0.05), (math.nan, 0.05), (0.05, 0.0)])
def test_a_margin_or_error_rate_that_means_nothing_is_refused(margin: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        verdict(known(0.01, a=0.9, b=0.9), margin, alpha)


def test_all_metrics_must_be_even_and_one_uneven_is_enough() -> None:
    even, uneven = (verdict(known(0.001, a=0.9, b=b), margin=0.05) for b in (0.9, 0.8))
    lacking = verdict({}, margin=0.05)
    assert len(DECIDING_METRICS) == 3
    assert together([even, even, even]) == "even"
    assert together([even, lacking, uneven]) == "uneven"
    assert together([even, lacking]) == "insufficient evidence"
    assert together([]) == "insufficient evidence"


def test_nightly_critical_values_are_those_of_the_formula() -> None:
    q = 7.0
    uneven, even = nightly_uneven(0.0025 / q, 0.05, 6, 0.05), nightly_even(0.0025 / q, 0.05)
    assert uneven == pytest.approx(math.sqrt((1 + 1 / q) * (2 * math.log(30 / 0.1) + math.log(1 + q))))
    assert even == pytest.approx(math.sqrt((1 + 1 / q) * (2 * math.log(10) + math.log(1 + q))))
    assert (round(uneven, 1), round(even, 1)) == (3.9, 2.8)


@pytest.mark.parametrize(
    ("variance", "margin", "k"), [(0, 0.05, 6), (0.1, 0, 6), (math.nan, 0.05, 6), (1, 1, 1)]
)
def test_nights_without_variance_margin_or_pairs_are_refused(variance: float, margin: float, k: int) -> None:
    with pytest.raises(ValueError, match=r"above 0|no pair"):
        nightly_uneven(variance, margin, k, 0.05)


def test_nightly_limits_ask_for_more_than_a_single_look() -> None:
    groups = known(0.01, a=0.90, b=0.855)
    assert verdict(known(0.01, a=0.90, b=0.85 - 1e-6), margin=0.05).outcome == "uneven"
    assert verdict(groups, margin=0.04, nightly=True).outcome == "uneven"
    assert verdict(known(0.013, a=0.90, b=0.85), margin=0.04).outcome == "uneven"
    assert verdict(known(0.013, a=0.90, b=0.85), margin=0.04, nightly=True).outcome == "insufficient evidence"
    assert verdict(known(0.012, a=0.90, b=0.90), margin=0.05).outcome == "even"
    assert verdict(known(0.012, a=0.90, b=0.88), margin=0.06, nightly=True).outcome == "insufficient evidence"


def outcomes(found: list[Verdict]) -> dict[str, float]:
    return {name: sum(one.outcome == name for one in found) / len(found) for name in ("even", "uneven")}


def areas(random: np.random.Generator, means: list[float], m: int, n: int) -> dict[str, Area]:
    labels = np.repeat([1, 0], [m, n])
    return shrink(
        {str(at): area_components(random.normal(labels * mean), labels) for at, mean in enumerate(means)}
    )


def test_six_equal_small_groups_raise_a_false_alarm_in_at_most_5_of_100_audits() -> None:
    random = np.random.default_rng(11)
    found = [verdict(areas(random, [1.9] * 6, 30, 90), margin=0.01) for _ in range(200)]
    assert outcomes(found)["uneven"] <= 0.08


def test_groups_that_differ_by_the_margin_are_called_even_in_at_most_5_of_100_audits() -> None:
    random = np.random.default_rng(12)
    found = [
        verdict({"a": Rate(int(random.binomial(2_000, 0.9)), 2_000), "b": Rate(1_700, 2_000)}, margin=0.05)
        for _ in range(400)
    ]
    assert outcomes(found)["even"] <= 0.08


def test_a_gap_of_twice_the_margin_is_found_with_the_reference_number_of_cases() -> None:
    """Sensitivity .90 and .80, 364 positives per group, six groups: about 95 of 100."""
    random = np.random.default_rng(13)
    found = []
    for _ in range(200):
        hits = random.binomial(364, [0.90, 0.90, 0.90, 0.90, 0.90, 0.80])
        found.append(verdict({str(at): Rate(int(x), 364) for at, x in enumerate(hits)}, margin=0.05))
    assert outcomes(found)["uneven"] >= 0.9


def test_a_year_of_nights_raises_fewer_false_alarms_than_one_repeated_look() -> None:
    random = np.random.default_rng(14)
    nightly = repeated = 0
    for _ in range(100):
        hits = random.binomial(40, 0.9, size=(30, 3)).cumsum(axis=0)
        nights = [
            {str(at): Rate(int(x), 40 * night) for at, x in enumerate(row)}
            for night, row in enumerate(hits, start=1)
        ]
        nightly += any(verdict(one, margin=0.02, nightly=True).outcome == "uneven" for one in nights)
        repeated += any(verdict(one, margin=0.02).outcome == "uneven" for one in nights)
    assert nightly <= 5
    assert repeated >= 10


def test_a_pair_tells_on_which_side_of_zero_and_margin_it_lies() -> None:
    pair = Pair("a", "b", 0.06, 0.01, 0.11)
    assert pair.excludes_zero()
    assert not pair.beyond(0.05)
    assert not pair.within(0.05)
    assert Pair("a", "b", 0.0, -0.05, 0.01).within(0.05) is False
