"""AWS S3: direct or through SNS (Records, keys form-encoded), or EventBridge (`detail`, keys as they are).

Sources: S3 User Guide, "Event message structure" and "EventBridge event message structure"; SNS Developer
Guide, "Message formats". The Records dialect is also what other S3 servers imitate, so it is the one taken
for a record that bears nobody's marks.
"""

from datetime import datetime
from typing import Any

from evenscreen.producers.dialects import fields
from evenscreen.producers.dialects.reference import Ignored, ObjectReference

read_key = fields.escaped_key

SNS_CONTROL = ("SubscriptionConfirmation", "UnsubscribeConfirmation")

EVENTBRIDGE_REMOVED = ("Object Deleted", "Object Restore Expired")
EVENTBRIDGE_NO_NEW_CONTENT = (
    "Object ACL Updated",
    "Object Access Tier Changed",
    "Object Restore Completed",
    "Object Restore Initiated",
    "Object Storage Class Changed",
    "Object Tags Added",
    "Object Tags Deleted",
)


def is_sns(envelope: dict[str, Any]) -> bool:
    """Whether SNS wrapped a message (raw delivery wraps nothing)."""
    return "TopicArn" in envelope and isinstance(envelope.get("Message"), str)


def is_eventbridge(envelope: dict[str, Any]) -> bool:
    return "detail-type" in envelope and isinstance(envelope.get("detail"), dict)


def read_eventbridge(envelope: dict[str, Any], received_at: datetime) -> ObjectReference | Ignored:
    """What an EventBridge event announces; an unknown detail-type asks the store. Raises `CannotRead`."""
    kind = envelope["detail-type"]
    if kind in EVENTBRIDGE_REMOVED:
        return Ignored.REMOVED
    if kind in EVENTBRIDGE_NO_NEW_CONTENT:
        return Ignored.OTHER
    detail = envelope["detail"]
    known = kind == "Object Created"
    return ObjectReference(
        bucket=fields.bucket_name(fields.member(detail, "bucket", "name")),
        key=fields.raw_key(fields.member(detail, "object", "key")),
        etag=fields.etag(fields.member(detail, "object", "etag")) if known else None,
        size_bytes=fields.size_bytes(fields.member(detail, "object", "size")) if known else None,
        version_id=fields.version_id(fields.member(detail, "object", "version-id")) if known else None,
        last_modified=fields.event_time(envelope.get("time"), received_at),
    )
