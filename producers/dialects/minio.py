"""MinIO (and servers made in its likeness): Records inside `{EventName, Key, Records}`, keys form-encoded.

`Key` outside is `bucket/object`, not encoded; the records are read, since there may be several. Changes
of tags and retention are announced as `ObjectCreated:PutTagging` and so on, with the unchanged ETag: they
end as repeats.
"""

from typing import Any

from evenscreen.producers.dialects import fields

read_key = fields.escaped_key


def wrote(envelope: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether MinIO wrote this."""
    return record.get("eventSource") == "minio:s3" or ("EventName" in envelope and "Key" in envelope)
