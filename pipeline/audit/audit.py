"""One audit: completeness first, then figures from SQL, then verdicts.

Step 1  complete   the ledger of the window: is every image in the figures?        ledger.py
Step 2  figures    one row per group, counted and ranked by the database           figures.py
Step 3  judge      every pair of groups, every registered group                    judge.py
Step 4  verified   could missing outcomes hide a gap?                              verification.py
Step 5  conclude   one word for the whole                                          result.py
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

from sqlalchemy import Connection, text

from evenscreen.pipeline.audit.curves import curves
from evenscreen.pipeline.audit.described import described
from evenscreen.pipeline.audit.figures import Question, Row, component_rows, figures, recent_rows
from evenscreen.pipeline.audit.judge import Judged, judge, overall
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
    Subject,
    conclude,
)
from evenscreen.pipeline.audit.verification import bounds_agree, corrected
from evenscreen.pipeline.evidence.multiplicity import z
from evenscreen.pipeline.evidence.pairs import Figure, Pair
from evenscreen.pipeline.ledger import Ledger, ledger

GRACE_S = 300.0
VERIFIED = text("SELECT * FROM audit.verified_shares(:since, :until, :as_of, :model, :dimension, :source)")


def audit(connection: Connection, question: Question, kind: Kind, threshold: int, plan: Plan) -> Audit:
    """The audit of `question` by `plan`; reads only, and reads the same whenever it is asked again."""
    counted = ledger(connection, grace_s=GRACE_S, since=question.since, until=question.until)
    completeness = _completeness(counted, question.until)
    both: tuple[Grouping, Grouping] = (
        ("fst_group", "fst") if plan.primary == "fst_group" else ("fst", "fst_group")
    )
    rows = component_rows(connection, question)
    description = described(connection, question, rows)
    verified = bounds_agree(
        [group for group in description[plan.primary] if group.group_value is not None], plan.margins
    )
    judgements = tuple(
        _judgement(
            judge(
                figures(rows[grouping], recent_rows(connection, question, grouping)),
                grouping,
                plan,
                nightly=kind == "nightly",
            ),
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
            input_sha256=_checksum(rows),
        ),
        completeness=completeness,
        conclusion=conclude(judgements[0].outcome, completeness.complete),
        judgements=judgements,
        verified=verified,
        corrected=corrected(_verified(connection, question, plan.primary)),
        description=description,
        curves=curves(connection, question, plan.primary),
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
        beyond_margin=found.beyond_margin,
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


def _verified(connection: Connection, question: Question, grouping: Grouping) -> list[Row]:
    asked = vars(question) | {"dimension": grouping}
    return [dict(row) for row in connection.execute(VERIFIED, asked).mappings()]


def _checksum(rows: dict[Grouping, list[Row]]) -> str:
    """Over what the verdicts are computed from, floats to twelve digits."""
    rounded = {
        grouping: [
            {name: f"{value:.12g}" if isinstance(value, float) else value for name, value in row.items()}
            for row in some
        ]
        for grouping, some in rows.items()
    }
    return hashlib.sha256(json.dumps(rounded, sort_keys=True, default=str).encode()).hexdigest()
