"""Random draws: right on average, honest about what they cost, and never sure of what was not seen."""

import numpy as np
import pytest

from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.pipeline.evidence.rates import Rate
from evenscreen.pipeline.evidence.sampled import SampledRate, Side, sampled_area, sampled_rate


def side(seen: int, weight: float) -> Side:
    return Side(seen, seen * weight, seen * weight**2, weight)


def test_without_weights_it_is_the_plain_rate() -> None:
    found = sampled_rate(side(90, 1.0), side(10, 1.0), 1.0)
    assert found is not None
    plain = Rate(90, 100)
    assert (found.successes, found.n) == (90, 100)
    assert found.design_effect == pytest.approx(1.0)
    assert found.limits(1.96) == pytest.approx(plain.limits(1.96))


def test_no_missed_cancer_among_200_that_stand_for_5000_is_no_proof_of_none() -> None:
    """Three quarters of a percent of 5,000 would be 37 missed beside 300 that were caught."""
    found = sampled_rate(side(300, 1.0), Side(0, 0.0, 0.0, 25.0), 1.0)
    assert found is not None
    assert found.successes == found.n
    assert found.limits(z(0.95)).low < 300 / 337
    assert not found.assessable


def test_few_heavy_images_are_not_assessable_however_many_light_ones_there_are() -> None:
    heavy = sampled_rate(side(1000, 1.0), side(10, 50.0), 1.0)
    assert heavy is not None
    assert heavy.n == 1010
    assert not heavy.assessable


def test_patients_count_as_well_as_weights() -> None:
    one, more = (sampled_rate(side(300, 1.0), side(40, 5.0), effect) for effect in (1.0, 2.5))
    assert one is not None
    assert more is not None
    assert more.design_effect == pytest.approx(2.5 * one.design_effect)


def test_an_area_of_few_effective_images_is_none() -> None:
    few = SampledRate(side(3, 1.0), side(0, 1.0))
    many = SampledRate(side(300, 1.0), side(300, 1.0))
    assert sampled_area(0.9, 0.001, 0.02, 0.02, 50, (1.5, 400.0), few, many) is None
    assert sampled_area(0.9, 0.001, 0.02, 0.02, 50, (300.0, 400.0), many, many) is not None


@pytest.mark.parametrize("probability", [0.02, 0.05, 0.1, 0.5])
def test_limits_cover_the_truth(probability: float) -> None:
    """1,000 malignant, 85 % of them flagged; all flagged and a part of the others are verified.

    The mean of the weighted shares is the truth. Of 4,000 draws those whose 5 % limit lies beyond it, and
    that a verdict could rest on, are no more than 6 %; at the critical value of three groups 0.6 %.
    """
    draw = np.random.default_rng(11)
    caught = draw.binomial(1000, 0.85, 4000)
    drawn = draw.binomial(1000 - caught, probability)
    weight = 1 / probability
    shares, wrong = [], dict.fromkeys([(c, end) for c in (1.645, 2.745) for end in ("low", "high")], 0)
    for right, missed in zip(caught.tolist(), drawn.tolist(), strict=True):
        found = sampled_rate(side(right, 1.0), Side(missed, missed * weight, missed * weight**2, weight), 1.0)
        assert found is not None
        shares.append(found.successes / found.n)
        for c in (1.645, 2.745):
            estimate = found.limits(c)
            wrong[c, "low"] += found.assessable and estimate.low > 0.85
            wrong[c, "high"] += found.assessable and estimate.high < 0.85
    assert np.mean(shares) == pytest.approx(0.85, abs=0.012)
    rates = {key: count / 4000 for key, count in wrong.items()}
    assert max(rates[1.645, "low"], rates[1.645, "high"]) <= 0.06, rates
    assert max(rates[2.745, "low"], rates[2.745, "high"]) <= 0.006, rates
