"""`up` and `down` on folders of their own: found, recovered, side by side, private, gone."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg2
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from psycopg2.extras import wait_select

from evenscreen.infra.local.reach import Reach, environment, read
from evenscreen.schemas.topics import ALL, IMAGES_ARRIVED


@pytest.fixture
def handle(module_stack: Any) -> Any:
    """A running stack that a test may break: whatever became of it, the next one finds it up."""
    module_stack.up()
    return module_stack


def leave_a_message_and_a_row(reach: Reach) -> str:
    """A message that nobody else sends and a table that nobody else makes; returns its name."""
    name = f"kept_{uuid4().hex}"
    with closing(KafkaProducer(bootstrap_servers=reach.kafka, acks="all")) as producer:
        producer.send(IMAGES_ARRIVED, name.encode()).get(30)
    with closing(psycopg2.connect(reach.database_urls["owner"])) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} AS SELECT 1 AS one")
        connection.commit()
    return name


def assert_message_and_row_are_there(reach: Reach, name: str) -> None:
    consumer = KafkaConsumer(
        IMAGES_ARRIVED,
        bootstrap_servers=reach.kafka,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    with closing(consumer):
        assert any(message.value == name.encode() for message in consumer)
    with closing(psycopg2.connect(reach.database_urls["owner"])) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT one FROM {name}")
        assert cursor.fetchone() == (1,)


def processes_of(root: Path) -> list[psutil.Process]:
    """Every process that runs for the stack in `root`, whatever its parent."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = any(str(root) in part for part in process.cmdline()) or process.cwd().startswith(str(root))
        except psutil.Error:
            continue
        if mine and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_a_second_up_finds_the_first(handle: Any) -> None:
    before = (handle.reach, handle.kafka_process(), handle.postgres_process())
    assert (handle.up(), handle.kafka_process(), handle.postgres_process()) == before


def test_two_ups_at_once_make_one_stack(handle: Any) -> None:
    handle.down()
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(handle.up), pool.submit(handle.up))
    assert first.result() == second.result()
    assert len([process for process in processes_of(handle.root) if process.name() == "java"]) == 1


def test_every_topic_has_twelve_partitions(stack: Reach) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=stack.kafka)) as admin:
        described = admin.describe_topics(list(ALL))
    assert {topic["name"]: len(topic["partitions"]) for topic in described} == dict.fromkeys(ALL, 12)


def test_after_kill_9_of_everything_up_recovers_message_and_row_on_the_same_ports(handle: Any) -> None:
    kept = leave_a_message_and_a_row(handle.reach)
    before = handle.reach
    handle.kill_kafka()
    handle.kill_postgres()
    assert handle.up() == before
    assert_message_and_row_are_there(handle.reach, kept)


def test_a_long_query_that_outlives_the_killed_server_does_not_keep_up_from_starting(handle: Any) -> None:
    kept = leave_a_message_and_a_row(handle.reach)
    with closing(psycopg2.connect(handle.reach.database_urls["owner"], async_=True)) as connection:
        wait_select(connection)
        connection.cursor().execute("SELECT count(*) FROM generate_series(1, 100000000000)")
        assert connection.isexecuting()
        handle.kill_postgres()
        handle.up()
    assert_message_and_row_are_there(handle.reach, kept)


def test_a_restart_keeps_message_row_and_passwords_and_leaves_no_process_between(handle: Any) -> None:
    kept = leave_a_message_and_a_row(handle.reach)
    before = handle.reach
    handle.down()
    assert processes_of(handle.root) == []
    assert handle.up() == before
    assert_message_and_row_are_there(handle.reach, kept)


def test_a_pid_that_another_process_has_now_is_not_ours(handle: Any) -> None:
    handle.kill_kafka()
    handle.kill_postgres()
    pid_file = handle.state.kafka / "pid"
    pid_file.write_text(pid_file.read_text().replace('"pid": ', f'"pid": {os.getpid()}, "was": '))
    postmaster = handle.state.postgres / "data" / "postmaster.pid"
    postmaster.write_text("\n".join([str(os.getpid()), *postmaster.read_text().split("\n")[1:]]))
    assert handle.kafka_process() is None
    assert handle.postgres_process() is None
    handle.up()
    assert handle.kafka_process() is not None
    assert handle.postgres_process() is not None


def test_an_immediate_restart_of_postgres_keeps_committed_rows(handle: Any) -> None:
    kept = leave_a_message_and_a_row(handle.reach)
    handle.restart_postgres_immediately()
    handle.restart_kafka()
    assert_message_and_row_are_there(handle.reach, kept)


def test_two_stacks_live_side_by_side(stack: Reach, handle: Any) -> None:
    assert handle.reach.kafka != stack.kafka
    kept = leave_a_message_and_a_row(handle.reach)
    with closing(psycopg2.connect(stack.database_urls["owner"])) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", (kept,))
        assert cursor.fetchone() == (None,)


def test_secrets_are_private_files_and_stand_on_no_command_line(stack_handle: Any) -> None:
    state = stack_handle.state
    secrets = [state.stack_file, state.pseudonym_key_file, state.root / "passwords.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert len(state.pseudonym_key_file.read_bytes()) == 32
    seen = " ".join(part for process in processes_of(state.root) for part in process.cmdline())
    assert "postgres" in seen
    assert not [name for name, password in state.passwords().items() if password in seen]


def test_a_login_without_its_password_is_refused(stack: Reach) -> None:
    address = stack.database_urls["owner"].rsplit("@", 1)[1]
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(f"postgresql://owner:wrong@{address}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL to another user: sudo make test")
def test_as_root_postgres_runs_as_nobody_and_only_its_data_folder_is_nobodys(stack_handle: Any) -> None:
    server = stack_handle.postgres_process()
    assert server.username() == "nobody"
    owners = {path.name: path.owner() for path in (stack_handle.root / "postgres").iterdir()}
    assert owners.pop("data") == "nobody"
    assert set(owners.values()) == {"root"}


def test_an_sql_error_leaves_no_literal_in_the_server_log(stack_handle: Any, stack: Reach) -> None:
    with closing(psycopg2.connect(stack.database_urls["owner"])) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.DataError):
            cursor.execute("SELECT %s::uuid", ("Doe^Jane",))
        connection.rollback()
    assert "Doe^Jane" not in stack_handle.state.log("postgres").read_text()


def test_what_up_wrote_gives_a_process_its_environment(stack_handle: Any, stack: Reach) -> None:
    assert read(stack_handle.root) == stack
    worker = environment("worker", stack)
    assert worker["EVENSCREEN_KAFKA"] == stack.kafka
    assert worker["EVENSCREEN_DATABASE_URL"].startswith("postgresql://worker:")
    assert Path(worker["EVENSCREEN_PSEUDONYM_KEY_FILE"]).exists()
    assert "worker:" not in repr(stack)
