"""Misses at the operating point: exact, one-sided, corrected for many groups."""

import numpy as np
import pytest
from scipy.stats import binomtest

from evenscreen.pipeline.evidence.misses import missing_more, p_of_no_more_misses


@pytest.mark.parametrize(("missed", "caught"), [(0, 0), (1, 0), (5, 0), (8, 3), (3, 8), (40, 22)])
def test_the_p_value_is_that_of_the_exact_binomial_test(missed: int, caught: int) -> None:
    n = missed + caught
    expected = binomtest(missed, n, 0.5, alternative="greater").pvalue if n else 1.0
    assert p_of_no_more_misses(missed, caught) == pytest.approx(expected, abs=1e-12)


def test_only_the_group_that_misses_more_is_named() -> None:
    assert missing_more({"I": (2, 3), "VI": (12, 1), "V": (0, 0)}) == ("VI",)
    assert missing_more({"I": (1, 12)}) == ()


def test_many_groups_are_corrected_for() -> None:
    assert missing_more({"one": (5, 0)}) == ("one",)
    assert missing_more({str(group): (5 if group == 0 else 0, 0) for group in range(7)}) == ()


def test_a_candidate_that_misses_no_more_is_rarely_refused() -> None:
    random = np.random.default_rng(3)
    refused = sum(
        bool(missing_more({str(group): tuple(random.multinomial(10, (0.5, 0.5))) for group in range(7)}))
        for _ in range(2_000)
    )
    assert refused / 2_000 <= 0.05


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        p_of_no_more_misses(-1, 0)
