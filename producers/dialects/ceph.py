"""Ceph RADOS Gateway: keys stand as they are, sizes are text, only old releases write `s3:` before names.

Old releases also say `etag`, and `aws:s3` as their source; the record's `eventId` is theirs alone. Source:
`rgw_pubsub_s3_event::dump` in rgw_pubsub.cc, and "S3 Bucket Notifications" of the Ceph documentation.
"""

from typing import Any

from evenscreen.producers.dialects import fields

read_key = fields.raw_key


def wrote(record: dict[str, Any]) -> bool:
    """Whether Ceph wrote this record."""
    return record.get("eventSource") == "ceph:s3" or "eventId" in record
