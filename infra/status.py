"""What `evenscreen status` knows: gathered once, shown by `show/status.py`."""

from dataclasses import dataclass

from sqlalchemy import text

from evenscreen.infra.groups import GroupProgress, group_progress
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.pipeline.ledger import Ledger, ledger
from evenscreen.producers.kafka import client_options
from evenscreen.schemas.settings import ReconcilerSettings
from evenscreen.schemas.settings.doors import RelaySettings
from evenscreen.schemas.settings.screening import ScreeningSettings
from evenscreen.schemas.topics import IMAGES_ARRIVED

REASONS = text("SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY count(*) DESC, reason")
OUTBOX = text("SELECT count(*) FROM outbox WHERE published_at IS NULL")


class StatusSettings(ReconcilerSettings):
    """How to reach the parts that status asks, and the groups it asks about."""

    group: str = ScreeningSettings.model_fields["group"].default
    relay_group: str = RelaySettings.model_fields["relay_group"].default
    raw_topic: str = RelaySettings.model_fields["raw_topic"].default


@dataclass(frozen=True)
class Status:
    """One look at everything."""

    ledger: Ledger
    dead_letters: dict[str, int]
    outbox_unpublished: int
    groups: dict[str, GroupProgress]


def collect(settings: StatusSettings, sample_s: float) -> Status:
    """Ask Postgres and Kafka; raises `Transient` or `Fatal` when one of them cannot answer."""
    engine = open_database(settings.database_url, application_name="evenscreen status", pool_size=1)
    check_schema(engine)
    with transaction(engine) as connection:
        counted = ledger(connection, grace_s=settings.reconcile_grace_s)
        reasons = {str(reason): int(count) for reason, count in connection.execute(REASONS)}
        unpublished = int(connection.execute(OUTBOX).scalar_one())
    topics = {settings.group: IMAGES_ARRIVED, settings.relay_group: settings.raw_topic}
    groups = group_progress(client_options(settings), topics, sample_s)
    return Status(counted, reasons, unpublished, groups)
