"""Which nights a report is drawn from, chosen where they are kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from evenscreen.infra.show.audit_page import page
from evenscreen.infra.show.svg_trend import MOST_NIGHTS
from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.keep import nights
from evenscreen.pipeline.audit.window import midnight
from evenscreen.pipeline.database import transaction

from .rows import WIDE, Case, cases

NIGHTS = 730
TODAY = midnight(datetime.now(UTC))
FORMER = text("""
INSERT INTO audit_results (
    model_version, threshold, plan_version, kind, since, until, as_of, conclusion, code_version, input_sha256,
    result
)
SELECT
    model_version, threshold, plan_version, kind, since, until, n.as_of, n.said, code_version, input_sha256,
    jsonb_set(result, '{subject,as_of}', to_jsonb(n.as_of)) || jsonb_build_object('conclusion', n.said)
FROM audit_results, (
    SELECT
        :today - make_interval(days => days) + moment AS as_of,
        CASE WHEN days = 333 OR (:flaps AND days % 2 = 0) THEN 'even' ELSE 'insufficient evidence' END AS said
    FROM generate_series(0, :nights - 1) AS days, (VALUES (interval '0'), (interval '-10 hours')) AS m(moment)
) AS n
WHERE model_version = :model
""")


def record(owner: Engine, model: str, flaps: bool) -> None:
    """A night and an auditor's look of every day."""
    with transaction(owner) as connection:
        connection.execute(FORMER, {"today": TODAY, "nights": NIGHTS, "model": model, "flaps": flaps})


def test_of_two_years_few_nights_are_read_and_every_change_of_mind(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str]
) -> None:
    model = screened(cases(20))
    found = answer(nightly, Asked(WIDE, model))
    record(owner, model, flaps=False)
    with transaction(nightly) as connection:
        history = nights(connection, found, MOST_NIGHTS)
    assert MOST_NIGHTS // 2 < len(history) <= MOST_NIGHTS + 4
    moments = [one.subject.as_of for one in history]
    assert moments == sorted(moments)
    assert {midnight(one) for one in moments} == set(moments)
    assert (moments[0], moments[-1]) == (TODAY - timedelta(days=NIGHTS - 1), TODAY)
    assert {TODAY - timedelta(days=days) for days in (333, 332)} <= set(moments)
    assert sum(one.conclusion == "even" for one in history) == 1
    assert {(one.curves, len(one.description)) for one in history} == {((), 0)}
    assert history[-1].judgements == found.judgements
    drawn = page(found, history, None)
    assert f"{len(history) + 1} nights from" in drawn


def test_a_system_that_changes_its_mind_every_night_fills_no_memory(
    nightly: Engine, owner: Engine, screened: Callable[[list[Case]], str]
) -> None:
    model = screened(cases(2))
    found = answer(nightly, Asked(WIDE, model))
    record(owner, model, flaps=True)
    with transaction(nightly) as connection:
        assert len(nights(connection, found, MOST_NIGHTS)) <= 2 * MOST_NIGHTS + 1
