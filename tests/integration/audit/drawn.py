"""Random and adversarial cases, and the groups that an audit puts them in, counted without the database."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from .conftest import Ask
from .rows import SINCE, THRESHOLD, UNTIL, Case

SLOW = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a smaller example would take minutes here
)


def close(found: float | None, expected: float | None) -> bool:
    if expected is None or np.isnan(expected):
        return found is None
    return found == pytest.approx(expected, abs=1e-9, rel=1e-9)


@st.composite
def tables(draw: st.DrawFn) -> list[Case]:
    """Cases with ties, one class, one row, equal and extreme scores; patients with several images or none."""
    score = draw(
        st.sampled_from(
            [
                st.integers(0, 10_000),
                st.integers(4_998, 5_001),
                st.just(7),
                st.sampled_from([0, 1, 666, 667, 2_000, 9_999, 10_000]),
            ]
        )
    )
    outcome = draw(
        st.sampled_from([st.booleans(), st.just(True), st.just(False), st.sampled_from([True, False, None])])
    )
    case = st.builds(
        Case,
        score=st.one_of(score, score, score, st.none()),
        malignant=outcome,
        patient=st.sampled_from([None, "a", "b", "c"]),
        fst=st.sampled_from([1, 2, 5, None]),
        fst_source=st.sampled_from(["reported", "reported", "estimated"]),
        site=st.sampled_from(["north", "south", None]),
        modality=st.sampled_from(["dermoscopy", "clinical", "smartphone"]),
        age=st.sampled_from([None, 0, 17, 18, 79, 80]),
        sex=st.sampled_from(["female", "male", None]),
        body_site=st.sampled_from(["back", "hand", None]),
        device=st.sampled_from(["camera", "telephone", None]),
        reason=st.sampled_from(["not_an_image", "too_small"]),
        latency_s=st.sampled_from([0.25, 2.0, 2.0, 70.5]),
        verification_reason=st.sampled_from(["unknown", "flagged", "clinical", "routine"]),
    )
    return draw(st.lists(case, min_size=1, max_size=60))


SEPARATED = [
    Case(9000, True, patient="a", age=0),
    Case(9000, True, age=0),
    Case(10, False, patient="a", age=0),
    Case(10, False, age=0),
]


class Group:
    """The rows of one group as the statistics of this package take them."""

    def __init__(self, cases: list[tuple[int, Case]]) -> None:
        screened = [(n, case) for n, case in cases if case.ended == "screened"]
        self.all, self.screened = cases, screened
        self.known = [(n, case) for n, case in screened if case.malignant is not None]
        self.scores = np.array([case.score for _, case in self.known])
        self.outcomes = np.array([int(bool(case.malignant)) for _, case in self.known])
        self.flags = self.scores >= THRESHOLD

    @staticmethod
    def patients(cases: list[tuple[int, Case]]) -> np.ndarray:
        return np.array([case.patient or f"image {n}" for n, case in cases])

    @property
    def both(self) -> bool:
        return len(set(self.outcomes.tolist())) == 2


def groups(cases: list[Case], of: Callable[[Case], Any]) -> dict[Any, Group]:
    values: dict[Any, list[tuple[int, Case]]] = {}
    for n, case in enumerate(cases):
        values.setdefault(of(case), []).append((n, case))
    return {value: Group(rows) for value, rows in values.items()}


DIMENSIONS: dict[str, Callable[[Case], Any]] = {
    "all": lambda _: "all",
    "fst": lambda case: str(case.fst),
    "fst_group": lambda case: {1: "I–II", 2: "I–II", 5: "V–VI"}[case.fst or 0],
    "fst_source": lambda case: "unknown" if case.fst is None else case.fst_source,
    "site": lambda case: case.site,
    "modality": lambda case: case.modality,
    "age_band": lambda case: {None: None, 0: "0–17", 17: "0–17", 18: "18–39", 79: "60–79", 80: "80+"}[
        case.age
    ],
    "sex": lambda case: case.sex,
    "body_site": lambda case: case.body_site,
    "device": lambda case: case.device,
}


def in_question(cases: list[Case], dimension: str) -> list[Case]:
    """Skin types that nobody reported are in no group of skin types; every image is in one of the others."""
    if dimension not in ("fst", "fst_group"):
        return cases
    return [case for case in cases if case.fst is not None and case.fst_source == "reported"]


def asked(ask: Ask, function: str, model: str, as_of: datetime, dimension: str) -> dict[Any, dict[str, Any]]:
    found = ask(function, since=SINCE, until=UNTIL, as_of=as_of, model=model, dimension=dimension)
    return {row["group_value"]: row for row in found}
