"""Clinics on the session's stack, or on a stack of their own that may be broken."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from evenscreen.infra.local.reach import Reach, environment
from evenscreen.infra.local.state import State
from evenscreen.pipeline.database import open_database
from evenscreen.producers.publish import Publisher
from evenscreen.schemas.settings import KafkaSettings

from ..conftest import StackHandle
from .clinic import Clinic
from .database import Database
from .group import Group
from .workers import crew


@contextmanager
def open_clinic(state: State, reach: Reach, model: Path, folder: Path) -> Iterator[Clinic]:
    """A clinic on any stack; its group begins at the end of the topic."""
    name = f"clinic-{uuid4().hex[:12]}"
    bucket = folder / name
    bucket.mkdir()
    settings = environment("worker", reach) | {
        "EVENSCREEN_BUCKET": bucket.as_uri(),
        "EVENSCREEN_MODEL": str(model),
        "EVENSCREEN_GROUP": name,
        "EVENSCREEN_SESSION_TIMEOUT_S": "6",
        "EVENSCREEN_RETRY_CAP_S": "1",
    }
    engine = open_database(reach.database_urls["owner"], application_name="test", pool_size=4)
    publisher = Publisher(KafkaSettings(kafka=reach.kafka))
    group = Group(reach.kafka, name)
    group.begin_at_end()
    try:
        with crew(settings, folder) as staff:
            yield Clinic(bucket, group, staff, engine, publisher, Database(state, engine))
    finally:
        publisher.close()
        engine.dispose()


@pytest.fixture
def clinic(
    stack_handle: StackHandle, fresh_database: Reach, tiny_model: Path, tmp_path: Path
) -> Iterator[Clinic]:
    """On the session's stack, with a database of its own: kill workers, but neither broker nor database."""
    with open_clinic(stack_handle.state, fresh_database, tiny_model, tmp_path) as opened:
        yield opened


@pytest.fixture
def make_clinic(tiny_model: Path, tmp_path: Path) -> Iterator[Callable[[StackHandle], Clinic]]:
    """A clinic on a stack of the test's own."""
    with ExitStack() as clinics:
        yield lambda handle: clinics.enter_context(
            open_clinic(handle.state, handle.reach, tiny_model, tmp_path)
        )
