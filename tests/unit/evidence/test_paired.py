"""Two models on the same images, against all pairs of cases and with error rates by simulation."""

import math
import os
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given

from evenscreen.pipeline.evidence.intervals import wilson_interval
from evenscreen.pipeline.evidence.paired import PairedDifference, flips, paired_difference, paired_verdicts

from .naive import clustered, delong_covariance, tables, wins

Table = tuple[list[float], list[float], list[int], list[str]]
COMPARISONS = int(os.environ.get("EVENSCREEN_SIMULATED_AUDITS", "400"))


@given(tables())
def test_difference_equals_sums_over_all_pairs(table: Table) -> None:
    first, second, labels, patients = table
    reference, candidate = wins(first, labels), wins(second, labels)
    plain = (
        delong_covariance(candidate, candidate)
        + delong_covariance(reference, reference)
        - 2 * delong_covariance(candidate, reference)
    )
    ours = paired_difference(first, second, labels)
    assert ours.value == pytest.approx(candidate.mean() - reference.mean(), abs=1e-9)
    assert (ours.reference, ours.candidate) == pytest.approx((reference.mean(), candidate.mean()), abs=1e-9)
    assert ours.standard_error**2 == pytest.approx(plain, abs=1e-9)
    assert ours.low == pytest.approx(max(-1, ours.value - 1.6448536269514722 * ours.standard_error), abs=1e-9)
    assert ours.high == pytest.approx(min(1, ours.value + 1.6448536269514722 * ours.standard_error), abs=1e-9)
    assert (ours.n, ours.positives, ours.negatives) == (len(labels), *reference.shape)
    shared = paired_difference(first, second, labels, patients)
    larger = max(plain, clustered(candidate - reference, labels, patients))
    assert shared.standard_error**2 == pytest.approx(larger, abs=1e-9)


@given(tables())
def test_swapping_the_models_swaps_the_sign(table: Table) -> None:
    first, second, labels, patients = table
    there, back = (paired_difference(a, b, labels, patients) for a, b in ((first, second), (second, first)))
    assert (back.value, back.low, back.high) == pytest.approx(
        (-there.value, -there.high, -there.low), abs=1e-12
    )


@given(tables())
def test_a_model_is_no_different_from_itself(table: Table) -> None:
    scores, _, labels, patients = table
    ours = paired_difference(scores, scores, labels, patients)
    assert (ours.value, ours.standard_error, ours.low, ours.high) == (0, 0, 0, 0)


def sample(
    random: np.random.Generator,
    areas: tuple[float, float],
    m: int,
    n: int,
    images: int = 1,
    alike: float = 0.0,
) -> PairedDifference:
    """Two models of these AUROCs; scores of an image correlate by .9, of a patient's `images` by `alike`."""
    labels = random.permutation(np.repeat([1, 0], [m, n]))
    patients = np.arange(m + n) // images

    def noise() -> np.ndarray:
        own = math.sqrt(1 - alike) * random.normal(size=m + n)
        return own + math.sqrt(alike) * random.normal(size=patients[-1] + 1)[patients]

    image = noise()
    scores = image, 0.9 * image + math.sqrt(1 - 0.9**2) * noise()
    means = (math.sqrt(2) * NormalDist().inv_cdf(area) for area in areas)
    return paired_difference(
        *(labels * mean + x for mean, x in zip(means, scores, strict=True)), labels, patients
    )


def told(rate: str, count: int) -> None:
    """With `pytest -s`; `EVENSCREEN_SIMULATED_AUDITS=5000` gives the rates of docs/AUDIT.md."""
    print(f"{rate}: {count / COMPARISONS:.1%} of {COMPARISONS}")


def at_most(share: float) -> float:
    """As many of all comparisons as chance makes of this share, but for one case in 160."""
    return COMPARISONS * share + 2.5 * math.sqrt(COMPARISONS * share * (1 - share))


def test_equal_models_are_called_worse_somewhere_in_at_most_5_of_100_comparisons() -> None:
    random = np.random.default_rng(31)
    false_alarms = 0
    for _ in range(COMPARISONS):
        groups = {str(at): sample(random, (0.91, 0.91), 100, 100) for at in range(6)}
        false_alarms += "worse" in paired_verdicts(groups, margin=0.005).values()
    told("six equal groups, worse in any", false_alarms)
    assert false_alarms <= at_most(0.05)


@pytest.mark.parametrize(
    ("m", "n", "area", "images", "alike", "share"),
    [
        (30, 30, 0.91, 1, 0.0, 0.08),
        (30, 300, 0.91, 1, 0.0, 0.088),
        (100, 400, 0.91, 1, 0.0, 0.065),
        (300, 3000, 0.91, 1, 0.0, 0.059),
        (30, 30, 0.97, 1, 0.0, 0.111),
        (100, 400, 0.97, 1, 0.0, 0.076),
        (300, 3000, 0.97, 1, 0.0, 0.067),
        (100, 1000, 0.91, 5, 0.8, 0.078),
    ],
)
def test_a_loss_of_the_whole_margin_is_seldom_called_no_worse(
    m: int, n: int, area: float, images: int, alike: float, share: float
) -> None:
    """Nominal are 5 %; the normal bound is too kind to small groups of a good model. `share`: of 5,000."""
    random = np.random.default_rng(32)
    found = (sample(random, (area, area - 0.05), m, n, images, alike) for _ in range(COMPARISONS))
    passed = sum(paired_verdicts({"all": one}, margin=0.05)["all"] == "no worse" for one in found)
    told(f"{m}/{n} at {area}, {images} images", passed)
    assert 0 < passed <= at_most(share)


def test_no_loss_is_seen_and_a_loss_of_twice_the_margin_is_proven() -> None:
    random = np.random.default_rng(33)
    for _ in range(20):
        groups = {
            "I-II": sample(random, (0.91, 0.91), 400, 400),
            "V-VI": sample(random, (0.91, 0.81), 400, 400),
        }
        assert paired_verdicts(groups, margin=0.05) == {"I-II": "no worse", "V-VI": "worse"}


def given_difference(
    value: float, error: float, positives: int = 100, negatives: int = 100
) -> PairedDifference:
    reach = 1.6448536 * error
    bounds = (value - reach, value + reach)
    return PairedDifference(
        0.9, 0.9 + value, value, error, *bounds, positives + negatives, positives, negatives
    )


def test_a_small_group_is_never_decided_however_clear_it_looks() -> None:
    groups = {
        "V": given_difference(0.0, 0.0, positives=29),
        "VI": given_difference(-0.5, 0.01, negatives=29),
        "IV": None,
    }
    assert set(paired_verdicts(groups, margin=0.05).values()) == {"insufficient evidence"}


def test_wide_intervals_earn_no_pass() -> None:
    assert paired_verdicts({"VI": given_difference(0.0, 0.05)}, 0.05) == {"VI": "insufficient evidence"}


def test_a_certain_loss_within_the_margin_is_no_worse() -> None:
    assert paired_verdicts({"I": given_difference(-0.01, 0.001)}, 0.05) == {"I": "no worse"}


def test_worse_is_corrected_for_the_number_of_groups_assessed() -> None:
    loss = given_difference(-0.08, 0.08 / 2.0)
    assert paired_verdicts({"VI": loss}, 0.05)["VI"] == "worse"
    others = {name: given_difference(0.0, 0.001) for name in "abcde"}
    assert paired_verdicts({"VI": loss, **others}, 0.05)["VI"] == "insufficient evidence"
    absent: dict[str, PairedDifference | None] = dict.fromkeys("abcde")
    assert paired_verdicts({"VI": loss, **absent}, 0.05)["VI"] == "worse"


def test_a_loss_without_variance_is_a_loss() -> None:
    labels = np.repeat([0, 1], 40)
    lost = paired_difference(labels, np.zeros(80), labels)
    assert (lost.value, lost.standard_error) == (-0.5, 0)
    assert paired_verdicts({"all": lost}, 0.05) == {"all": "worse"}
    assert paired_verdicts({"all": paired_difference(labels, labels, labels)}, 0.05) == {"all": "no worse"}


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, math.nan])
def test_a_margin_that_means_nothing_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        paired_verdicts({}, margin)


@pytest.mark.parametrize(
    ("first", "second", "labels", "clusters", "says"),
    [
        ([1.0], [1.0], [1], None, "two of each"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0, 0, 0], None, "two of each"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, math.nan, 4.0], [0, 0, 1, 1], None, "not finite"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0], [0, 0, 1, 1], None, "one length"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], ["a"], "one length"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(
    first: list[float], second: list[float], labels: list[int], clusters: list[str] | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        paired_difference(first, second, labels, clusters)


def test_flips_name_the_positives_that_are_newly_missed() -> None:
    before, after, labels = [1, 1, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0, 1], [1, 1, 0, 1, 1, 1, 0]
    found = flips(before, after, labels)
    assert (found.n, found.flips) == (7, 5)
    assert found.share == wilson_interval(5, 7)
    assert found.newly_missed == (1, 5)
    assert found.newly_caught == (3,)


@pytest.mark.parametrize(
    ("before", "after", "labels"), [([], [], []), ([1], [1, 0], [1, 0]), ([1, 0], [1, 2], [1, 0])]
)
def test_flips_of_nothing_or_of_other_rows_are_refused(before: list, after: list, labels: list) -> None:
    with pytest.raises(ValueError, match=r"vectors|proportion"):
        flips(before, after, labels)
