"""What the simulation judges is what the evidence package says of the same cases."""

from dataclasses import astuple

import numpy as np
import pytest

from evenscreen.pipeline.audit.group_figures import GroupFigures

from ...simulations.columns import Columns
from ...simulations.draws import MEAN, PREVALENCE, THRESHOLD, Cases, Truth, draw


def columns(audits: list[Cases], images: int) -> Columns:
    scores = np.array([one.scores for one in audits])
    positive = np.array([one.labels == 1 for one in audits])
    odds = MEAN * scores - MEAN**2 / 2 + np.log(PREVALENCE / (1 - PREVALENCE))
    return Columns(scores, positive, scores >= THRESHOLD, positive - 1 / (1 + np.exp(-odds)), images)


def drawn(images: int, cases: tuple[int, int], audits: int = 5) -> list[Cases]:
    random = np.random.default_rng(images)
    return [draw(random, *cases, Truth(negatives=-0.3), images, 0.6) for _ in range(audits)]


def assert_alike(one: GroupFigures, other: GroupFigures) -> None:
    for figure, expected in zip(astuple(one)[:4], astuple(other)[:4], strict=True):
        assert figure == pytest.approx(expected, abs=1e-12, rel=1e-10)


@pytest.mark.parametrize(("images", "cases"), [(1, (30, 300)), (3, (100, 401)), (5, (7, 9)), (4, (60, 3))])
def test_columns_hold_the_figures_of_the_evidence_package(images: int, cases: tuple[int, int]) -> None:
    audits = drawn(images, cases)
    for figures, one in zip(columns(audits, images).figures(), audits, strict=True):
        assert_alike(figures, one.figures())


def test_figures_of_every_night_are_those_of_the_cases_until_then() -> None:
    audits = drawn(2, (40, 161))
    nights = [20, 21, 21, 64, 150, 201]
    for night, found in zip(nights, columns(audits, 2).growing(nights), strict=True):
        for figures, one in zip(found, audits, strict=True):
            assert_alike(figures, one.first(night).figures())


def test_cases_of_a_single_patient_have_no_figure_that_varies_between_patients() -> None:
    audits = [Cases(np.array([3.0, -1.0]), np.array([1, 1]), np.array([0, 0]))]
    (night,) = columns(audits, 2).growing([2])
    assert night == [GroupFigures()]
