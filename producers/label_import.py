"""A checked file goes to the label workers through the topic, like reports from anywhere else.

Step 1  begun     announced before the first row: audits tell of it until the end
Step 2  rows      in chunks, each acknowledged before the next; label workers hold them
Step 3  finished  announced behind the last row: with its last record all rows begin to count
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid5

from evenscreen.pipeline.labels.check import reports
from evenscreen.pipeline.labels.csv_file import Row, csv_rows
from evenscreen.pipeline.labels.parquet_file import parquet_rows
from evenscreen.pipeline.labels.problems import Problem, Unusable
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.producers.import_frame import announce
from evenscreen.producers.patience import Patience
from evenscreen.producers.publish import Publisher, report
from evenscreen.schemas.errors import Transient
from evenscreen.schemas.events import ImportAnnounced, LabelArrived
from evenscreen.schemas.identity import NAMESPACE
from evenscreen.schemas.labels import ImportStep

CHUNK = 2_000


class Interrupted(Transient):
    """Bad weather lasted while a file was published: nothing of it counts until it comes to its end."""

    def __init__(self, weather: Transient, acknowledged: int) -> None:
        super().__init__(weather.system, weather.cause)
        self.args = (
            f"{self}: {acknowledged:,} reports or more had been handed to the label workers, and none of "
            "them counts yet. Import the same file again: it adds the rest, doubles nothing, and all of it "
            "counts",
        )


@dataclass(frozen=True)
class LabelFile:
    """A file of reports that can be read twice, and must be the same then."""

    path: Path
    file: BinaryIO
    batch_id: UUID
    """Of the file's content and how it is read: the same file is the same batch, however often it comes."""
    _state: tuple[int, int]

    @classmethod
    def of(cls, path: Path, file: BinaryIO, read_as: Sequence[str | None] = ()) -> "LabelFile":
        """Reads `file`, which stands at `path`, once as it is. Raises `Unusable` for another kind of file.

        `read_as` are the options on which it depends what the rows say.
        """
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise Unusable("The file is neither .csv nor .parquet.")
        digest = hashlib.file_digest(file, hashlib.sha256).hexdigest()  # type: ignore[arg-type]
        said = f" {json.dumps(read_as)}" if any(read_as) else ""
        return cls(path, file, uuid5(NAMESPACE, f"batch {digest}{said}"), _state_of(file))

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
    count: int,
    publisher: Publisher,
    progress: Callable[[int], None],
    patience: Patience | None = None,
) -> int:
    """Publishes the `count` reports of a file that was checked; returns how many Kafka has acknowledged.

    Raises `Interrupted` in lasting bad weather and `Unusable` when the file was changed meanwhile: nothing of
    what was published until then counts before the file as it was is imported to its end. That doubles
    nothing, since a report is known by what it says.
    """
    patience = patience or Patience()
    published = 0

    def hand_over(work: Callable[[], None]) -> None:
        try:
            patience.ride_out(work)
        except Transient as weather:
            raise Interrupted(weather, published) from None

    hand_over(partial(announce, publisher, _announcement(ImportStep.BEGUN, reading, count)))
    for chunk in _chunks(_good(source, reading)):
        if source.changed:
            break
        hand_over(partial(publisher.publish, [report(one) for one in chunk]))
        published += len(chunk)
        progress(len(chunk))
    if source.changed or published != count:
        raise Unusable(
            f"The file was changed while it was read: {published:,} reports were published, and none of them "
            "counts. Import it again as it is now; audits tell of the older one until somebody decides that "
            f"it never will be imported: evenscreen labels abandon {source.batch_id}"
        )
    hand_over(partial(announce, publisher, _announcement(ImportStep.FINISHED, reading, count)))
    return published


def _announcement(step: ImportStep, reading: Reading, count: int) -> ImportAnnounced:
    return ImportAnnounced(
        step=step,
        batch_id=reading.batch_id,
        reports=count,
        announced_by=reading.imported_by,
        announced_at=datetime.now(UTC),
    )


def _good(source: LabelFile, reading: Reading) -> Iterator[LabelArrived]:
    """Reports up to the first row that is none: there was no such row when the file was checked."""
    for _number, one in reports(source.rows(), reading):
        if isinstance(one, Problem):
            return
        yield one


def _chunks(events: Iterable[LabelArrived]) -> Iterator[list[LabelArrived]]:
    iterator = iter(events)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
