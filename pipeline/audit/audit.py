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
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, TextClause, text

from evenscreen.pipeline.audit.beside import Beside
from evenscreen.pipeline.audit.curves import curves, lines, other_lines
from evenscreen.pipeline.audit.described import described, description_rows
from evenscreen.pipeline.audit.figures import Question, Row, component_rows, figures, in_order, recent_rows
from evenscreen.pipeline.audit.judge import Judged, explore, judge, overall
from evenscreen.pipeline.audit.plan import Grouping, Plan
from evenscreen.pipeline.audit.result import (
    Audit,
    Completeness,
    Gap,
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
SCORES = text("SELECT * FROM audit.weighted_scores(:since, :until, :as_of, :model, :dimension, :source)")
STANDARDS = text(
    "SELECT * FROM audit.reference_standards(:since, :until, :as_of, :model, :dimension, :source)"
)


def audit(
    connection: Connection, second: Beside, question: Question, kind: Kind, threshold: int, plan: Plan
) -> Audit:
    """The audit of `question` by `plan`; reads only, and reads the same whenever it is asked again.

    `second` reads what sums answer while `connection` reads the rows: of a large audit, half the time each.
    """
    both: tuple[Grouping, Grouping] = (
        ("fst_group", "fst") if plan.primary == "fst_group" else ("fst", "fst_group")
    )
    reported = second.submit(_asked, STANDARDS, question, plan.primary)
    rows_described = second.submit(description_rows, question)
    scored = second.submit(_asked, SCORES, question, plan.primary)
    others = {name: second.submit(other_lines, question, name) for name in ("all", both[1])}
    counted = ledger(connection, grace_s=GRACE_S, since=question.since, until=question.until)
    completeness = _completeness(counted, question.until)
    rows, recent = component_rows(connection, question), recent_rows(connection, question)
    groups = {grouping: figures(rows[grouping], recent[grouping]) for grouping in both}
    standards = tuple(ReferenceStandard.model_validate(row) for row in reported.result())
    draws: dict[Grouping, dict[str, SampledGroup]] = {}
    if any(one.drawn for one in standards):
        draws = {grouping: sampled_groups(connection, question, grouping) for grouping in both}
        groups = {grouping: weighted_figures(groups[grouping], draws[grouping]) for grouping in both}
    description = described(rows_described.result(), rows)
    scores = by_group(scored.result())
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
        calibration_lines={name: found.result() for name, found in others.items()} | {both[0]: lines(scores)},
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
