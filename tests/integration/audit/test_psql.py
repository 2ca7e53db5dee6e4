"""psql alone, as the auditor: what `evenscreen audit --psql` prints says there what the audit says."""

import csv
import io
import os
import subprocess
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Engine, text

from evenscreen.infra.show.sql import STATEMENTS, statements
from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.night import night
from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.audit.result import EXIT_CODES
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.errors import Fatal

from ...documents.sql_blocks import psql as psql_says
from ..faults.workers import EVENSCREEN
from .rows import Case, insert

Said = list[dict[str, str]]


@pytest.fixture
def psql(engine_of: Callable[[str], Engine]) -> Callable[[str], list[Said]]:
    """The answers to a script, one after the other: rows as psql prints them."""
    url = url_of(engine_of("auditor"))

    def run(script: str) -> list[Said]:
        told = psql_says(script.replace(";\n", ";\n\\echo --\n"), url, "--csv")
        return [list(csv.DictReader(io.StringIO(part))) for part in told.split("--\n")]

    return run


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")}
    return subprocess.run(
        [*EVENSCREEN, "audit", *arguments],
        env={**bare, "EVENSCREEN_DATABASE_URL": url, "EVENSCREEN_STATE_DIR": "/nowhere"},
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
    )


def url_of(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def model(owner: Engine) -> str:
    """A model with a name that is none, in a bucket that nobody walked."""
    some = [
        Case(score, malignant, fst=fst, patient=f"p{fst}{score % 7}")
        for fst in (2, 4, 6)
        for score in range(0, 10_001, 250)
        for malignant in (True, False)
    ]
    rejected = [Case(None, None, reason="not_an_image") for _ in range(3)]
    name, _ = insert(owner, [*some, *rejected])
    with transaction(owner) as connection:
        connection.execute(text("ANALYZE"))
    return name


def test_what_is_printed_runs_in_psql_and_agrees_with_the_audit(
    engine_of: Callable[[str], Engine], model: str, psql: Callable[[str], list[Said]]
) -> None:
    found = answer(engine_of("nightly"), Asked(Plan(name="here"), model))
    answers = psql(statements(found.subject))
    assert len(answers) == len(STATEMENTS)
    ledger, imports, components, metrics, *_rest, unlike, record = answers
    counts = found.completeness.ledger.model_dump(exclude={"listed_at"})
    assert ledger == [{name: str(n) for name, n in counts.items()} | {"listed_at": ""}]
    assert counts["known"] == 249
    assert imports == []
    for row in components:
        described = next(
            one for one in found.description["fst_group"] if one.group_value == row["group_value"]
        )
        assert described.auroc == pytest.approx(float(row["theta"]), abs=1e-9)
        assert (described.positives, described.negatives) == (int(row["positives"]), int(row["negatives"]))
        same = next(one for one in metrics if one["group_value"] == row["group_value"])
        assert described.missed_cancers == int(same["missed_cancers"])
    assert len(components) == 3
    assert unlike == [{"unlike_sums": "0"}]
    assert record[-1]["conclusion"] == found.conclusion == "incomplete"


def test_a_name_with_quotes_stays_a_name(
    engine_of: Callable[[str], Engine], model: str, psql: Callable[[str], list[Said]]
) -> None:
    found = answer(engine_of("nightly"), Asked(Plan(name="here"), model))
    name = "'; SELECT 1 AS gone; -- WINDOW … MODEL \\"
    hostile = found.model_copy(update={"subject": found.subject.model_copy(update={"model_version": name})})
    answers = psql(statements(hostile.subject))
    assert len(answers) == len(STATEMENTS)
    assert not [row for rows in answers for row in rows if "gone" in row]


def test_an_auditor_audits_and_leaves_nothing_behind(
    engine_of: Callable[[str], Engine], owner: Engine, model: str, now: Callable[[], datetime]
) -> None:
    """And the exit code of the SQL is that of the audit: 0 would say `even` to whoever reads nothing else."""

    def on_record() -> int:
        with transaction(owner) as connection:
            return int(connection.scalar(text("SELECT count(*) FROM audit_results")) or 0)

    auditor, nightly = engine_of("auditor"), engine_of("nightly")
    asked = Asked(Plan(name="another"), model, as_of=now())
    before = on_record()
    read = answer(auditor, asked, keep=False)
    told = command(url_of(auditor), "--psql", "--model", model)
    assert told.returncode == EXIT_CODES["incomplete"] == 12, told.stderr
    assert told.stdout.startswith("-- Completeness first")
    assert "audit.ledger(timestamptz '" in told.stdout
    assert "nothing is put on record" in told.stderr
    assert on_record() == before
    kept = answer(nightly, asked)
    assert on_record() == before + 1
    of_the_moment = {"completeness": True, "subject": {"plan_registered_at"}}
    assert read.model_dump(exclude=of_the_moment) == kept.model_dump(exclude=of_the_moment)
    assert answer(auditor, asked, keep=False) == kept
    with pytest.raises(Fatal, match="42501"):
        night(auditor, asked)


@pytest.mark.parametrize("role", ["auditor", "operator", "nightly", "owner"])
def test_the_ledger_is_taken_apart_by_the_planner(engine_of: Callable[[str], Engine], role: str) -> None:
    """As a function on its own it would count ten million rows in one process."""
    asked = "SELECT * FROM audit.ledger('2026-01-01', '2026-02-01')"
    with transaction(engine_of(role)) as connection:
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {asked}")))
    assert "Function Scan" not in plan
    assert "audit_records" in plan
