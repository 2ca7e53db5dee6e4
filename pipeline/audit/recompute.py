"""Whether two audits of the same question say the same."""

import math
from collections.abc import Iterator
from typing import Any

from evenscreen.pipeline.audit.result import Audit

TOLERANCE = 1e-9
OF_TODAY = {"completeness", "conclusion", "code_version", "plans_followed"}
"""The ledger counts what is there now; what was missing then may have come since, as may other plans."""
UNSAID = "incomplete"
"""An outcome that waited for images: what it is now follows from pairs and figures, which are compared."""


def differing(one: Audit, other: Audit) -> list[str]:
    """The places, as `judgements.0.verdicts.2.margin`, where the two differ by more than rounding."""
    return list(_differing(one.model_dump(mode="json"), other.model_dump(mode="json"), ""))


def _differing(one: Any, other: Any, place: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted((one.keys() | other.keys()) - OF_TODAY):
            yield from _differing(one.get(name), other.get(name), f"{place}.{name}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differing(mine, theirs, f"{place}.{index}")
    elif isinstance(one, float) or isinstance(other, float):
        if one is None or other is None or not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield place
    elif one != other and UNSAID not in (one, other):
        yield place
