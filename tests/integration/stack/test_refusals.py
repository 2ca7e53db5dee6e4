"""What `up` refuses, in one sentence that says what to do."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from evenscreen.infra.local import jars, postgres, postgres_programs, stack
from evenscreen.infra.local.settings import StackSettings
from evenscreen.infra.local.state import State
from evenscreen.infra.local.system_user import SystemUser, system_user
from evenscreen.schemas.errors import Fatal


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record of one jar, and a cache that holds it."""
    (tmp_path / "broker-1.0.jar").write_bytes(b"as published")
    record = tmp_path / "jars.txt"
    record.write_text(f"org.example:broker:1.0 {hashlib.sha256(b'as published').hexdigest()}\n")
    return record


def test_a_jar_as_recorded_is_taken_from_the_cache(record: Path, tmp_path: Path) -> None:
    assert jars.fetched(record, tmp_path) == [tmp_path / "broker-1.0.jar"]


def test_a_jar_with_another_checksum_is_refused(record: Path, tmp_path: Path) -> None:
    (tmp_path / "broker-1.0.jar").write_bytes(b"tampered with")
    with pytest.raises(Fatal, match=r"broker-1\.0\.jar is not the file .* EVENSCREEN_KAFKA=host:port"):
        jars.fetched(record, tmp_path)


def test_a_jar_that_cannot_be_had_is_named_with_the_way_out(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))
    empty = tmp_path / "empty"
    with pytest.raises(
        Fatal, match=r"broker-1\.0\.jar.* could not be downloaded .*EVENSCREEN_KAFKA=host:port"
    ):
        jars.fetched(record, empty)
    assert list(empty.iterdir()) == []


def test_the_record_names_one_version_of_kafka() -> None:
    coordinates = [jar.coordinate for jar in jars.recorded()]
    assert set(jars.ROOTS) <= set(coordinates)
    assert {c.split(":")[2] for c in coordinates if c.startswith("org.apache.kafka:")} == {jars.KAFKA}


def test_external_brokers_that_do_not_answer_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "BROKER_TIMEOUT_S", 1)
    settings = StackSettings(
        state_dir=tmp_path,
        kafka="127.0.0.1:9",
        database_url="postgresql://nobody@127.0.0.1:9/none",
        bucket="file:///tmp",
    )
    with pytest.raises(Fatal, match=r"127\.0\.0\.1:9 does not answer .*EVENSCREEN_KAFKA"):
        stack.up(settings)


def test_a_folder_that_postgres_may_not_enter_is_refused_and_not_opened(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    state = State(closed / "state")
    state.prepare()
    stranger = SystemUser("stranger", uid=os.geteuid() + 54_321, gid=os.getegid() + 54_321)
    with pytest.raises(Fatal, match=r"'stranger', who may not enter .*EVENSCREEN_STATE_DIR"):
        postgres.start(state, stranger)
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root names another user: sudo make test")
def test_root_itself_is_refused_as_the_user_of_postgres() -> None:
    with pytest.raises(Fatal, match="must be another user"):
        system_user("root")


def test_programs_that_the_user_cannot_reach_are_copied_with_their_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = SystemUser("present", None, None)
    installed = postgres_programs.folder(tmp_path, present)
    monkeypatch.setattr(SystemUser, "can_reach", lambda *_: False)
    copied = postgres_programs.folder(tmp_path, present)
    assert copied != installed
    assert copied.is_relative_to(tmp_path)
    answer = subprocess.run([copied / "postgres", "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("postgres (PostgreSQL) 18")
