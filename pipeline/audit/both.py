"""The images that two models screened, as columns: 25 bytes an image, however many there are."""

from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question
from evenscreen.pipeline.audit.plan import GROUPS

AT_ONCE = 20_000
"""Rows that the driver holds at a time."""
WHOLE = text("SELECT set_config('cursor_tuple_fraction', '1', true)")
"""All rows are wanted, not the first ones soon."""
NOT_ENDED, NOT_SCREENED, SCREENED = range(3)
"""How the candidate ended."""

# An image of unknown patient is a cluster of its own: negative numbers meet no patient's.
BOTH = text("""
SELECT
    one.audit_id,
    coalesce(one.patient_number, -one.audit_id),
    CASE WHEN one.fst_source = :source THEN coalesce(one.fst, 0) ELSE 0 END,
    CASE WHEN one.fst_source = :source
        THEN coalesce(array_position(CAST(:groups AS text[]), one.fst_group), 0) ELSE 0 END,
    one.malignant,
    one.score,
    one.flagged,
    CASE WHEN other.outcome IS NULL THEN 0 WHEN other.outcome = 'screened' THEN 2 ELSE 1 END,
    coalesce(other.score, 0),
    coalesce(other.flagged, false)
FROM audit.cases(:since, :until, :as_of, :model) AS one
LEFT JOIN audit.cases(:since, :until, :as_of, :other) AS other ON other.screening_id = one.screening_id
WHERE one.outcome = 'screened' AND one.malignant IS NOT NULL
""")
SCREENINGS = text("SELECT audit_id, screening_id FROM audit.records WHERE audit_id = ANY (:audit_ids)")

ROW = np.dtype(
    [
        ("audit_id", np.int64),
        ("patient", np.int64),
        ("fst", np.int8),
        ("fst_group", np.int8),
        ("malignant", np.bool_),
        ("reference", np.int16),
        ("reference_flagged", np.bool_),
        ("candidate_ended", np.int8),
        ("candidate", np.int16),
        ("candidate_flagged", np.bool_),
    ]
)
"""`fst` and `fst_group` count from 1 in the order of the plan's groups, 0 is not known."""


def both(connection: Connection, question: Question, other: str) -> npt.NDArray[np.void]:
    """Every image [n] of the question's model that has an outcome, with what `other` said of it.

    In the order of the question's terminal rows, so that sums are the same whenever they are asked for.
    """
    connection.execute(WHOLE)
    asked = vars(question) | {"other": other, "groups": list(GROUPS["fst_group"])}
    rows = connection.execute(BOTH, asked, execution_options={"stream_results": True, "yield_per": AT_ONCE})
    found = np.fromiter(map(tuple, rows), ROW)
    return found[np.argsort(found["audit_id"])]


def screenings(connection: Connection, audit_ids: npt.NDArray[np.int64]) -> dict[int, UUID]:
    """Screening ids by terminal row: what `evenscreen trace` takes."""
    found = connection.execute(SCREENINGS, {"audit_ids": audit_ids.tolist()})
    return {int(audit_id): screening_id for audit_id, screening_id in found}
