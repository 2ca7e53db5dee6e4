"""From the outbox table to Kafka: what a committed transaction promised to say gets said, at least once."""

from sqlalchemy import Engine, func, select, update

from evenscreen.pipeline.database import transaction
from evenscreen.producers.duty import Duty
from evenscreen.producers.publish import Message, Publisher
from evenscreen.schemas.settings import OutboxSettings
from evenscreen.schemas.tables import OutboxMessage


def relay_outbox(engine: Engine, publisher: Publisher, limit: int) -> int:
    """Publishes up to `limit` waiting messages, oldest first, and marks them; returns how many.

    Any number of relays may run: each skips the rows that another holds. A crash between the publication
    and the commit publishes the same messages again. Raises `Transient` or `Fatal` with nothing marked.
    """
    waiting = (
        select(
            OutboxMessage.message_id, OutboxMessage.topic, OutboxMessage.screening_id, OutboxMessage.payload
        )
        .where(OutboxMessage.published_at.is_(None))
        .order_by(OutboxMessage.message_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with transaction(engine) as connection:
        # Step 1: hold the rows.
        rows = connection.execute(waiting).all()
        if not rows:
            return 0
        # Step 2: publish; returns when every message is acknowledged.
        publisher.publish(
            [Message(row.topic, row.screening_id.hex.encode(), bytes(row.payload)) for row in rows]
        )
        # Step 3: mark them; the block's end commits.
        connection.execute(
            update(OutboxMessage)
            .where(OutboxMessage.message_id.in_([row.message_id for row in rows]))
            .values(published_at=func.clock_timestamp())
        )
    return len(rows)


def run_outbox_relay(settings: OutboxSettings, engine: Engine, publisher: Publisher, duty: Duty) -> None:
    """Relays until the duty ends; looks again after `outbox_poll_s` when it found less than a full batch."""
    duty.health.ready(True)
    while not duty.stop.is_set():
        duty.health.beat()
        relayed = duty.ride_out(lambda: relay_outbox(engine, publisher, settings.outbox_batch))
        if relayed < settings.outbox_batch:
            duty.stop.wait(settings.outbox_poll_s)
