"""From a file on a hospital's share to rows, through the command line, the topic and a worker's hands."""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest

from evenscreen.infra.local.reach import Reach, environment
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.labels.problems import Unusable
from evenscreen.pipeline.labels.read import read_labels
from evenscreen.pipeline.labels.record import RecordedLabels, record_labels
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.producers.label_import import CHUNK, LabelFile, publish_reports
from evenscreen.producers.publish import Publisher
from evenscreen.schemas.events import ImportAnnounced
from evenscreen.schemas.settings import KafkaSettings
from evenscreen.schemas.topics import LABELS_ARRIVED

from ..faults.group import Group
from ..faults.workers import EVENSCREEN

Command = Callable[..., subprocess.CompletedProcess[str]]
HEADER = "screening_id,outcome,source,reported_at"


@pytest.fixture
def evenscreen(fresh_database: Reach) -> Command:
    """Runs a command about labels as the labeller of the stack."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EVENSCREEN, "labels", *map(str, arguments)],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", **environment("labeller", fresh_database)},
            cwd="/",
            timeout=120,
        )

    return run


@pytest.fixture
def published(fresh_database: Reach) -> Callable[[], list[bytes]]:
    """What has come to the topic since this test began."""
    group = Group(fresh_database.kafka, "nobody", LABELS_ARRIVED)
    group.start = group.ends()
    return lambda: group.values(group.ends())


def written(path: Path, header: str, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def recorded(reach: Reach, values: Sequence[bytes]) -> RecordedLabels:
    """As a worker records them."""
    engine = open_database(reach.database_urls["labeller"], application_name="test", pool_size=1)
    batch = read_labels(LABELS_ARRIVED, values)
    with transaction(engine) as connection:
        made = record_labels(connection, batch.labels, batch.unreadable, batch.imports)
    engine.dispose()
    return made


def told(values: Sequence[bytes]) -> tuple[list[bytes], list[ImportAnnounced]]:
    """Reports, and what is announced around them."""
    imports = read_labels(LABELS_ARRIVED, values).imports
    return [value for value in values if b'"announced_by"' not in value], imports


def asked(reach: Reach, query: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(reach.database_urls["auditor"])
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    finally:
        connection.close()


def test_a_file_goes_through_the_topic_and_again_adds_nothing(
    evenscreen: Command, published: Callable[[], list[bytes]], fresh_database: Reach, tmp_path: Path
) -> None:
    rows = [f"{UUID(int=n)},{'malignant' if n % 2 else 'benign'},registry,2026-03-10" for n in range(2_500)]
    file = written(tmp_path / "labels.csv", HEADER, [*rows, rows[7]])
    first = evenscreen("import", file, "--by", "Dr. Rot")
    assert (first.returncode, first.stderr) == (0, "")
    assert "2,501 rows handed to the label workers" in first.stdout
    assert "1 say what an earlier row says" in first.stdout
    values = published()
    reports, imports = told(values)
    assert len(reports) == 2_501
    partitions = [(step, n, 12, 2_501) for step in ("begun", "finished") for n in range(12)]
    assert sorted((one.step, one.partition, one.partitions, one.reports) for one in imports) == partitions
    assert {one.announced_by for one in imports} == {"Dr. Rot"}
    assert recorded(fresh_database, values) == RecordedLabels(2_500, 0, 1, 0, held=2_501)
    assert evenscreen("import", file).returncode == 0
    assert recorded(fresh_database, published()).outcomes == 0
    counted = "SELECT imported_by, count(DISTINCT batch_id), count(*) FROM audit.outcome_reports GROUP BY 1"
    assert asked(fresh_database, counted) == [("Dr. Rot", 1, 2_500)]
    begun = "SELECT reports, imported_by = 'Dr. Rot', finished_at IS NULL FROM audit.label_imports ORDER BY 2"
    assert asked(fresh_database, begun) == [(2_501, False, False), (2_501, True, False)]
    known = "SELECT malignant, count(*) FROM audit.outcomes(now()) GROUP BY 1 ORDER BY 1"
    assert asked(fresh_database, known) == [(False, 1_250), (True, 1_250)]


def test_one_bad_row_and_nothing_of_the_file_is_published(
    evenscreen: Command, published: Callable[[], list[bytes]], tmp_path: Path
) -> None:
    rows = [f"{UUID(int=n)},benign,registry,2026-03-10" for n in range(3_000)]
    rows[2_900] = f"{UUID(int=2_900)},benign,registry,10/03/2026"
    answer = evenscreen("import", written(tmp_path / "labels.csv", HEADER, rows))
    assert answer.returncode == 66
    assert "row 2,902, column reported_at: must be ISO 8601" in answer.stderr
    assert "1 problems: nothing was imported." in answer.stderr
    assert published() == []


def test_a_dry_run_announces_nothing_and_names_the_batch(
    evenscreen: Command, published: Callable[[], list[bytes]], tmp_path: Path
) -> None:
    rows = [f"{UUID(int=1)},benign,registry,2026-03-10T12:00"]
    file = written(tmp_path / "labels.csv", HEADER, rows)
    batches = []
    for zone in ("Europe/Berlin", "Europe/Berlin", "Europe/London"):
        answer = evenscreen("import", file, "--dry-run", "--time-zone", zone)
        assert answer.returncode == 0, answer.stderr
        batches += re.findall(
            r"^1 rows can be imported as batch ([0-9a-f-]{36})\.$", answer.stdout, re.MULTILINE
        )
    assert batches[0] == batches[1] != batches[2]  # read otherwise, its rows say something else
    assert published() == []


@pytest.mark.parametrize("left", [CHUNK, CHUNK + 1])
def test_a_file_that_shrinks_while_it_is_published_is_not_announced_as_finished(
    published: Callable[[], list[bytes]], fresh_database: Reach, tmp_path: Path, left: int
) -> None:
    """Also where the reader just finds that there are no more rows."""
    rows = [f"{UUID(int=n)},benign,registry,2026-03-10" for n in range(CHUNK + 700)]
    path = written(tmp_path / "labels.csv", HEADER, rows)
    shrunk = sum(len(row) + 1 for row in (HEADER, *rows[:left]))
    settings = KafkaSettings(kafka=fresh_database.kafka)
    with closing(Publisher(settings)) as publisher, path.open("rb") as file:
        source = LabelFile.of(path, file)
        reading = Reading("pathology", source.batch_id)
        with pytest.raises(Unusable, match=f"labels abandon {source.batch_id}"):
            publish_reports(source, reading, len(rows), publisher, lambda _: os.truncate(path, shrunk))
    reports, imports = told(published())
    assert len(reports) == CHUNK
    assert {one.step for one in imports} == {"begun"}


def test_what_is_abandoned_is_told_with_who_decided_it(
    evenscreen: Command, published: Callable[[], list[bytes]]
) -> None:
    batch = UUID(int=7)
    answer = evenscreen("abandon", batch, "--by", "Dr. Grün")
    assert answer.returncode == 0, answer.stderr
    assert f"Batch {batch} is abandoned" in answer.stdout
    reports, imports = told(published())
    assert reports == []
    assert {(one.step, one.batch_id, one.announced_by) for one in imports} == {
        ("abandoned", batch, "Dr. Grün")
    }
    refused = evenscreen("abandon", HOSTILE)
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("labels.csv", "screening_id;Ergebnis\n".encode("cp1252"), "not known: 'Ergebnis'"),
        ("labels.csv", (HEADER + "\nMüller").encode("cp1252"), "not encoded in UTF-8"),
        ("labels.xlsx", b"PK", "neither .csv nor .parquet"),
        ("labels.parquet", b"no parquet", "no Parquet file"),
        (None, b"", "No such file or directory"),
    ],
)
def test_a_file_that_is_none_is_a_sentence(
    evenscreen: Command, tmp_path: Path, name: str | None, content: bytes, sentence: str
) -> None:
    if name == "labels.parquet":
        pytest.importorskip("pyarrow", reason="Parquet files need pyarrow: pip install 'evenscreen[labels]'")
    path = tmp_path / (name or "missing.csv")
    if name:
        path.write_bytes(content)
    answer = evenscreen("import", path)
    assert answer.returncode == 66
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_accession_numbers_leave_this_machine_as_pseudonyms_only(
    evenscreen: Command, published: Callable[[], list[bytes]], tmp_path: Path
) -> None:
    file = written(tmp_path / "labels.csv", "accession,fst,reported_at", ["A-SECRET-1,IV,2026-03-10"])
    answer = evenscreen("import", file)
    assert answer.returncode == 0, answer.stderr
    ((value,), imports) = told(published())
    assert "SECRET" not in str(imports)
    assert b'"accession":"k1:' in value
    assert "SECRET" not in f"{value!r}{answer.stdout}{answer.stderr}"


HOSTILE = "'); DROP TABLE ground_truth; --"


def test_hostile_values_are_data_or_refused(
    evenscreen: Command, published: Callable[[], list[bytes]], fresh_database: Reach, tmp_path: Path
) -> None:
    rows = [f'"{HOSTILE}","{HOSTILE}",malignant,histopathology,2026-03-10']
    file = written(tmp_path / "labels.csv", "bucket,key,outcome,source,reported_at", rows)
    assert evenscreen("import", file, "--by", HOSTILE).returncode == 0
    assert recorded(fresh_database, published()).outcomes == 1
    for view in ("outcome_reports", "label_imports"):
        assert asked(fresh_database, f"SELECT imported_by FROM audit.{view}") == [(HOSTILE,)]
    refused = written(tmp_path / "more.csv", HEADER, [f'{UUID(int=1)},"{HOSTILE}",registry,2026-03-10'])
    answer = evenscreen("import", refused)
    assert (answer.returncode, "DROP TABLE" in answer.stderr) == (66, False)
    drawn = evenscreen(
        *("sample-for-verification", "--model", HOSTILE, "--since", "2026-01-01", "--until", "2026-02-01"),
        *("--size", 5, "--seed", 1),
    )
    assert (drawn.returncode, drawn.stdout.count("\n")) == (0, 1), drawn.stderr


def test_parquet_says_what_csv_says(
    evenscreen: Command, published: Callable[[], list[bytes]], tmp_path: Path
) -> None:
    pyarrow = pytest.importorskip(
        "pyarrow", reason="Parquet files need pyarrow: pip install 'evenscreen[labels]'"
    )
    from pyarrow import parquet

    table = pyarrow.table({"screening_id": [str(UUID(int=1))], "fst": [4.0], "reported_at": ["2026-03-10"]})
    parquet.write_table(table, tmp_path / "labels.parquet")
    csv = written(tmp_path / "labels.csv", "screening_id,fst,reported_at", [f"{UUID(int=1)},IV,2026-03-10"])
    for file in (tmp_path / "labels.parquet", csv):
        assert evenscreen("import", file).returncode == 0
    first, second = (value.split(b'"batch_id"')[0] for value in told(published())[0])
    assert first == second
