"""What an auditor may ask and may not, statement by statement."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal

from .conftest import Ask
from .rows import SINCE, UNTIL, Case, insert

GROWING = {"increment", "roll_up"}
"""What lets the sums grow: operators and the nightly audit run it."""
PLAIN = {"cases", "ledger", "outcomes", "skin_types", "age_band", "fst_group"}
"""Plain SQL, which the planner takes apart: it refuses nothing, so a wrong argument finds nothing."""
ARGUMENTS: dict[str, object] = {
    "since": SINCE, "until": UNTIL, "dimension": "all", "source": "reported", "bins": 15,
    "age": "50", "fst": "2", "grace_s": 300, "bucket": None,
}  # fmt: skip
"""Besides `as_of` and `model`: a function with another argument fails here until it is thought about."""
WRONG: dict[str, tuple[object, ...]] = {
    "since": (None,),
    "until": (None,),
    "as_of": (None,),
    "model": (None,),
    "dimension": ("fst; DROP TABLE models", "patient_number", None),
    "source": ("guessed", "reported' OR true --", None),
    "bins": (0, -1, 10_001, None),
}
HOSTILE = "'; DROP TABLE models; --"
FUNCTIONS = text("""
SELECT
    p.proname, l.lanname = 'sql', p.proargnames[1:p.pronargs],
    p.oid::regproc || '(' || coalesce((
        SELECT string_agg('CAST(NULL AS ' || format_type(t.type, NULL) || ')', ', ' ORDER BY t.place)
        FROM unnest(p.proargtypes) WITH ORDINALITY AS t(type, place)
    ), '') || ')'
FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace = CAST(:schema AS regnamespace)
""")
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


class Function(NamedTuple):
    name: str
    plain: bool
    arguments: list[str] | None
    call: str
    """With NULL for every argument."""


def functions(owner: Engine, schema: str = "audit") -> list[Function]:
    """All of them, from the catalogue, so that a new one is tried as well."""
    with transaction(owner) as connection:
        return [Function(*row) for row in connection.execute(FUNCTIONS, {"schema": schema})]


def asked(owner: Engine) -> dict[str, list[str]]:
    """The functions that auditors ask, by name, with the names of their arguments."""
    found = {one.name: one.arguments or [] for one in functions(owner) if one.name not in GROWING}
    assert {one.name for one in functions(owner) if one.plain} == PLAIN
    assert {"metrics", "components", "description", "skin_type_components", "unlike_sums", "ledger"} <= set(
        found
    )
    return found


@pytest.mark.parametrize("role", ["worker", "door", "labeller", "operator"])
def test_others_ask_nothing(engine_of: Callable[[str], Engine], owner: Engine, role: str) -> None:
    allowed = {*GROWING, "ledger"} if role == "operator" else set()
    for one in functions(owner):
        if one.name not in allowed:
            with pytest.raises(Fatal, match="42501"), transaction(engine_of(role)) as connection:
                connection.execute(text(f"SELECT {one.call}"))


def test_auditors_ask_every_function_of_the_schema_but_those_that_write(
    engine_of: Callable[[str], Engine], owner: Engine
) -> None:
    with transaction(engine_of("auditor")) as connection:
        granted = {
            one.name
            for one in functions(owner)
            if connection.scalar(
                text(f"SELECT has_function_privilege('audit.{one.name}'::regproc, 'EXECUTE')")
            )
        }
    assert granted == set(asked(owner))


def test_what_the_functions_are_made_of_is_closed_to_auditors(
    engine_of: Callable[[str], Engine], owner: Engine
) -> None:
    inner = functions(owner, "figures")
    assert len(inner) > 20
    for one in inner:
        with pytest.raises(Fatal, match="42501"), transaction(engine_of("auditor")) as connection:
            connection.execute(text(f"SELECT {one.call}"))


def test_no_answer_names_or_links_a_patient(owner: Engine, ask: Ask, now: Callable[[], datetime]) -> None:
    model, _ = insert(owner, [Case(9000, True, patient="4711"), Case(100, False, patient="4711")])
    given = ARGUMENTS | {"as_of": now(), "model": model}
    answers = {
        name: str(ask(name, **{one: given[one] for one in arguments}))
        for name, arguments in asked(owner).items()
    }
    assert model in answers["cases"]
    assert all(
        answer != "[]" for name, answer in answers.items() if name not in ("sampled_strata", "skin_types")
    )
    for secret in ("Doe", "Jane", "e7a6", "k1:", "4711"):
        assert not [name for name, answer in answers.items() if secret in answer]


def test_a_question_outside_the_closed_lists_is_refused(
    owner: Engine, ask: Ask, now: Callable[[], datetime]
) -> None:
    question = ARGUMENTS | {"as_of": now(), "model": "m"}
    for name, arguments in asked(owner).items():
        for argument in arguments if name not in PLAIN else ():
            for wrong in WRONG[argument]:
                with pytest.raises(Fatal, match="SQLSTATE 22"):
                    ask(name, **{one: question[one] for one in arguments} | {argument: wrong})


def test_what_refuses_nothing_finds_nothing_by_a_hostile_name(
    owner: Engine, ask: Ask, now: Callable[[], datetime]
) -> None:
    insert(owner, [Case(9000, True)])
    window = {"since": SINCE, "until": UNTIL}
    assert ask("cases", **window, as_of=now(), model=HOSTILE) == []
    (counted,) = ask("ledger", **window, bucket=HOSTILE)
    assert not any(counted.values())
    (counted,) = ask("ledger", since=UNTIL, until=SINCE)
    assert counted["known"] == 0
    (counted,) = ask("ledger", **window, grace_s=None)
    assert counted["known"] > 0
    for function in ("outcomes", "skin_types"):
        assert ask(function, as_of=None) == []


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
