"""From logits to score and flag."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evenscreen.pipeline.decide import Decision, decide
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import (
    Calibration,
    Interval,
    Lineage,
    Manifest,
    OperatingPoint,
    Preprocessing,
)
from evenscreen.schemas.reasons import Modality

LIMITS = Interval(value=0.9, low=0.8, high=0.95, method="wilson")


def manifest(temperature: float = 1.0, threshold: int = 5_000) -> Manifest:
    return Manifest(
        name="test",
        sha256="0" * 64,
        parameters=1,
        preprocessing=Preprocessing(height=8, width=8),
        labels=("BCC", "NV", "MEL"),
        malignant=("BCC", "MEL"),
        calibration=Calibration(temperature=temperature, split="val"),
        operating_point=OperatingPoint(
            threshold=threshold, target_sensitivity=0.9, sensitivity=LIMITS, specificity=LIMITS, split="val"
        ),
        intended_modality=Modality.DERMOSCOPY,
        intended_use="tests",
        lineage=Lineage(
            parent_sha256=None,
            recipe="",
            recipe_sha256="",
            data="",
            data_sha256="",
            data_licence="",
            seed=0,
            versions={},
        ),
        results=(),
        latency=(),
    )


def logits(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_the_score_sums_the_malignant_labels() -> None:
    (decision,) = decide(logits([np.log(2), np.log(5), np.log(3)]), manifest())
    assert decision.score == 5_000
    assert decision.probabilities == pytest.approx((0.2, 0.5, 0.3))


def test_a_score_at_the_threshold_is_flagged() -> None:
    row = logits([np.log(2), np.log(5), np.log(3)])
    assert decide(row, manifest(threshold=5_000))[0].flagged
    assert not decide(row, manifest(threshold=5_001))[0].flagged


def test_a_higher_temperature_is_less_certain() -> None:
    row = logits([4, 0, 0])
    assert decide(row, manifest(temperature=4))[0].score < decide(row, manifest(temperature=1))[0].score


@given(arrays.arrays(np.float32, (3, 3), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_any_finite_logits_give_a_score_in_range(rows: np.ndarray) -> None:
    for decision in decide(rows, manifest(temperature=0.05)):
        assert 0 <= decision.score <= 10_000
        assert sum(decision.probabilities) == pytest.approx(1)


def test_no_images_give_no_decisions() -> None:
    assert decide(np.empty((0, 3), np.float32), manifest()) == []


def test_decisions_do_not_depend_on_the_batch() -> None:
    rows = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    alone = [decide(row[None], manifest())[0] for row in rows]
    assert decide(rows, manifest()) == alone
    assert isinstance(alone[0], Decision)


@pytest.mark.parametrize("rows", [logits([np.nan, 0, 0]), logits([0, np.inf, 0]), logits([0, 0])])
def test_a_broken_model_stops_the_worker(rows: np.ndarray) -> None:
    with pytest.raises(Fatal):
        decide(rows, manifest())
