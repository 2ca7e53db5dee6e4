"""Messages that no one could read: kept, so that a person can see what a door sent."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from evenscreen.schemas.reasons import Reason

KEPT_BYTES = 65_536

BURY = text("""
INSERT INTO dead_letters (topic, reason, detail, event, event_size_bytes, event_sha256)
SELECT topic, reason, detail, decode(event, 'base64'), event_size_bytes, event_sha256
FROM json_to_recordset(:letters) AS l(
    topic text, reason text, detail text, event text, event_size_bytes integer, event_sha256 text
)
ORDER BY event_sha256
ON CONFLICT DO NOTHING
RETURNING dead_letter_id
""")


@dataclass(frozen=True)
class Unreadable:
    """A message from `topic` that is no event; `detail` says where it went wrong, not what stood there."""

    topic: str
    raw: bytes
    detail: str


def bury(connection: Connection, unreadable: Sequence[Unreadable]) -> int:
    """Writes one dead letter per distinct message, in one round trip; returns how many are new.

    Durable once the caller's transaction is. The same bytes are buried once, whatever topic they came from.
    """
    if not unreadable:
        return 0
    letters = [
        {**letter(one.raw, one.detail), "topic": one.topic, "reason": Reason.EVENT_UNREADABLE}
        for one in unreadable
    ]
    return len(connection.execute(BURY, {"letters": json.dumps(letters, ensure_ascii=False)}).all())


def letter(raw: bytes, detail: str) -> dict[str, object]:
    """The columns of a dead letter that tell of the message: first 64 KiB (base64), size and SHA-256."""
    return {
        "detail": storable(detail),
        "event": base64.b64encode(raw[:KEPT_BYTES]).decode(),
        "event_size_bytes": len(raw),
        "event_sha256": hashlib.sha256(raw).hexdigest(),
    }


def storable(words: str) -> str:
    """`words` as Postgres can hold them: text there cannot contain NUL, nor half of a surrogate pair."""
    return words.replace("\x00", "").encode(errors="replace").decode()
