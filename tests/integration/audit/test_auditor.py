"""What an auditor may ask and may not, statement by statement."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal

from .conftest import Ask
from .rows import SINCE, UNTIL, Case, insert

ASKED = (
    "metrics",
    "histogram_metrics",
    "components",
    "placements",
    "calibration_bins",
    "verification",
    "weighted_scores",
    "reference_standards",
    "sampled_strata",
    "sampled_components",
)
TABLES = tuple(
    f"audit_{name}" for name in ("increments", "strata", "groups", "kinds", "entries", "periods", "sums")
)
REFUSED = (
    "SELECT * FROM public.arrivals",
    "SELECT * FROM public.patients",
    "SELECT * FROM public.ground_truth",
    "SELECT audit.increment()",
    "SELECT audit.roll_up()",
    "SELECT figures.touched(now(), now())",
    "SELECT * FROM figures.sampled_cases(now(), now(), now(), 'm', 'all', 'reported', '{}')",
    "CREATE TEMP TABLE mine (x int)",
    "CREATE FUNCTION audit.mine() RETURNS int LANGUAGE sql RETURN 1",
    *(f"SELECT * FROM public.{table}" for table in TABLES),
    *(f"INSERT INTO public.{table} SELECT * FROM public.{table}" for table in TABLES),
    *(f"DELETE FROM public.{table}" for table in TABLES),
)


@pytest.mark.parametrize("statement", REFUSED)
def test_an_auditor_is_refused(engine_of: Callable[[str], Engine], statement: str) -> None:
    with pytest.raises(Fatal, match="42501"), transaction(engine_of("auditor")) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("role", ["worker", "door", "labeller", "operator"])
def test_others_ask_nothing(engine_of: Callable[[str], Engine], role: str) -> None:
    for call in (
        "audit.metrics(now(), now(), now(), 'm')",
        "audit.components(now(), now(), now(), 'm')",
        "audit.cases(now(), now())",
        "audit.weighted_scores(now(), now(), now(), 'm')",
        "audit.sampled_components(now(), now(), now(), 'm')",
        "audit.unlike_sums(now(), now(), now(), 'm')",
    ):
        with pytest.raises(Fatal, match="42501"), transaction(engine_of(role)) as connection:
            connection.execute(text(f"SELECT * FROM {call}"))


def test_no_answer_names_or_links_a_patient(owner: Engine, ask: Ask, now: Callable[[], datetime]) -> None:
    model, _ = insert(owner, [Case(9000, True, patient="4711"), Case(100, False, patient="4711")])
    question = {"since": SINCE, "until": UNTIL, "as_of": now(), "model": model}
    answers = str([ask(function, **question) for function in (*ASKED, "cases")])
    assert model in answers
    for secret in ("Doe", "Jane", "e7a6", "k1:", "4711"):
        assert secret not in answers


@pytest.mark.parametrize("function", ASKED)
@pytest.mark.parametrize(
    "change",
    [
        {"dimension": "fst; DROP TABLE models"},
        {"dimension": "patient_number"},
        {"dimension": None},
        {"source": "guessed"},
        {"model": None},
        {"as_of": None},
    ],
)
def test_a_question_outside_the_closed_lists_is_refused(
    ask: Ask, now: Callable[[], datetime], function: str, change: dict[str, str | None]
) -> None:
    question = {"since": SINCE, "until": UNTIL, "as_of": now(), "model": "m"} | change
    with pytest.raises(Fatal, match="SQLSTATE 22"):
        ask(function, **question)


def test_skin_types_of_different_sources_never_stand_in_one_number(
    owner: Engine, ask: Ask, now: Callable[[], datetime]
) -> None:
    model, _ = insert(
        owner, [Case(9000, True), Case(9000, True, fst_source="estimated"), Case(10, False, fst=None)]
    )
    question = {"since": SINCE, "until": UNTIL, "as_of": now(), "model": model, "dimension": "fst"}
    for extra, images in (({}, 1), ({"source": "estimated"}, 1), ({"source": "simulated"}, 0)):
        assert sum(row["images"] for row in ask("metrics", **question, **extra)) == images


def test_every_function_of_the_schema_says_what_it_returns(owner: Engine) -> None:
    silent = text("""
        SELECT p.oid::regprocedure::text FROM pg_proc AS p
        WHERE p.pronamespace IN ('audit'::regnamespace, 'figures'::regnamespace)
            AND coalesce(obj_description(p.oid, 'pg_proc'), '') = ''
    """)
    unnamed = text("""
        SELECT p.proname || '.' || a.name FROM pg_proc AS p,
            unnest(p.proargnames, p.proargmodes) AS a(name, mode)
        WHERE p.pronamespace = 'audit'::regnamespace AND a.mode = 't'
            AND position(a.name IN obj_description(p.oid, 'pg_proc')) = 0
    """)
    with transaction(owner) as connection:
        assert connection.scalars(silent).all() == []
        assert connection.scalars(unnamed).all() == []
