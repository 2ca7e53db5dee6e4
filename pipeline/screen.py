"""What happens to one batch, in order. Read this first; each step has its own file.

prepare (may overlap `finish` of the batch before)
  Step 1  read       bytes → events, each image once                        read.py
  Step 2  arrive     write arrivals, leave out what has a terminal row      arrive.py
  Step 3  candidate  fetch → decode → preprocess, several images at a time  candidate.py
finish (one batch after the other)
  Step 4  infer      a few runs of the graph                                infer.py
  Step 5  decide     calibrated score, flagged or not                       decide.py
  Step 6  record     every row of the batch in one transaction              record.py
  Step 7  breaker    stop everything when too much is rejected              breaker.py

When `finish` returns, the batch is durable and its messages may be acknowledged; nothing before that.
Bad weather is ridden out inside the steps that touch the world (2, 3, 6, 7): no `Transient` leaves here.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Engine

from evenscreen.pipeline.arrive import arrive
from evenscreen.pipeline.breaker import check_breaker
from evenscreen.pipeline.candidate import Candidate, candidate
from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.decide import Decision, decide
from evenscreen.pipeline.infer import infer
from evenscreen.pipeline.model import Model
from evenscreen.pipeline.pseudonym import Pseudonymizer, accession_for, pseudonym_for
from evenscreen.pipeline.read import Batch, read
from evenscreen.pipeline.record import Recorded, Terminal, record
from evenscreen.pipeline.retry import Weather
from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.telemetry import histogram
from evenscreen.pipeline.tell import tell
from evenscreen.schemas import metrics
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Modality
from evenscreen.schemas.settings import ScreeningSettings

T = TypeVar("T")


@dataclass(frozen=True)
class Prepared:
    """A batch with everything done that may happen before its turn."""

    topic: str
    batch: Batch
    candidates: tuple[Candidate, ...]
    repeats: int


@dataclass
class Screener:
    """The parts that a batch is screened with; made once per process."""

    settings: ScreeningSettings
    model: Model
    engine: Engine
    stores: Mapping[str, Store]
    weather: Weather
    pseudonymizer: Pseudonymizer | None

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.settings.fetch_threads, thread_name_prefix="fetch")

    def prepare(self, topic: str, values: Sequence[bytes | None]) -> Prepared:
        """Steps 1 to 3 for the values of messages from `topic`. Durable on return: the arrivals."""
        batch = read(topic, values)
        finished = self._timed("arrive", lambda: self.weather.ride_out(lambda: self._arrive(batch)))
        due = [pair for id_, pair in batch.arrived.items() if id_ not in finished]
        candidates = self._timed("fetch_and_decode", lambda: tuple(self._pool.map(self._candidate, due)))
        return Prepared(topic, batch, candidates, repeats=len(values) - len(due) - len(batch.unreadable))

    def finish(self, prepared: Prepared) -> Recorded:
        """Steps 4 to 7. Durable on return: every row that the batch leaves. Raises `Tripped`."""
        decisions = self._timed("infer", lambda: self._decide(prepared.candidates))
        terminals = [self._terminal(one, decisions.get(i)) for i, one in enumerate(prepared.candidates)]
        recorded = self._timed(
            "record", lambda: self.weather.ride_out(lambda: self._record(prepared, terminals))
        )
        repeats = prepared.repeats + recorded.repeats
        tell(terminals, recorded, repeats=repeats, messages=prepared.batch.messages)
        if recorded.rejections:
            self.weather.ride_out(self.check_breaker)
        return recorded

    def check_breaker(self) -> None:
        """Raise `Tripped` when the rejections of all workers have opened the breaker."""
        with transaction(self.engine) as connection:
            check_breaker(
                connection,
                rejections=self.settings.breaker_rejections,
                share=self.settings.breaker_share,
                window_s=self.settings.breaker_window_s,
            )

    def _arrive(self, batch: Batch) -> set[UUID]:
        if not batch.arrived:
            return set()
        with transaction(self.engine) as connection:
            return arrive(connection, [event for event, _ in batch.arrived.values()], self.model.version)

    def _candidate(self, pair: tuple[ImageArrived, bytes]) -> Candidate:
        event, raw = pair
        return self.weather.ride_out(
            lambda: candidate(
                event,
                raw,
                stores=self.stores,
                settings=self.settings,
                spec=self.model.manifest.preprocessing,
            )
        )

    def _decide(self, candidates: Sequence[Candidate]) -> dict[int, Decision]:
        pixels = {i: one.pixels for i, one in enumerate(candidates) if one.pixels is not None}
        if not pixels:
            return {}
        decisions = decide(infer(self.model, list(pixels.values())), self.model.manifest)
        return dict(zip(pixels, decisions, strict=True))

    def _terminal(self, one: Candidate, decision: Decision | None) -> Terminal:
        modality = one.metadata.modality
        intended = None if modality is Modality.UNKNOWN else modality is self.model.manifest.intended_modality
        return Terminal(
            event=one.event,
            raw=one.raw,
            outcome=one.outcome,
            reason=one.reason,
            detail=one.detail,
            metadata=one.metadata,
            metadata_problem=one.metadata_problem,
            pseudonym=pseudonym_for(one.metadata, self.pseudonymizer),
            accession=accession_for(one.metadata, self.pseudonymizer),
            modality_intended=intended,
            last_modified=one.last_modified,
            decision=decision,
        )

    def _record(self, prepared: Prepared, terminals: Sequence[Terminal]) -> Recorded:
        with transaction(self.engine) as connection:
            return record(
                connection,
                terminals,
                prepared.batch.unreadable,
                model_version=self.model.version,
                labels=self.model.manifest.labels,
                topic=prepared.topic,
            )

    @staticmethod
    def _timed(stage: str, work: Callable[[], T]) -> T:
        with histogram(metrics.STAGE_SECONDS).labels(stage=stage).time():
            return work()
