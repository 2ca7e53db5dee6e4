"""Audits that several tests look at; drawing them takes seconds."""

from datetime import timedelta

import pytest

from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.result import Audit

from ...simulations.draws import gap
from .audits import NIGHT, PLAN, SIZES, sample

SMALL = {name: (m // 3, n // 3) for name, (m, n) in SIZES.items()}
HOSTILE = ('"><script>alert(1)</script>', "[red]ward[/] \x1b[2J\u202e", "&amp; ' {{x}}")


@pytest.fixture(scope="session")
def uneven() -> Audit:
    """Type V is detected 35 points less often."""
    return sample(SMALL, {"V": gap("sensitivity", 0.35)})


@pytest.fixture(scope="session")
def earlier() -> list[Audit]:
    """Two nights before it; on the first no two groups were assessable."""
    return [
        sample(SMALL, {"V": gap("sensitivity", 0.35)}, part=part, night=NIGHT - timedelta(days=days))
        for part, days in ((0.001, 60), (0.5, 30))
    ]


@pytest.fixture(scope="session")
def hostile() -> Audit:
    """Incomplete, partly verified, of sites whose names try to be more than names."""
    return sample(SMALL, verified=(0.9, 0.05), sites=HOSTILE, missing=41)


@pytest.fixture(scope="session")
def six() -> Audit:
    """Exploratory, by six types, the last one without a single case."""
    plan = Plan(name="six", primary="fst")
    return sample(SMALL | {"VI": (0, 0)}, plan=plan, kind="exploratory")


@pytest.fixture(scope="session")
def nobody() -> Audit:
    """Not a single image."""
    return sample({}, kind="quarter", plan=PLAN)


@pytest.fixture(scope="session")
def unverified() -> Audit:
    """Images, and no outcome at all."""
    return sample(SMALL, verified=(0.0, 0.0))
