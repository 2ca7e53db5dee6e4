"""Whether two audits of the same question say the same, and one on record what it said."""

import math
from collections.abc import Iterator
from typing import Any

from evenscreen.pipeline.audit.completeness import completeness
from evenscreen.pipeline.audit.keep import OnRecord
from evenscreen.pipeline.audit.result import Audit, conclude

TOLERANCE = 1e-9
OF_TODAY = {"completeness", "conclusion", "code_version", "plans_followed"}
"""The ledger counts what is there now; what was missing then may have come since, as may other plans.
`contradictions` holds the conclusion against the ledger of then. Imports are compared: they know `as_of`."""
OF_ITS_CODE = {"input_sha256"}
"""Other code may compute verdicts from other figures; each of these is compared by itself."""


UNSAID = "incomplete"
"""An outcome that waited for images: what it is now follows from pairs and figures, which are compared."""


def contradictions(on_record: OnRecord) -> list[str]:
    """What of an audit on record cannot have been stored so: nothing, unless somebody changed it.

    Columns repeat the audit; completeness follows from its ledger; the conclusion from both.
    """
    found = on_record.audit
    own = {"conclusion": found.conclusion} | found.subject.model_dump(
        include={"threshold", "code_version", "input_sha256"}
    )
    wrong = [f"column {name}" for name, value in own.items() if on_record.columns[name] != value]
    told = found.completeness
    counted = completeness(told.ledger, found.subject.until)
    if counted.complete != told.complete:
        wrong.append("completeness")
    if conclude(found.judgements[0].outcome, counted.complete) != found.conclusion:
        wrong.append("conclusion")
    return wrong


def differing(one: Audit, other: Audit) -> list[str]:
    """The places, as `judgements.0.verdicts.2.margin`, where the two differ by more than rounding."""
    same_code = one.subject.code_version == other.subject.code_version
    left_out = OF_TODAY if same_code else OF_TODAY | OF_ITS_CODE
    return [
        *_differing(_imports(one), _imports(other), "completeness", left_out),
        *_differing(one.model_dump(mode="json"), other.model_dump(mode="json"), "", left_out),
    ]


def _imports(found: Audit) -> Any:
    return found.completeness.model_dump(mode="json", include={"unfinished_imports"})


def _differing(one: Any, other: Any, place: str, left_out: set[str]) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted((one.keys() | other.keys()) - left_out):
            yield from _differing(one.get(name), other.get(name), f"{place}.{name}".lstrip("."), left_out)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differing(mine, theirs, f"{place}.{index}", left_out)
    elif isinstance(one, float) or isinstance(other, float):
        if one is None or other is None or not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield place
    elif one != other and UNSAID not in (one, other):
        yield place
