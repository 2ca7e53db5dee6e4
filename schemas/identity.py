"""Names that every door and every worker derive alike."""

import json
from uuid import UUID, uuid5

NAMESPACE = UUID("6f3f0f9e-8a3b-5d0c-9d0e-6b1b7d1f2a58")


def screening_id(bucket: str, key: str, etag: str) -> UUID:
    """The identity of one version of one object: uuid5 over JSON [bucket, key, unquoted ETag].

    The same object through every door gets the same id. A version id plays no part: listings do not
    always carry it.
    """
    return uuid5(NAMESPACE, json.dumps([bucket, key, unquoted(etag)], ensure_ascii=False))


def object_key(bucket: str, key: str) -> bytes:
    """The Kafka message key of an object: all its versions share a partition; no personal data in it."""
    return uuid5(NAMESPACE, json.dumps([bucket, key], ensure_ascii=False)).hex.encode()


def report_id(*said: object) -> UUID:
    """The identity of a report: uuid5 over JSON of everything it says that makes it another report."""
    return uuid5(NAMESPACE, json.dumps(["report", *said], ensure_ascii=False))


def reference_key(*reference: str) -> bytes:
    """The Kafka message key of a report: all reports that name the same thing share a partition."""
    return uuid5(NAMESPACE, json.dumps(["reference", *reference], ensure_ascii=False)).hex.encode()


def unquoted(etag: str) -> str:
    """An ETag without the quotes that HTTP and some notifications put around it (RFC 9110, 8.8.3)."""
    return etag.strip().removeprefix("W/").strip('"')


def model_version(name: str, sha256: str) -> str:
    """`name-sha256[:12]`, computed from the model file's own bytes."""
    return f"{name}-{sha256[:12]}"
