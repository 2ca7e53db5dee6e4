"""A checked file goes to the label workers through the topic, like reports from anywhere else."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid5

from evenscreen.pipeline.labels.check import reports
from evenscreen.pipeline.labels.csv_file import Row, csv_rows
from evenscreen.pipeline.labels.parquet_file import parquet_rows
from evenscreen.pipeline.labels.problems import Problem, Unusable
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.producers.patience import Patience
from evenscreen.producers.publish import Publisher, report
from evenscreen.schemas.errors import Transient
from evenscreen.schemas.events import LabelArrived
from evenscreen.schemas.identity import NAMESPACE

CHUNK = 2_000


class Interrupted(Transient):
    """Bad weather lasted while a file was published: what Kafka had acknowledged stays there."""

    def __init__(self, weather: Transient, acknowledged: int) -> None:
        super().__init__(weather.system, weather.cause)
        self.args = (
            f"{self}: {acknowledged:,} reports or more had been handed to the label workers, and they stay. "
            "Import the same file again: it adds the rest and doubles nothing",
        )


@dataclass(frozen=True)
class LabelFile:
    """A file of reports that can be read twice, and must be the same then."""

    path: Path
    file: BinaryIO
    batch_id: UUID
    """Of the file's content: the same file is the same batch, however often it is imported."""
    _state: tuple[int, int]

    @classmethod
    def of(cls, path: Path, file: BinaryIO) -> "LabelFile":
        """Reads `file`, which stands at `path`, once as it is. Raises `Unusable` for another kind of file."""
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise Unusable("The file is neither .csv nor .parquet.")
        digest = hashlib.file_digest(file, hashlib.sha256).hexdigest()  # type: ignore[arg-type]
        return cls(path, file, uuid5(NAMESPACE, f"batch {digest}"), _state_of(file))

    def rows(self) -> Iterator[Row]:
        """Every row, from the begin. Raises `Unusable`."""
        return parquet_rows(self.path) if self.path.suffix.lower() == ".parquet" else csv_rows(self.file)

    @property
    def changed(self) -> bool:
        """Whether somebody wrote to it meanwhile."""
        return _state_of(self.file) != self._state


def _state_of(file: BinaryIO) -> tuple[int, int]:
    state = os.fstat(file.fileno())
    return state.st_mtime_ns, state.st_size


def publish_reports(
    source: LabelFile,
    reading: Reading,
    publisher: Publisher,
    progress: Callable[[int], None],
    patience: Patience | None = None,
) -> int:
    """Publishes the reports of a file that was checked; returns how many Kafka has acknowledged.

    Raises `Interrupted` in lasting bad weather and `Unusable` when the file was changed meanwhile: what was
    published until then stays, and importing the file again adds the rest and doubles nothing, since a report
    is known by what it says.
    """
    patience = patience or Patience()
    published = 0
    for chunk in _chunks(_good(source, reading)):
        if source.changed:
            raise Unusable(f"The file was changed while it was read: {published:,} reports were published.")
        messages = [report(one) for one in chunk]
        try:
            patience.ride_out(lambda messages=messages: publisher.publish(messages))  # type: ignore[misc]
        except Transient as weather:
            raise Interrupted(weather, published) from None
        published += len(chunk)
        progress(len(chunk))
    return published


def _good(source: LabelFile, reading: Reading) -> Iterator[LabelArrived]:
    for _number, one in reports(source.rows(), reading):
        if isinstance(one, Problem):
            raise Unusable("The file was changed while it was read.")
        yield one


def _chunks(events: Iterable[LabelArrived]) -> Iterator[list[LabelArrived]]:
    iterator = iter(events)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
