"""The envelope that MinIO, AWS, Ceph and Versity share: `{"Records": [{eventName, eventTime, s3: …}]}`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evenscreen.producers.dialects import fields
from evenscreen.producers.dialects.reference import Ignored, ObjectReference

CREATED = ("ObjectCreated", "ObjectSynced:Create")
"""`ObjectSynced:Create` is Ceph's: an object that came by replication from another zone."""

SIZELESS = ("ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy")
"""Some servers announce these with size 0, whatever the object holds."""

REMOVED = ("ObjectRemoved", "ObjectLifecycle:Expiration", "LifecycleExpiration", "ObjectSynced:Delete")

NO_NEW_CONTENT = (
    "BucketCreated",
    "BucketRemoved",
    "IntelligentTiering",
    "LifecycleTransition",
    "ObjectAccessed",
    "ObjectAcl",
    "ObjectLifecycle",
    "ObjectLockRetention",
    "ObjectRestore",
    "ObjectSynced",
    "ObjectTagging",
    "ObjectTransition",
    "ReducedRedundancyLostObject",
    "Replication",
    "Scanner",
)


def read_record(
    record: dict[str, Any], read_key: Callable[[Any], str], received_at: datetime
) -> ObjectReference | Ignored:
    """What one record announces. Raises `CannotRead`.

    A name that no known server uses (or none at all) might be a creation: the object is announced without
    ETag, so that the store is asked whether it stands there. Nothing is lost, and nothing is invented.
    """
    name = record.get("eventName")
    name = name.removeprefix("s3:") if isinstance(name, str) else ""
    if name.startswith(REMOVED):
        return Ignored.REMOVED
    if name.startswith(NO_NEW_CONTENT) and not name.startswith(CREATED):
        return Ignored.OTHER
    s3_object = fields.member(record, "s3", "object")
    bucket = fields.bucket_name(fields.member(record, "s3", "bucket", "name"))
    key = read_key(fields.member(s3_object, "key"))
    etag = fields.member(s3_object, "eTag") or fields.member(s3_object, "etag")
    size_bytes = fields.size_bytes(fields.member(s3_object, "size"))
    if size_bytes == 0 and name.startswith(SIZELESS):
        size_bytes = None
    known = name.startswith(CREATED)
    return ObjectReference(
        bucket=bucket,
        key=key,
        etag=fields.etag(etag) if known else None,
        size_bytes=size_bytes if known else None,
        version_id=fields.version_id(fields.member(s3_object, "versionId")) if known else None,
        last_modified=fields.event_time(record.get("eventTime"), received_at),
    )
