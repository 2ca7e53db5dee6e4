"""Nights in a row: what is on record, what the webhook is told of it, and that no change is forgotten."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from evenscreen.infra.cli.app import app
from evenscreen.infra.local.reach import Reach, environment
from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.night import add_up, night
from evenscreen.pipeline.audit.plan import load_plan
from evenscreen.pipeline.audit.result import Audit
from evenscreen.pipeline.audit.tell import announce, tell
from evenscreen.pipeline.audit.window import midnight
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import AuditSettings

from ...unit.audit.receiver import Told, receiver
from .rows import Case, insert, label

TODAY = midnight(datetime.now(UTC))
DAY = timedelta(days=1)
CRONJOB = Path(__file__).parents[3] / "infra" / "kubernetes" / "audit.yaml"
MISSED, FOUND = Case(100, True, fst=6, patient=None), Case(9000, True, fst=6, patient=None)
SOME = [Case(9000 if bad else 100, bad, fst=fst, patient=None) for fst in (2, 4) for bad in (True, False)]
KNOWN = """
    UPDATE arrivals SET first_seen_at = :at WHERE screening_id = ANY (:ids);
    UPDATE audit_records SET recorded_at = :at WHERE screening_id = ANY (:ids);
    UPDATE ground_truth SET known_at = :at WHERE screening_id = ANY (:ids);
"""
Learn = Callable[[datetime, list[Case]], list[UUID]]


@pytest.fixture
def engine(fresh_database: Reach) -> Iterator[Engine]:
    """Of the nightly audit, on a database of the test's own: nights are asked one after the other."""
    found = open_database(fresh_database.database_urls["nightly"], application_name="test", pool_size=2)
    yield found
    found.dispose()


@pytest.fixture
def owner(fresh_database: Reach) -> Iterator[Engine]:
    found = open_database(fresh_database.database_urls["owner"], application_name="test", pool_size=2)
    yield found
    found.dispose()


@pytest.fixture
def learn(owner: Engine) -> Learn:
    """Images whose outcomes became known at a moment in the past, all of them listed since."""

    def fill(at: datetime, cases: list[Case]) -> list[UUID]:
        _, ids = insert(owner, cases, "model-000000000000")
        with transaction(owner) as connection:
            connection.execute(text(KNOWN), {"at": at, "ids": ids})
            connection.execute(
                text(
                    "WITH w AS (INSERT INTO walks (bucket, completed_at) VALUES ('b', clock_timestamp())"
                    " RETURNING walk_id)"
                    " INSERT INTO listings SELECT screening_id, bucket, last_modified, w.walk_id"
                    " FROM arrivals, w ON CONFLICT (screening_id) DO UPDATE SET walk_id = excluded.walk_id"
                )
            )
            connection.execute(text("ANALYZE"))  # as in a database that lives
        return ids

    return fill


@pytest.fixture
def three_nights(learn: Learn, owner: Engine) -> None:
    """Little is known three midnights ago; that type VI is missed two ago; one ago, that this is disputed."""
    learn(TODAY - 4 * DAY, SOME * 40 + [FOUND, replace(FOUND, score=100, malignant=False)] * 40)
    missed = learn(TODAY - 2.5 * DAY, [MISSED] * 80)
    label(owner, [(one, replace(MISSED, malignant=False)) for one in missed])
    with transaction(owner) as connection:
        connection.execute(
            text("UPDATE ground_truth SET known_at = :at WHERE NOT first_of_screening"),
            {"at": TODAY - 1.5 * DAY},
        )


def settings(url: str | None = None, **given: object) -> AuditSettings:
    return AuditSettings(
        database_url="postgresql://unused",
        audit_webhook=url,
        audit_webhook_secret="secret",
        audit_webhook_patience_s=0.0,
        **given,  # type: ignore[arg-type]
    )


def nights_ago(engine: Engine, days: int) -> Audit:
    return night(engine, Asked(load_plan(), as_of=TODAY - days * DAY))


@contextmanager
def written() -> Iterator[list[str]]:
    """Files that were opened to be written meanwhile; those of the interpreter's own cache do not matter."""
    files: list[str] = []
    heard = [True]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if heard and event == "open" and isinstance(arguments[2], int):
            changes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if changes and "__pycache__" not in str(arguments[0]):
                files.append(str(arguments[0]))

    sys.addaudithook(hear)  # for ever, so it is told when to stop listening
    yield files
    heard.clear()


def told_of(told: Told) -> list[tuple[float, str, str | None]]:
    """How many nights ago, what, and what before."""
    messages = [json.loads(content) for content, _ in told]
    return [
        ((TODAY - datetime.fromisoformat(one["as_of"])) / DAY, one["conclusion"], one["before"])
        for one in messages
    ]


@pytest.mark.usefixtures("three_nights")
def test_a_change_is_told_although_an_auditor_saw_it_first(engine: Engine) -> None:
    with receiver(204) as (url, told):
        for days in (3, 2):
            if days == 2:
                seen = answer(engine, Asked(load_plan(), as_of=TODAY - 2 * DAY - timedelta(hours=6)))
                assert (seen.subject.kind, seen.conclusion) == ("nightly", "uneven")
            for _ in range(2):  # a second run of the night has nothing to tell
                assert announce(engine, nights_ago(engine, days), settings(url)) == []
    assert told_of(told) == [
        (3, "insufficient evidence", None),
        (2, "uneven", "insufficient evidence"),
    ]


@pytest.mark.usefixtures("three_nights")
def test_changes_that_nobody_took_are_told_later_one_by_one(engine: Engine, owner: Engine) -> None:
    with receiver(204) as (url, told):
        announce(engine, nights_ago(engine, 3), settings(url))
    with receiver(503) as (down, refused):
        for days in (2, 1):
            (problem,) = announce(engine, nights_ago(engine, days), settings(down))
            assert "webhook is unavailable (503)" in problem
    # The oldest first; the next is not told before it.
    assert {one[:2] for one in told_of(refused)} == {(2, "uneven")}
    with receiver(204) as (url, told):
        announce(engine, nights_ago(engine, 0), settings(url))
        announce(engine, nights_ago(engine, 0), settings(url))
    assert told_of(told) == [
        (2, "uneven", "insufficient evidence"),
        (1, "insufficient evidence", "uneven"),
    ]
    with transaction(owner) as connection:
        told_so_far = connection.scalars(
            text("SELECT conclusion FROM audit.announcements ORDER BY announcement_id")
        ).all()
    assert told_so_far == ["insufficient evidence", "uneven", "insufficient evidence"]


def test_a_receiver_that_wakes_up_is_tried_again_within_the_run(engine: Engine, learn: Learn) -> None:
    learn(TODAY - 4 * DAY, SOME)
    pauses: list[float] = []
    found = nights_ago(engine, 0)
    patient = settings("http://127.0.0.1:9/").model_copy(update={"audit_webhook_patience_s": 6.0})
    with pytest.raises(Transient):
        tell(engine, found, patient, pauses.append)
    assert pauses[:3] == [1.0, 2.0, 4.0]


@pytest.mark.usefixtures("three_nights")
def test_the_command_prints_its_verdict_whoever_hears_of_it(
    fresh_database: Reach, tmp_path: Path, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(TODAY - 0.5 * DAY, [MISSED] * 80)
    metrics = tmp_path / "audit.prom"
    for name, value in environment("nightly", fresh_database).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EVENSCREEN_AUDIT_WEBHOOK_SECRET", "secret")
    monkeypatch.setenv("EVENSCREEN_AUDIT_WEBHOOK_PATIENCE_S", "0")
    monkeypatch.setenv("EVENSCREEN_AUDIT_METRICS_FILE", str(metrics))

    def run(url: str, *arguments: str) -> Result:
        monkeypatch.setenv("EVENSCREEN_AUDIT_WEBHOOK", url)
        return CliRunner().invoke(app, ["audit", "nightly", "--json", *arguments])

    def holds(line: str) -> bool:
        return f"{line.format(model='model-000000000000')}\n" in metrics.read_text()

    with receiver(503) as (url, _):
        refused = run(url)
    assert refused.exit_code == 10, refused.stderr
    assert Audit.model_validate_json(refused.stdout).conclusion == "uneven"
    assert "webhook is unavailable (503)" in refused.stderr
    assert holds('evenscreen_audit_untold{{model_version="{model}"}} 1.0')
    assert holds('evenscreen_audit_unfinished_imports{{model_version="{model}"}} 0.0')
    with receiver(204) as (url, told):
        taken = run(url)
        assert (taken.exit_code, taken.stderr) == (10, "")
        assert json.loads(taken.stdout) == json.loads(refused.stdout)
        assert told_of(told) == [(0, "uneven", None)]
        assert holds('evenscreen_audit_untold{{model_version="{model}"}} 0.0')
        assert holds('evenscreen_audit_conclusion{{conclusion="uneven",model_version="{model}"}} 1.0')
        written = metrics.stat().st_mtime_ns
        past = run(url, "--day", f"{TODAY - 3 * DAY:%Y-%m-%d}")
        assert past.exit_code == 11, past.stderr
        assert (len(told), metrics.stat().st_mtime_ns) == (1, written)
    in_the_clear = run("http://localhost.example.org/")
    assert (type(in_the_clear.exception), in_the_clear.stdout) == (Fatal, "")


@pytest.mark.usefixtures("three_nights")
def test_the_cronjob_is_done_whatever_the_verdict_and_tried_again_when_nobody_was_told(
    fresh_database: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = yaml.safe_load(CRONJOB.read_text(encoding="utf-8"))
    (container,) = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    given = {"EVENSCREEN_DATABASE_URL": fresh_database.database_urls["nightly"]}
    given |= {"EVENSCREEN_AUDIT_WEBHOOK_SECRET": "secret"}
    monkeypatch.setenv("EVENSCREEN_AUDIT_WEBHOOK_PATIENCE_S", "0")

    def run(url: str) -> Result:
        for one in container["env"]:
            monkeypatch.setenv(one["name"], ({"EVENSCREEN_AUDIT_WEBHOOK": url} | given)[one["name"]])
        return CliRunner().invoke(app, container["args"])

    with receiver(503) as (url, _):
        refused = run(url)
    with receiver(204) as (url, told), written() as files:
        taken = run(url)
    assert files == []  # its root file system is read-only
    assert (refused.exit_code, taken.exit_code) == (75, 0), taken.output
    assert Audit.model_validate_json(taken.stdout).conclusion == "insufficient evidence"
    assert told_of(told) == [(0, "insufficient evidence", None)]


@pytest.mark.usefixtures("three_nights")
def test_the_audit_reads_the_increment_that_its_night_made(engine: Engine, owner: Engine) -> None:
    """What is summed until another moment would be counted from rows, in every query of the audit."""
    for days in (2, 1):
        nights_ago(engine, days)
        when = {"as_of": TODAY - days * DAY}
        with transaction(owner) as connection:
            entries = connection.scalar(
                text("SELECT entries FROM audit_increments WHERE as_of = :as_of"), when
            )
            unsummed = connection.scalar(text("SELECT count(*) FROM figures.changes(:as_of)"), when)
        assert (bool(entries), unsummed) == (True, 0)


@pytest.mark.usefixtures("three_nights")
def test_hours_are_added_up_between_nights_and_change_no_answer(
    engine: Engine, owner: Engine, learn: Learn, fresh_database: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(load_plan(), as_of=TODAY - DAY)
    for name, value in environment("nightly", fresh_database).items():
        monkeypatch.setenv(name, value)
    before = answer(engine, asked, keep=False)
    for hours in range(26, 22, -1):  # over a midnight
        add_up(engine, TODAY - timedelta(hours=hours))
    assert add_up(engine, TODAY - timedelta(hours=30)) == 0  # of a past that was added up
    learn(TODAY - timedelta(hours=2), SOME)
    ran = CliRunner().invoke(app, ["audit", "hourly"])
    assert (ran.exit_code, ran.output) == (0, f"{len(SOME)} entries were added to the sums.\n")
    after = night(engine, asked)
    assert (after.description, after.judgements) == (before.description, before.judgements)
    with transaction(owner) as connection:
        moments = list(connection.scalars(text("SELECT as_of FROM audit_increments ORDER BY as_of")))
        unsummed = connection.scalar(
            text("SELECT count(*) FROM figures.changes(:as_of)"), {"as_of": TODAY - DAY}
        )
    assert (TODAY - DAY in moments, unsummed) == (True, 0)
    assert moments[-1] == datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
