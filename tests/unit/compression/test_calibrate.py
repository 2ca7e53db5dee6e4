"""Temperature and threshold, each where the right answer is known."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from hypothesis import given
from hypothesis import strategies as st

from evenscreen.compression.calibrate import operating_point, temperature


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    random = np.random.default_rng(11)
    logits = random.normal(0, 4, (20_000, 3)).astype(np.float32)
    noise = random.gumbel(size=logits.shape)
    labels = (logits / true + noise).argmax(1)
    assert temperature(logits, labels, "val").temperature == pytest.approx(true, rel=0.05)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), min_size=2).filter(
        lambda rows: len({malignant for _, malignant in rows}) == 2
    )
)
def test_the_threshold_is_the_highest_that_reaches_the_target(rows: list[tuple[int, bool]]) -> None:
    scores, malignant = np.array([score for score, _ in rows]), np.array([flag for _, flag in rows])
    point = operating_point(scores, malignant, 0.9, "val")
    assert (scores[malignant] >= point.threshold).mean() >= 0.9
    assert (scores[malignant] >= point.threshold + 1).mean() < 0.9
    assert point.sensitivity.value == (scores[malignant] >= point.threshold).mean()
