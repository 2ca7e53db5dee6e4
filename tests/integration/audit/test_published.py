"""What the database counts of patients with several images, against published figures of such patients."""

import math
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from sqlalchemy import Engine

from ...published.arteries import (
    AREAS,
    ERRORS,
    FIRST,
    PATIENTS,
    S01,
    S10,
    S11,
    SECOND,
    STENOSED,
    with_one_factor,
)
from ...published.segments import ALARMED, CAUGHT, MISSED, SENSITIVITY, SPARED, SPECIFICITY, segments
from .conftest import Ask
from .rows import SINCE, UNTIL, Case, insert

FUNCTIONS = ("components", "skin_type_components")
"""The pass over patients by group, and the one by type and group at once, which verdicts rest on."""


def counted(ask: Ask, model: str, as_of: datetime, function: str) -> dict[str, float]:
    """The one group, of type II, that all cases are of."""
    asked = {"dimension": "fst"} if function == "components" else {}
    rows = ask(function, since=SINCE, until=UNTIL, as_of=as_of, model=model, **asked)
    (row,) = (one for one in rows if one.get("dimension", "fst") == "fst")
    return row


@pytest.mark.parametrize(("reader", "scores"), [(0, FIRST), (1, SECOND)], ids=["first", "second"])
def test_database_finds_the_published_areas_of_two_readers(
    owner: Engine, ask: Ask, now: Callable[[], datetime], reader: int, scores: np.ndarray
) -> None:
    """Scores are moved from -122..100 to 0..2,220, which leaves their order and so the area as it is."""
    arteries = zip(scores, STENOSED, PATIENTS, strict=True)
    model, _ = insert(owner, [Case(10 * (int(s) + 122), bool(y), patient=str(p)) for s, y, p in arteries])
    expected = with_one_factor(S10[reader], S01[reader], S11[reader])
    for function in FUNCTIONS:
        found = counted(ask, model, now(), function)
        assert (found["positives"], found["negatives"], found["patients"]) == (29, 36, 36)
        assert round(found["theta"], 4) == AREAS[reader]
        assert found["variance"] == pytest.approx(expected, abs=1e-11)
        assert math.sqrt(found["variance"]) == pytest.approx(ERRORS[reader], rel=0.01)


def test_database_finds_the_published_rates_of_segments(
    owner: Engine, ask: Ask, now: Callable[[], datetime]
) -> None:
    (hits, sick), (spared, well) = segments(CAUGHT, MISSED), segments(SPARED, ALARMED)
    rows = [Case(9000 if hit else 10, True, patient=str(p)) for hit, p in zip(hits, sick, strict=True)]
    rows += [Case(10 if ok else 9000, False, patient=str(p)) for ok, p in zip(spared, well, strict=True)]
    model, _ = insert(owner, rows)
    for function in FUNCTIONS:
        found = counted(ask, model, now(), function)
        for name, right, cases, published in (
            ("sensitivity", "true_positives", "positives", SENSITIVITY),
            ("specificity", "true_negatives", "negatives", SPECIFICITY),
        ):
            share = found[right] / found[cases]
            reach = 1.96 * math.sqrt(found[f"{name}_design_effect"] * share * (1 - share) / found[cases])
            limits = 100 * share, 100 * (share - reach), 100 * (share + reach)
            assert limits == pytest.approx(published, abs=1e-9)
