"""The broker is lost while a file is published: what became of it is told, and the same file completes it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from evenscreen.infra.cli.failures import TRY_AGAIN
from evenscreen.infra.local import kafka, topics
from evenscreen.infra.local.reach import Reach
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.producers.label_import import CHUNK, LabelFile, publish_reports
from evenscreen.producers.publish import Publisher
from evenscreen.schemas.topics import LABELS_ARRIVED

from ..conftest import StackHandle
from ..faults.group import Group
from .test_import import HEADER, asked, recorded, told, written

ROWS = 2 * CHUNK + 500


@pytest.fixture
def broker() -> Iterator[StackHandle]:
    """A broker of the test's own, to be killed."""
    handle = StackHandle(Path(tempfile.mkdtemp(prefix="evenscreen-test-")))
    handle.state.prepare()
    try:
        handle.start_kafka()
        topics.ensure(kafka.settings(handle.state), [LABELS_ARRIVED])
        yield handle
    finally:
        if handle.kafka_process() is not None:
            handle.kill_kafka()
        shutil.rmtree(handle.root, ignore_errors=True)


# A process of its own, like a command: kafka-python leaves sockets behind while it tries to reconnect.
IMPORT = """
import sys
from pathlib import Path
from evenscreen.infra.cli.failures import sentence_and_code
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.producers import kafka, publish
from evenscreen.producers.label_import import LabelFile, publish_reports
from evenscreen.producers.patience import Patience
from evenscreen.producers.publish import Publisher
from evenscreen.schemas.settings import KafkaSettings

kafka.TIMEOUT_MS = publish.TIMEOUT_MS = 1_500
publish.DELIVERY_TIMEOUT_MS = 2_000
path, brokers = Path(sys.argv[1]), sys.argv[2]

def wait_for_the_broker_to_be_lost(acknowledged):
    print(acknowledged, flush=True)
    sys.stdin.readline()

with path.open("rb") as file:
    source = LabelFile.of(path, file)
    publisher = Publisher(KafkaSettings(kafka=brokers))
    try:
        publish_reports(source, Reading("pathology", source.batch_id), int(sys.argv[3]), publisher,
                        wait_for_the_broker_to_be_lost, Patience(limit_s=0))
    except Exception as error:
        sentence, code = sentence_and_code(error)
        print(sentence)
        sys.exit(code)
"""


def source_id(path: Path) -> UUID:
    with path.open("rb") as file:
        return LabelFile.of(path, file).batch_id


def test_the_same_file_completes_what_a_lost_broker_left_half_published(
    broker: StackHandle, fresh_database: Reach, tmp_path: Path
) -> None:
    rows = [f"{UUID(int=n)},{'malignant' if n % 2 else 'benign'},registry,2026-03-10" for n in range(ROWS)]
    path = written(tmp_path / "labels.csv", HEADER, rows)
    brokers = kafka.settings(broker.state).kafka
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", IMPORT, path, brokers, str(ROWS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"{CHUNK}\n"
        broker.kill_kafka()
        said, _ = child.communicate("\n", timeout=90)
    assert child.returncode == TRY_AGAIN, said
    assert f"{CHUNK:,} reports or more had been handed to the label workers" in said
    assert "none of them counts yet. Import the same file again" in said

    broker.start_kafka()
    group = Group(brokers, "nobody", LABELS_ARRIVED)
    part, begun = told(handed_over := group.values(group.ends()))
    assert CHUNK <= len(part) < ROWS
    assert {one.step for one in begun} == {"begun"}
    half = recorded(fresh_database, handed_over)
    assert (half.outcomes, half.held) == (0, len(part))
    unfinished = "SELECT batch_id::text, reports FROM audit.label_imports WHERE finished_at IS NULL"
    assert asked(fresh_database, unfinished) == [(str(source_id(path)), ROWS)]

    publisher = Publisher(kafka.settings(broker.state))
    with path.open("rb") as file:
        source = LabelFile.of(path, file)
        reading = Reading("pathology", source.batch_id)
        assert publish_reports(source, reading, ROWS, publisher, lambda _: None) == ROWS
    publisher.close()
    whole = group.values(group.ends())
    assert len(told(whole)[0]) == len(part) + ROWS
    assert recorded(fresh_database, whole).outcomes == ROWS
    assert asked(fresh_database, unfinished) == []
    counted = "SELECT count(*), count(DISTINCT batch_id), min(batch_id::text) FROM audit.outcome_reports"
    assert asked(fresh_database, counted) == [(ROWS, 1, str(source.batch_id))]
