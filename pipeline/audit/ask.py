"""From what a person asks to an audit: the one on record, or one made now."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from evenscreen.pipeline.audit.audit import audit
from evenscreen.pipeline.audit.beside import ISOLATION, beside
from evenscreen.pipeline.audit.completeness import now
from evenscreen.pipeline.audit.figures import Question
from evenscreen.pipeline.audit.keep import last_as_of, store, stored
from evenscreen.pipeline.audit.paired import TwoModels
from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.recompute import contradictions, differing
from evenscreen.pipeline.audit.registration import Registration, registration
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.settled import settled
from evenscreen.pipeline.audit.two_models import compare
from evenscreen.pipeline.audit.window import EVER, Window, mature_until, window
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.ledger import PATIENCE
from evenscreen.schemas.errors import Fatal

HASHED = text("SELECT set_config('enable_nestloop', 'off', true)")
"""Everything is read once. A database filled a moment ago has no statistics yet, and would look rows up one
by one: 32 s instead of 3 for 3,000 images."""
SETTINGS = (PATIENCE, HASHED)
UNLIKE = text("SELECT audit.unlike_sums(:since, :until, :as_of, :model)")
MODEL = text("""
SELECT model_version, threshold FROM audit.models
WHERE model_version = coalesce(:model, model_version)
ORDER BY registered_at DESC
LIMIT 1
""")


@dataclass(frozen=True)
class Asked:
    """What a person asks; None is the usual: newest model, nightly window, all that is known now."""

    plan: Plan
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None


class Release(NamedTuple):
    """A model as workers registered it."""

    model_version: str
    threshold: int


def answer(engine: Engine, asked: Asked, *, recompute: bool = False, keep: bool = True) -> Audit:
    """The audit that is asked for, on record when this returns, unless it is not to `keep`.

    Everything is read in one snapshot, on two connections of `engine`. With `recompute` one on record is
    computed again: the newest of this question where `asked` does not say as of when. Raises Fatal when
    there is no such model, the window is none, knowledge lies in the future, and with `recompute` when
    nothing is on record, rows are not what was summed of them, or what is computed again is not what is on
    record; Transient when a transaction that writes does not end.
    """
    if recompute:
        return _recomputed(engine, asked)
    as_of = settled(engine, asked.as_of)
    with transaction(engine) as connection:
        _begin(connection)
        release = _release(connection, asked.model)
        question, meant, known = _question(connection, asked, release, as_of)
        on_record = stored(connection, question, meant.kind, asked.plan)
        if on_record is not None:
            return on_record.audit
        with beside(engine, connection, SETTINGS) as second:
            found = audit(connection, second, question, meant, release.threshold, asked.plan, known)
        if keep:
            store(connection, found)
        return found


def compared(engine: Engine, asked: Asked, candidate: str, signed_by: str | None = None) -> TwoModels:
    """`candidate` against the model that is asked for, on images that both screened, if outcomes are due.

    Raises as `answer` does, and Fatal when there is nothing to compare.
    """
    as_of = settled(engine, asked.as_of)
    with transaction(engine) as connection:
        _begin(connection)
        reference, other = (_release(connection, name) for name in (asked.model, candidate))
        until = mature_until(as_of, asked.plan)
        question = Question(reference.model_version, EVER, until, as_of, asked.plan.fst_source)
        return compare(connection, question, other.model_version, asked.plan, signed_by)


def _recomputed(engine: Engine, asked: Asked) -> Audit:
    with transaction(engine) as connection:
        _begin(connection)
        release = _release(connection, asked.model)
        as_of = asked.as_of or last_as_of(
            connection, release.model_version, asked.since, asked.until, asked.plan
        )
        if as_of is None:
            raise Fatal(
                "Nothing is on record of this model, window and plan: there is nothing to compute again."
            )
        question, meant, known = _question(connection, asked, release, as_of)
        on_record = stored(connection, question, meant.kind, asked.plan)
        if on_record is None:
            raise Fatal(
                "Nothing is on record of this model, window and plan as of then: without --as-of, the newest "
                "is computed again; `SELECT as_of FROM audit.results` lists all."
            )
        if wrong := contradictions(on_record):
            raise Fatal(f"The audit on record contradicts itself ({', '.join(wrong)}): somebody changed it.")
        _hold_sums_against_rows(connection, question)
        with beside(engine, connection, SETTINGS) as second:
            found = audit(connection, second, question, meant, release.threshold, asked.plan, known)
        if places := differing(on_record.audit, found):
            raise Fatal(
                f"Computed again, the audit differs from the one on record in {len(places)} figures, first "
                f"{places[0]}. Rows that were known then have changed or gone, or the code that counts has."
            )
        return found


def _question(
    connection: Connection, asked: Asked, release: Release, as_of: datetime
) -> tuple[Question, Window, Registration]:
    known = registration(connection, release.model_version, asked.plan, now(connection))
    meant = window(asked.since, asked.until, as_of, asked.plan, known)
    question = Question(release.model_version, meant.since, meant.until, as_of, asked.plan.fst_source)
    return question, meant, known


def _hold_sums_against_rows(connection: Connection, question: Question) -> None:
    """Figures are read from sums: computed again, they would agree although the rows had been changed."""
    unlike = connection.execute(UNLIKE, vars(question)).scalar_one()
    if unlike:
        raise Fatal(
            f"{unlike} images are no longer what they were when their figures were summed: rows have changed "
            "or gone."
        )


def _begin(connection: Connection) -> None:
    for setting in (ISOLATION, *SETTINGS):
        connection.execute(setting)


def _release(connection: Connection, model: str | None) -> Release:
    row = connection.execute(MODEL, {"model": model}).one_or_none()
    if row is None:
        raise Fatal(
            "No model has screened anything yet." if model is None else "No model of this name has screened."
        )
    return Release(*row)
