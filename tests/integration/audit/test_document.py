"""docs/AUDIT.md: every query in it runs in psql, as the auditor, and finds something."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.plan import Plan
from evenscreen.pipeline.database import transaction
from evenscreen.schemas.events import ImportAnnounced
from evenscreen.schemas.labels import ImportStep

from ...documents.sql_blocks import DOCUMENT, blocks, psql
from ..database.reports import arrive_imports, arrive_labels, id_of, report
from .rows import WHEN, Case, insert, label

LATER = datetime(2026, 3, 20, tzinfo=UTC)


@pytest.fixture
def eventful(owner: Engine, engine_of: Callable[[str], Engine]) -> str:
    """A model of whose images everything has happened that the document asks for; one audit on record."""
    model, ids = insert(
        owner,
        [
            Case(9000, True),  # contradicted below
            Case(100, True, fst=6),  # a missed cancer
            Case(100, False, fst=4),
            *(Case(5000 + n, n % 2 == 0, fst=n % 6 + 1) for n in range(12)),
            Case(9000, None),  # its outcome is superseded, its type corrected
        ],
    )
    label(owner, [(ids[0], Case(9000, False, source="registry"))])
    first = report(False, screening_id=ids[-1], imported_by="Dr. Rot")
    arrive_labels(engine_of("labeller"), first)
    arrive_labels(
        engine_of("labeller"),
        report(
            True, screening_id=ids[-1], reported_at=LATER, supersedes=id_of(first), imported_by="Dr. Blau"
        ),
        report(fst=5, screening_id=ids[-1], reported_at=LATER, imported_by="Dr. Blau"),
        report(True, screening_id=UUID(int=1)),
    )
    begun = {"batch_id": UUID(int=7), "reports": 9, "announced_by": "Dr. Rot", "announced_at": LATER}
    arrive_imports(engine_of("labeller"), ImportAnnounced(step=ImportStep.BEGUN, **begun))
    with transaction(owner) as connection:
        walk = connection.scalar(
            text("INSERT INTO walks (bucket, completed_at) VALUES ('b', now()) RETURNING walk_id")
        )
        connection.execute(
            text("INSERT INTO listings VALUES (:id, 'b', :when, :walk)"),
            {"id": uuid4(), "when": WHEN, "walk": walk},
        )
        connection.execute(text("SELECT audit.increment()"))
    assert answer(engine_of("nightly"), Asked(Plan(name="document"), model)).conclusion == "incomplete"
    return model


def test_every_query_of_the_document_runs_and_finds_something(
    eventful: str, engine_of: Callable[[str], Engine]
) -> None:
    script = "\n".join(blocks())
    url = engine_of("auditor").url.set(drivername="postgresql").render_as_string(hide_password=False)
    told = psql(script, url)
    found = [int(rows) for rows in re.findall(r"^\((\d+) rows?\)$", told, re.MULTILINE)]
    assert len(found) == len(re.findall(r";$", script, re.MULTILINE)) >= 15
    assert all(found), told
    assert told.count("Dr. Blau") == 3
    assert told.count("Dr. Rot") == 3
    assert eventful in told


def test_the_report_in_the_document_is_whole() -> None:
    """What `make report` puts there, with every line that is explained below it."""
    report = DOCUMENT.read_text(encoding="utf-8").split("<!-- report: begin -->")[1]
    shown, explained = report.split("<!-- report: end -->")
    rows = [line for line in explained.split("\n## ")[0].splitlines() if line.startswith("| ")][1:]
    quoted = [words for row in rows for words in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    assert len(quoted) >= 15
    for words in quoted:
        pieces = [piece.strip() for piece in words.split("…") if piece.strip()]
        assert all(piece in shown for piece in pieces), words
