"""AUROCs of patients with several images against the published ones of two readers of arteries."""

import math

import numpy as np
import pytest

from evenscreen.pipeline.evidence.auroc import area_components
from evenscreen.pipeline.evidence.paired import paired_difference

from ...published.arteries import (
    ALL,
    AREAS,
    DIFFERENCE,
    ERROR_OF_DIFFERENCE,
    ERRORS,
    FIRST,
    NEGATIVES,
    PATIENTS,
    POSITIVES,
    S01,
    S01_BOTH,
    S10,
    S10_BOTH,
    S11,
    S11_BOTH,
    S11_TURNED,
    SECOND,
    STENOSED,
    WITH_NEGATIVE,
    WITH_POSITIVE,
    as_published,
    with_one_factor,
)
from .naive import patients_products, wins


@pytest.mark.parametrize(("reader", "scores"), [(0, FIRST), (1, SECOND)], ids=["first", "second"])
def test_area_and_its_clustered_variance_are_the_published_ones(reader: int, scores: np.ndarray) -> None:
    printed = S10[reader], S01[reader], S11[reader]
    ours = area_components(scores, STENOSED, PATIENTS)
    assert (ours.positives, ours.negatives, ours.patients) == (POSITIVES, NEGATIVES, ALL)
    assert round(ours.theta, 4) == AREAS[reader]
    assert ours.variance == pytest.approx(with_one_factor(*printed), abs=1e-11)
    assert round(math.sqrt(as_published(*printed)), 4) == ERRORS[reader]
    assert math.sqrt(ours.variance) == pytest.approx(ERRORS[reader], rel=0.01)


def test_difference_of_two_readers_of_the_same_patients_varies_as_published() -> None:
    both = S10_BOTH, S01_BOTH, (S11_BOTH + S11_TURNED) / 2
    printed = [sum(parts) - 2 * part for parts, part in zip((S10, S01, S11), both, strict=True)]
    ours = paired_difference(FIRST, SECOND, STENOSED, PATIENTS)
    assert round(ours.value, 4) == DIFFERENCE
    assert ours.standard_error**2 == pytest.approx(with_one_factor(*printed), abs=1e-11)
    assert round(math.sqrt(as_published(*printed)), 4) == ERROR_OF_DIFFERENCE
    assert ours.standard_error == pytest.approx(ERROR_OF_DIFFERENCE, rel=0.01)


def test_sums_over_all_pairs_give_every_component_as_printed() -> None:
    """So the plain sums that drawn tables are held against (`naive.obuchowski`) are those of the paper."""
    psis = [wins(list(scores), list(STENOSED)) for scores in (FIRST, SECOND)]
    printed = {
        (0, 0): (S10[0], S01[0], S11[0]),
        (1, 1): (S10[1], S01[1], S11[1]),
        (0, 1): (S10_BOTH, S01_BOTH, S11_BOTH),
        (1, 0): (S10_BOTH, S01_BOTH, S11_TURNED),
    }
    for (one, other), expected in printed.items():
        xx, yy, xy = patients_products(psis[one], psis[other], list(STENOSED), list(PATIENTS))
        found = (
            WITH_POSITIVE / (WITH_POSITIVE - 1) * xx / POSITIVES,
            WITH_NEGATIVE / (WITH_NEGATIVE - 1) * yy / NEGATIVES,
            ALL / (ALL - 1) * xy,
        )
        assert found == pytest.approx(expected, abs=1e-10)
