"""Results on record: the same question asked again has the stored answer."""

from pydantic import ValidationError
from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.figures import Question
from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.result import Audit, Kind
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
SELECT result FROM audit.results
WHERE model_version = :model_version AND plan_version = :plan_version AND kind = :kind
    AND since = :since AND until = :until AND as_of = :as_of
""")
NIGHTS = text("""
SELECT result FROM audit.results
WHERE model_version = :model_version AND plan_version = :plan_version AND kind = 'nightly' AND as_of <= :as_of
ORDER BY as_of
""")
MANIFEST = text("SELECT manifest FROM audit.models WHERE model_version = :model_version")
BEFORE = text("""
SELECT conclusion FROM audit.results
WHERE model_version = :model_version AND plan_version = :plan_version AND kind = 'nightly' AND as_of < :as_of
ORDER BY as_of DESC
LIMIT 1
""")


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


def stored(connection: Connection, question: Question, kind: Kind, plan: Plan) -> Audit | None:
    """The audit on record of this very question by this very plan; None when there is none."""
    asked = vars(question) | {"model_version": question.model, "plan_version": plan.version, "kind": kind}
    row = connection.execute(STORED, asked).scalar()
    return None if row is None else Audit.model_validate(row)


def conclusion_before(connection: Connection, found: Audit) -> str | None:
    """What the night before this one said; None when there was none."""
    subject = found.subject
    return connection.execute(
        BEFORE,
        {
            "model_version": subject.model_version,
            "plan_version": subject.plan_version,
            "as_of": subject.as_of,
        },
    ).scalar()


def nights(connection: Connection, found: Audit) -> list[Audit]:
    """All nightly audits of the same model and plan up to this one, the oldest first."""
    asked = found.subject.model_dump(include={"model_version", "plan_version", "as_of"})
    return [Audit.model_validate(row) for row in connection.execute(NIGHTS, asked).scalars()]


def manifest_of(connection: Connection, found: Audit) -> Manifest | None:
    """The manifest with which a worker registered the model; None when it is of another form."""
    asked = {"model_version": found.subject.model_version}
    try:
        return Manifest.model_validate(connection.execute(MANIFEST, asked).scalar_one())
    except ValidationError:
        return None
