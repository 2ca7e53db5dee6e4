"""Tukey against scipy, Holm against statsmodels, both against the figures that the procedure prints."""

import gc
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenscreen.pipeline.evidence.multiplicity import holm, p_above, tukey_critical, z


@pytest.mark.parametrize("k", range(2, 10))
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 3, 0.0125, 0.0125 / 3])
def test_tukey_equals_the_studentized_range_of_scipy(k: int, alpha: float) -> None:
    stats = pytest.importorskip("scipy.stats", reason="the oracle: pip install 'evenscreen[train]'")
    oracle = stats.studentized_range.ppf(1 - alpha, k, math.inf) / math.sqrt(2)
    assert tukey_critical(k, alpha) == pytest.approx(oracle, abs=1e-9)


def test_tukey_gives_the_published_critical_values() -> None:
    assert [round(tukey_critical(k, 0.05), 3) for k in range(2, 7)] == [1.960, 2.344, 2.569, 2.728, 2.850]
    assert round(tukey_critical(6, 0.05 / 3), 3) == 3.211
    assert round(tukey_critical(3, 0.05 / 3), 3) == 2.745
    assert round(z(0.95), 3) == 1.645


@pytest.mark.parametrize(("k", "alpha"), [(1, 0.05), (3, 0.0), (3, 1.0)])
def test_tukey_refuses_what_has_no_pairs_or_no_error_rate(k: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="critical"):
        tukey_critical(k, alpha)


@pytest.fixture(scope="module")
def multitest() -> Iterator[Any]:
    """statsmodels' module, which collects garbage at each call: what exists already is not looked at."""
    found = pytest.importorskip(
        "statsmodels.stats.multitest", reason="the oracle: pip install 'evenscreen[dev]'"
    )
    gc.freeze()
    yield found
    gc.unfreeze()


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_equals_statsmodels(multitest: Any, p_values: list[float]) -> None:
    oracle = multitest.multipletests(p_values, method="holm")[1]
    ours = holm({str(at): p for at, p in enumerate(p_values)})
    assert list(ours) == [str(at) for at in range(len(p_values))]
    assert list(ours.values()) == pytest.approx(oracle.tolist(), abs=1e-12)


def test_holm_refuses_what_is_no_probability() -> None:
    with pytest.raises(ValueError, match="p-value"):
        holm({"I": math.nan})
    assert holm({}) == {}


def test_far_tails_do_not_round_to_nothing() -> None:
    assert p_above(1.959963984540054) == pytest.approx(0.025, abs=1e-12)
    assert p_above(30) == pytest.approx(4.906713927148187e-198, rel=1e-6)
