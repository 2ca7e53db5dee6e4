"""What happens to one batch of reports, in order.

Step 1  read    bytes → reports, imports announced, and what is neither  read.py
Step 2  record  all of them in one transaction, the others as letters    record.py
                those of a file wait until all of it has come            hold.py

When `finish` returns, the batch is durable and its messages may be acknowledged; nothing before that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.labels.read import LabelBatch, read_labels
from evenscreen.pipeline.labels.record import RecordedLabels, record_labels
from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.retry import Weather
from evenscreen.pipeline.telemetry import counter
from evenscreen.schemas import metrics


@dataclass(frozen=True)
class LabelWriter:
    """Writes reports to one database, riding out bad weather: no `Transient` leaves here."""

    engine: Engine
    weather: Weather
    beat: Callable[[], None]
    """Is called while a large file begins to count."""

    def prepare(self, topic: str, values: Sequence[bytes | None]) -> LabelBatch:
        """Step 1 for the values of messages from `topic`; writes nothing."""
        return read_labels(topic, values)

    def finish(self, batch: LabelBatch) -> RecordedLabels:
        """Step 2. Durable on return: every report of the batch."""
        recorded = self.weather.ride_out(lambda: self._record(batch))
        fates = {
            "outcome": recorded.outcomes,
            "skin_type": recorded.skin_types,
            "repeat": recorded.repeats,
            "unreadable": recorded.unreadable,
            "held": recorded.held,
        }
        for fate, count in fates.items():
            counter(metrics.LABELS).labels(fate=fate).inc(count)
        get_logger().info("reports recorded", **fates, imports=len(batch.imports))
        return recorded

    def _record(self, batch: LabelBatch) -> RecordedLabels:
        with transaction(self.engine) as connection:
            return record_labels(connection, batch.labels, batch.unreadable, batch.imports, self.beat)
