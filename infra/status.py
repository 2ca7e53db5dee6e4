"""What `evenscreen status` knows: gathered once, shown by `show/status.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import text

from evenscreen.infra.groups import GroupProgress, group_progress
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.pipeline.ledger import Ledger, ledger
from evenscreen.pipeline.store import open_stores
from evenscreen.producers.kafka import client_options
from evenscreen.schemas.errors import Fatal, Transient
from evenscreen.schemas.settings import ReconcilerSettings
from evenscreen.schemas.settings.doors import RelaySettings
from evenscreen.schemas.settings.labels import LabelSettings
from evenscreen.schemas.settings.screening import ScreeningSettings
from evenscreen.schemas.topics import IMAGES_ARRIVED, LABELS_ARRIVED

T = TypeVar("T")

OK = "ok"
REASONS = text("SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY count(*) DESC, reason")
OUTBOX = text("SELECT count(*) FROM outbox WHERE published_at IS NULL")


class StatusSettings(ReconcilerSettings):
    """How to reach the parts that status asks, and the groups it asks about."""

    group: str = ScreeningSettings.model_fields["group"].default
    relay_group: str = RelaySettings.model_fields["relay_group"].default
    raw_topic: str = RelaySettings.model_fields["raw_topic"].default
    label_group: str = LabelSettings.model_fields["label_group"].default


@dataclass(frozen=True)
class Counts:
    """What the database knows."""

    ledger: Ledger
    dead_letters: dict[str, int]
    outbox_unpublished: int


@dataclass(frozen=True)
class Status:
    """One look at everything; a part that does not answer leaves its place empty."""

    parts: dict[str, str]
    """`database`, `kafka`, `storage`: "ok", or the sentence that says what is wrong."""
    counts: Counts | None
    groups: dict[str, GroupProgress] | None

    @property
    def healthy(self) -> bool:
        return set(self.parts.values()) == {OK}


def collect(settings: StatusSettings, sample_s: float) -> Status:
    """Ask every part; none that is down keeps the others from being told."""
    parts: dict[str, str] = {}

    def asked(part: str, question: Callable[[], T]) -> T | None:
        try:
            answer = question()
        except (Transient, Fatal) as error:
            parts[part] = str(error)
            return None
        parts[part] = OK
        return answer

    topics = {
        settings.group: IMAGES_ARRIVED,
        settings.relay_group: settings.raw_topic,
        settings.label_group: LABELS_ARRIVED,
    }
    counts = asked("database", lambda: _counts(settings))
    groups = asked("kafka", lambda: group_progress(client_options(settings), topics, sample_s))
    asked("storage", lambda: [store.check() for store in open_stores(settings).values()])
    return Status(parts, counts, groups)


def _counts(settings: StatusSettings) -> Counts:
    engine = open_database(settings.database_url, application_name="evenscreen status", pool_size=1)
    check_schema(engine)
    with transaction(engine) as connection:
        return Counts(
            ledger(connection, grace_s=settings.reconcile_grace_s),
            {str(reason): int(count) for reason, count in connection.execute(REASONS)},
            int(connection.execute(OUTBOX).scalar_one()),
        )
