"""Results on record: the same question asked again has the stored answer."""

import json
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question
from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.result import Audit, Kind
from evenscreen.pipeline.audit.window import EVER
from evenscreen.schemas.manifest import Manifest

REGISTER = text("""
INSERT INTO audit_plans (plan_version, name, plan, registered_at)
VALUES (:plan_version, :name, CAST(:plan AS jsonb), :registered_at)
ON CONFLICT DO NOTHING
""")
STORE = text("""
INSERT INTO audit_results (
    model_version, threshold, plan_version, kind, since, until, as_of, conclusion, code_version, input_sha256,
    result
) VALUES (
    :model_version, :threshold, :plan_version, :kind, :since, :until, :as_of, :conclusion, :code_version,
    :input_sha256, CAST(:result AS jsonb)
)
ON CONFLICT DO NOTHING
""")
STORED = text("""
SELECT result, conclusion, threshold, code_version, input_sha256 FROM audit.results
WHERE model_version = :model_version AND plan_version = :plan_version AND kind = :kind
    AND since = :since AND until = :until AND as_of = :as_of
""")
LAST = text("""
SELECT as_of FROM audit.results
WHERE model_version = :model_version AND plan_version = :plan_version
    AND CASE WHEN :whole THEN kind = 'nightly' OR since = :since ELSE kind <> 'nightly' AND since = :since END
    AND until = coalesce(:until, as_of - make_interval(days => :maturity_days))
ORDER BY as_of DESC
LIMIT 1
""")
NIGHTS = text("""
WITH nights AS (
    SELECT
        result_id, as_of, conclusion IS DISTINCT FROM lag(conclusion) OVER in_time AS is_change,
        row_number() OVER in_time AS place, count(*) OVER () AS nights
    FROM audit.results
    WHERE model_version = :model_version AND plan_version = :plan_version AND kind = 'nightly'
        AND as_of = date_trunc('day', as_of, 'UTC') AND as_of <= :as_of
    WINDOW in_time AS (ORDER BY as_of)
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY is_change ORDER BY as_of DESC) AS newest FROM nights
)
SELECT r.result || CAST(:undrawn AS jsonb)
FROM ranked AS n JOIN audit.results AS r ON r.result_id = n.result_id
WHERE (n.place - 1) % CAST(ceil(n.nights / CAST(:most AS numeric)) AS bigint) = 0 OR n.place = n.nights
    OR (n.is_change AND n.newest <= :most)
ORDER BY n.as_of
""")
UNDRAWN = json.dumps(
    {"curves": [], "calibration_lines": {}, "corrected": [], "sampled": [], "reference_standards": []}
    | {"description": {}}
)
"""Of a night, verdicts are drawn: the rest is most of it, and would fill the memory of whoever asks."""
MANIFEST = text("SELECT manifest FROM audit.models WHERE model_version = :model_version")


def store(connection: Connection, found: Audit) -> None:
    """Put an audit on record, with its plan; one that is there already stays as it is."""
    subject = found.subject
    plan = subject.plan
    connection.execute(
        REGISTER,
        {
            "plan_version": plan.version,
            "name": plan.name,
            "plan": plan.model_dump_json(),
            "registered_at": subject.plan_registered_at,
        },
    )
    rest = {"conclusion": found.conclusion, "result": found.model_dump_json()}
    connection.execute(STORE, subject.model_dump(exclude={"plan"}) | rest)


class OnRecord(NamedTuple):
    """An audit as it was stored, and what stands beside it in columns."""

    audit: Audit
    columns: dict[str, str | int]
    """conclusion, threshold, code_version, input_sha256."""


def stored(connection: Connection, question: Question, kind: Kind, plan: Plan) -> OnRecord | None:
    """The audit on record of this very question by this very plan; None when there is none."""
    asked = vars(question) | {"model_version": question.model, "plan_version": plan.version, "kind": kind}
    row = connection.execute(STORED, asked).mappings().one_or_none()
    if row is None:
        return None
    columns = dict(row)
    return OnRecord(Audit.model_validate(columns.pop("result")), columns)


def last_as_of(
    connection: Connection, model_version: str, since: datetime | None, until: datetime | None, plan: Plan
) -> datetime | None:
    """As of when the newest audit of this window was made; None when there is none."""
    asked = {
        "model_version": model_version,
        "plan_version": plan.version,
        # Where a nightly window begins, the plan decides.
        "whole": since is None and until is None,
        "since": since or EVER,
        "until": until,
        "maturity_days": plan.maturity_days,
    }
    return connection.execute(LAST, asked).scalar()


def nights(connection: Connection, found: Audit, most: int) -> list[Audit]:
    """Nights of the same model and plan up to this audit, the oldest first, without what is not drawn.

    Midnights only, whenever auditors looked. Of many, about `most` that are evenly spread, the last one, and
    the newest `most` on which the conclusion changed.
    """
    asked = found.subject.model_dump(include={"model_version", "plan_version", "as_of"})
    rows = connection.execute(NIGHTS, asked | {"most": most, "undrawn": UNDRAWN})
    return [Audit.model_validate(row) for row in rows.scalars()]


def manifest_of(connection: Connection, found: Audit) -> Manifest | None:
    """The manifest with which a worker registered the model; None when it is of another form."""
    asked = {"model_version": found.subject.model_version}
    try:
        return Manifest.model_validate(connection.execute(MANIFEST, asked).scalar_one())
    except ValidationError:
        return None
