"""One audit: completeness first, then figures from SQL, then verdicts.

Step 1  complete   the ledger of the window: is every image in the figures?        ledger.py
Step 2  figures    one row per group, counted and ranked by the database           figures.py
                   weighted, where outcomes came of random draws                   sampled.py
Step 3  judge      every pair of groups, every registered group                    judge.py
Step 4  verified   could missing outcomes hide a gap?                              verification.py
Step 5  conclude   one word for the whole                                          result.py
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, TextClause, text

from evenscreen.pipeline.audit.curves import curves, lines, other_lines
from evenscreen.pipeline.audit.described import described
from evenscreen.pipeline.audit.figures import Question, Row, component_rows, figures, in_order, recent_rows
from evenscreen.pipeline.audit.judge import Judged, explore, judge, overall
from evenscreen.pipeline.audit.plan import Grouping, Plan
from evenscreen.pipeline.audit.result import (
    Audit,
    Completeness,
    Gap,
    GroupDescription,
    Interval,
    Judgement,
    Kind,
    Lacking,
    MetricVerdict,
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
from evenscreen.pipeline.audit.verification import bounds, bounds_agree, by_group, corrected
from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.pipeline.evidence.pairs import Figure, Pair
from evenscreen.pipeline.ledger import Ledger, ledger

GRACE_S = 300.0
COUNTED_LATE = timedelta(days=1)
"""A night is audited within a day; whoever looks back further is told what the ledger cannot know."""
NOW = text("SELECT statement_timestamp()")
SCORES = text("SELECT * FROM audit.weighted_scores(:since, :until, :as_of, :model, :dimension, :source)")
STANDARDS = text(
    "SELECT * FROM audit.reference_standards(:since, :until, :as_of, :model, :dimension, :source)"
)


def audit(connection: Connection, question: Question, kind: Kind, threshold: int, plan: Plan) -> Audit:
    """The audit of `question` by `plan`; reads only, and reads the same whenever it is asked again."""
    counted = ledger(connection, grace_s=GRACE_S, since=question.since, until=question.until)
    counted_at = connection.execute(NOW).scalar_one()
    both: tuple[Grouping, Grouping] = (
        ("fst_group", "fst") if plan.primary == "fst_group" else ("fst", "fst_group")
    )
    rows = component_rows(connection, question)
    groups = {
        grouping: figures(rows[grouping], recent_rows(connection, question, grouping)) for grouping in both
    }
    standards = tuple(
        ReferenceStandard.model_validate(row) for row in _asked(connection, STANDARDS, question, plan.primary)
    )
    draws: dict[Grouping, dict[str, SampledGroup]] = {}
    if any(one.drawn for one in standards):
        draws = {grouping: sampled_groups(connection, question, grouping) for grouping in both}
        groups = {grouping: weighted_figures(groups[grouping], draws[grouping]) for grouping in both}
    description = described(connection, question, rows)
    completeness = _qualified(
        _completeness(counted, question.until), description.get("all", ()), question.as_of, counted_at
    )
    scores = by_group(_asked(connection, SCORES, question, plan.primary))
    weighted, sampled = corrected(scores), summaries(draws.get(plan.primary, {}))
    verified = bounds_agree(
        sampled_bounds(sampled) if sampled else bounds(description[plan.primary], weighted), plan.margins
    )
    judgements = tuple(
        _judgement(
            explore(groups[grouping], grouping, plan)
            if kind == "exploratory"
            else judge(groups[grouping], grouping, plan, nightly=kind == "nightly"),
            grouping,
            kind,
            verified,
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
            plan=plan,
            plan_version=plan.version,
            code_version=version("evenscreen"),
            input_sha256=_checksum(
                rows | {f"drawn {name}": _drawn_rows(found) for name, found in draws.items()}
            ),
        ),
        completeness=completeness,
        conclusion=conclude(judgements[0].outcome, completeness.complete),
        judgements=judgements,
        verified=verified,
        corrected=weighted,
        sampled=sampled,
        reference_standards=standards,
        calibration_lines={"all": other_lines(connection, question, "all")}
        | {both[0]: lines(scores), both[1]: other_lines(connection, question, both[1])},
        description=description,
        curves=curves(scores),
    )


def _completeness(counted: Ledger, until: datetime) -> Completeness:
    lacking = counted.missing + counted.in_flight
    if lacking:
        sentence = f"{lacking} of {counted.known} images are not in the figures."
    elif counted.listed_at is None:
        sentence = "A bucket was never listed to its end, so nobody knows what is missing."
    elif counted.listed_at < until:
        sentence = "The last complete listing is older than the window, so nobody knows what is missing."
    else:
        return Completeness(
            ledger=counted, complete=True, sentence=f"All {counted.known} images are accounted for."
        )
    return Completeness(ledger=counted, complete=False, sentence=sentence)


def _qualified(
    found: Completeness, everybody: Sequence[GroupDescription], as_of: datetime, counted_at: datetime
) -> Completeness:
    """With what the ledger does not tell: how many images are this model's, and when it was counted."""
    own = sum(one.screened + one.rejected for one in everybody)
    ended = own + sum(one.superseded for one in everybody)
    sentence = found.sentence
    if ended < found.ledger.screened + found.ledger.rejected + found.ledger.superseded:
        sentence += f" This model had screened or rejected {own}: all figures are of these alone."
    if counted_at - as_of > COUNTED_LATE:
        sentence += (
            f" Counted at {counted_at:%Y-%m-%d %H:%M} UTC: what arrived or ended after "
            f"{as_of:%Y-%m-%d %H:%M} is counted here and is in no figure."
        )
    return found.model_copy(update={"sentence": sentence, "of_model": own, "counted_at": counted_at})


def _judgement(judged: Sequence[Judged], grouping: Grouping, kind: Kind, verified: bool) -> Judgement:
    outcome = overall(list(judged))
    if outcome == "even" and not verified:
        outcome = "insufficient evidence"
    verdicts = tuple(_verdict(one, kind) for one in judged)
    return Judgement(grouping=grouping, outcome=None if kind == "exploratory" else outcome, verdicts=verdicts)


def _verdict(one: Judged, kind: Kind) -> MetricVerdict:
    found = one.verdict
    return MetricVerdict(
        metric=one.metric,
        margin=one.margin,
        alpha=one.alpha,
        outcome=None if kind == "exploratory" else found.outcome,
        beyond_margin=None if kind == "exploratory" else found.beyond_margin,
        figures={name: _interval(figure) for name, figure in one.figures.items()},
        largest=_gap(found.largest) if found.largest else None,
        uneven=tuple(map(_gap, found.uneven)),
        undecided=tuple(map(_gap, found.undecided)),
        within=tuple(map(_gap, found.within)),
        not_assessable=found.not_assessable,
        lacking=tuple(
            Lacking(group=group, case=case, needed=short.needed, more=short.more, months=short.months)
            for group, cases in one.missing.items()
            for case, short in cases.items()
        ),
    )


def _interval(figure: Figure | None) -> Interval | None:
    """Pointwise: what one looks at for this group alone."""
    if figure is None:
        return None
    estimate = figure.limits(z(0.975))
    return Interval(value=estimate.value, low=estimate.low, high=estimate.high)


def _gap(pair: Pair) -> Gap:
    return Gap(**pair._asdict())


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
    rounded = {
        grouping: [
            {name: f"{value:.12g}" if isinstance(value, float) else value for name, value in row.items()}
            for row in some
        ]
        for grouping, some in rows.items()
    }
    return hashlib.sha256(json.dumps(rounded, sort_keys=True, default=str).encode()).hexdigest()
