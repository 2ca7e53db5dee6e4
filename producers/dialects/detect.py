"""One normaliser for every dialect: who wrote the message, and which objects does it announce?

The decision whether a key is encoded rests on marks that the servers are known to write, never on the
look of the key: `100%25.jpg` is a fine name. Should the guess be wrong for a server that is not known
here, its images end as OBJECT_NOT_FOUND, and the reconciler brings them under their right keys; the
setting `dialect` then names the reader once and for all.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from evenscreen.producers.dialects import aws, ceph, minio, versity
from evenscreen.producers.dialects.records import read_record
from evenscreen.producers.dialects.reference import (
    CannotRead,
    Dialect,
    Ignored,
    Normalised,
    ObjectReference,
    Problem,
)

KEY_READERS: Mapping[Dialect, Callable[[Any], str]] = MappingProxyType(
    {
        Dialect.MINIO: minio.read_key,
        Dialect.AWS: aws.read_key,
        Dialect.CEPH: ceph.read_key,
        Dialect.VERSITY: versity.read_key,
    }
)


def normalise(raw: bytes, received_at: datetime, forced: Dialect | None = None) -> Normalised:
    """What one message says. Never raises: what cannot be read is in `problems`.

    `received_at` (aware) stands in for a missing event time. `forced` names the dialect of `Records`
    messages instead of the marks in them; envelopes (SNS, EventBridge) are opened all the same.
    """
    envelope, problem = _parsed(raw)
    if envelope is not None and aws.is_sns(envelope):
        if envelope.get("Type") in aws.SNS_CONTROL:
            return Normalised(Dialect.AWS, ignored={Ignored.TEST: 1})
        envelope, problem = _parsed(envelope["Message"])
    if envelope is None:
        return Normalised(forced or Dialect.UNKNOWN, problems=(problem,))
    if envelope.get("Event") == "s3:TestEvent":
        by = Dialect.VERSITY if envelope.get("Service") == "S3" else Dialect.AWS
        return Normalised(forced or by, ignored={Ignored.TEST: 1})
    if aws.is_eventbridge(envelope):
        return _gathered(
            Dialect.EVENTBRIDGE, [envelope], lambda event: aws.read_eventbridge(event, received_at)
        )
    records = envelope.get("Records")
    if not isinstance(records, list) or not records:
        return Normalised(forced or Dialect.UNKNOWN, problems=(Problem.NO_RECORDS,))
    dialect = forced or dialect_of(envelope, records[0] if isinstance(records[0], dict) else {})
    return _gathered(dialect, records, lambda record: read_record(record, KEY_READERS[dialect], received_at))


def dialect_of(envelope: dict[str, Any], record: dict[str, Any]) -> Dialect:
    """Who wrote a `Records` message, by its first record; AWS's rules for anyone unknown."""
    if minio.wrote(envelope, record):
        return Dialect.MINIO
    if ceph.wrote(record):
        return Dialect.CEPH
    if record.get("eventSource") == "aws:s3" and versity.wrote(record):
        return Dialect.VERSITY
    return Dialect.AWS


def _parsed(text: str | bytes) -> tuple[dict[str, Any] | None, Problem]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # invalid UTF-8 is a ValueError, nesting without end the other
        return None, Problem.NOT_JSON
    return (value if isinstance(value, dict) else None), Problem.NOT_AN_OBJECT


def _gathered(
    dialect: Dialect, records: list[Any], read: Callable[[dict[str, Any]], ObjectReference | Ignored]
) -> Normalised:
    """The readable records of a message, whatever stands beside them."""
    objects: list[ObjectReference] = []
    ignored: Counter[Ignored] = Counter()
    problems: list[Problem] = []
    for record in records:
        try:
            if not isinstance(record, dict):
                raise CannotRead(Problem.RECORD_NOT_AN_OBJECT)
            said = read(record)
        except CannotRead as unreadable:
            problems.append(unreadable.problem)
        else:
            if isinstance(said, Ignored):
                ignored[said] += 1
            else:
                objects.append(said)
    return Normalised(dialect, tuple(objects), dict(ignored), tuple(problems))
