"""Since when a plan decides: margins that were chosen after a look can be chosen until the answer pleases.

A plan is registered when an audit first follows it, and decides from that day on. The first plan of a model
decides about all that the model screened, as nobody has looked before; another one, about images stored since
its registration, as the figures of the others were known.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.plan import Plan

REGISTERED = text("""
WITH plan AS (
    SELECT coalesce(max(registered_at), :now) AS registered_at
    FROM audit.plans WHERE plan_version = :plan_version
)
SELECT
    registered_at,
    EXISTS (
        SELECT FROM audit.results AS r
        WHERE r.model_version = :model AND r.recorded_at < plan.registered_at
    ),
    1 + (
        SELECT count(DISTINCT r.plan_version) FROM audit.results AS r
        WHERE r.model_version = :model AND r.plan_version <> :plan_version
    )
FROM plan
""")


class Registration(NamedTuple):
    """`at`: when an audit first followed the plan. `after_a_look`: audits of the model were on record then.

    `plans`: how many plans audits of the model have followed so far, this one included.
    """

    at: datetime
    after_a_look: bool
    plans: int


def registration(connection: Connection, model: str, plan: Plan, now: datetime) -> Registration:
    """Of `plan` for audits of `model`; a plan that none has followed yet is registered `now`."""
    asked = {"model": model, "plan_version": plan.version, "now": now}
    return Registration(*connection.execute(REGISTERED, asked).one())
