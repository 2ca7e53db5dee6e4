"""One audit: completeness first, then figures from SQL, then verdicts.

Step 1  complete   is every image of the window in the figures? which imports not? completeness.py
Step 2  figures    one row per group, counted and ranked by the database           figures.py
                   weighted, where outcomes came of random draws                   sampled.py
Step 3  judge      every pair of groups, every registered group                    judge.py
Step 4  verified   could missing outcomes hide a gap?                              verification.py
Step 5  conclude   one word for the whole                                          result.py
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, TextClause, text

from evenscreen.pipeline.audit.beside import Beside
from evenscreen.pipeline.audit.code_version import code_version
from evenscreen.pipeline.audit.completeness import counted, now, qualified
from evenscreen.pipeline.audit.curves import curves, lines, other_lines
from evenscreen.pipeline.audit.described import described, description_rows
from evenscreen.pipeline.audit.figures import Question, Row, component_rows, figures, in_order, recent_rows
from evenscreen.pipeline.audit.judge import explore, judge
from evenscreen.pipeline.audit.judgement import judgement
from evenscreen.pipeline.audit.plan import Grouping, Plan
from evenscreen.pipeline.audit.registration import Registration
from evenscreen.pipeline.audit.result import (
    Audit,
    ReferenceStandard,
    Subject,
    conclude,
)
from evenscreen.pipeline.audit.sampled import (
    SampledGroup,
    sampled_bounds,
    sampled_groups,
    summaries,
    weighted_figures,
)
from evenscreen.pipeline.audit.verification import agreement, bounds, by_group, corrected
from evenscreen.pipeline.audit.window import Window

SCORES = text("SELECT * FROM audit.weighted_scores(:since, :until, :as_of, :model, :dimension, :source)")
STANDARDS = text(
    "SELECT * FROM audit.reference_standards(:since, :until, :as_of, :model, :dimension, :source)"
)


def audit(
    connection: Connection,
    second: Beside,
    question: Question,
    asked: Window,
    threshold: int,
    plan: Plan,
    known: Registration,
) -> Audit:
    """The audit of `question` by `plan`; reads only, and reads the same whenever it is asked again.

    `asked` says what kind of window it is, `known` since when the plan decides. `second` reads what sums
    answer while `connection` reads the rows: of a large audit, half the time each.
    """
    kind = asked.kind
    both: tuple[Grouping, Grouping] = (
        ("fst_group", "fst") if plan.primary == "fst_group" else ("fst", "fst_group")
    )
    reported = second.submit(_asked, STANDARDS, question, plan.primary)
    rows_described = second.submit(description_rows, question)
    scored = second.submit(_asked, SCORES, question, plan.primary)
    others = {name: second.submit(other_lines, question, name) for name in ("all", both[1])}
    lately = second.submit(recent_rows, question)
    complete = counted(connection, question.since, question.until, question.as_of)
    counted_at = now(connection)
    rows, recent = component_rows(connection, question), lately.result()
    groups = {grouping: figures(rows[grouping], recent[grouping]) for grouping in both}
    standards = tuple(ReferenceStandard.model_validate(row) for row in reported.result())
    draws: dict[Grouping, dict[str, SampledGroup]] = {}
    if any(one.drawn for one in standards):
        draws = {grouping: sampled_groups(connection, question, grouping) for grouping in both}
        groups = {grouping: weighted_figures(groups[grouping], draws[grouping]) for grouping in both}
    description = described(rows_described.result(), rows)
    completeness = qualified(complete, description.get("all", ()), question.as_of, counted_at)
    scores = by_group(scored.result())
    weighted = corrected(scores)
    sampled = {grouping: summaries(draws.get(grouping, {})) for grouping in both}
    reach = {
        grouping: sampled_bounds(sampled[grouping], groups[grouping])
        if sampled[grouping]
        else bounds(description[grouping], weighted if grouping == plan.primary else ())
        for grouping in both
    }
    verified = {grouping: agreement(reach[grouping], plan.margins) for grouping in both}
    judgements = tuple(
        judgement(
            explore(groups[grouping], grouping, plan)
            if kind == "exploratory"
            else judge(groups[grouping], grouping, plan, nightly=kind == "nightly"),
            grouping,
            kind,
            verified=verified[grouping],
            complete=completeness.complete,
        )
        for grouping in both
    )
    return Audit(
        subject=Subject(
            model_version=question.model,
            threshold=threshold,
            kind=kind,
            since=question.since,
            until=question.until,
            as_of=question.as_of,
            because=asked.because,
            plan=plan,
            plan_version=plan.version,
            plan_registered_at=known.at,
            plans_followed=known.plans,
            code_version=code_version(),
            input_sha256=_checksum(
                rows
                | {f"drawn {name}": _drawn_rows(found) for name, found in draws.items()}
                | {f"bounds {name}": [one._asdict() for one in found] for name, found in reach.items()}
            ),
        ),
        completeness=completeness,
        conclusion=conclude(judgements[0].outcome, completeness.complete),
        judgements=judgements,
        verified=bool(judgements[0].verified),
        corrected=weighted,
        sampled=sampled[plan.primary],
        reference_standards=standards,
        calibration_lines={name: found.result() for name, found in others.items()} | {both[0]: lines(scores)},
        description=description,
        curves=curves(scores),
    )


def _asked(
    connection: Connection, statement: TextClause, question: Question, grouping: Grouping
) -> list[dict[str, Any]]:
    """In the order and by the names of the plan."""
    asked = vars(question) | {"dimension": grouping}
    return in_order([dict(row) for row in connection.execute(statement, asked).mappings()], grouping)


def _drawn_rows(groups: dict[str, SampledGroup]) -> list[Row]:
    found = [[*one.strata.values(), *([one.components] if one.components else [])] for one in groups.values()]
    return [row for rows in found for row in rows]


def _checksum(rows: Mapping[str, list[Row]]) -> str:
    """Over what the verdicts are computed from, floats to twelve digits."""
    return hashlib.sha256(json.dumps(_rounded(rows), sort_keys=True, default=str).encode()).hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return f"{value:.12g}" if isinstance(value, float) else value
