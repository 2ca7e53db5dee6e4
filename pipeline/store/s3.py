"""A bucket of an S3 server, through boto3."""

import base64
import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from urllib3.exceptions import HTTPError

from evenscreen.pipeline.store import s3_errors, s3_metadata
from evenscreen.pipeline.store.base import Fetched, Listed, Store
from evenscreen.pipeline.store.names import is_image_key
from evenscreen.schemas.errors import Fatal, Rejected, Superseded, Transient
from evenscreen.schemas.identity import unquoted
from evenscreen.schemas.reasons import Reason
from evenscreen.schemas.settings import StoreSettings

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20
"""Between two reads of a socket, not of the whole body."""


def s3_client(settings: StoreSettings, connections: int) -> Any:
    """A thread-safe client with `connections` kept open. It never retries: waiting is the worker's decision.

    Checksums are sent only where S3 demands them, since servers other than AWS may not know the newer
    ones; `put` sends an MD5, which all of them verify.
    """
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key and settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key and settings.s3_secret_key.get_secret_value(),
        config=Config(
            signature_version="s3v4",
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=max(connections, 1),
            s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
            request_checksum_calculation="when_required",
        ),
    )


class S3Store(Store):
    """One bucket of an S3 server; `client` is boto3's, made by `s3_client`."""

    def __init__(self, bucket: str, client: Any) -> None:
        self.bucket = bucket
        self._client = client
        self._last_read: str | None = None
        """The key read last: the witness that these credentials may read from this bucket."""

    def get(self, key: str, *, etag: str, version_id: str | None, max_bytes: int) -> Fetched:
        """As `Store.get`: by version id where there is one, else (or if that is gone) by If-Match."""
        attempts = [{"VersionId": version_id}] if version_id else []
        attempts.append({"IfMatch": f'"{etag}"'})
        for which in attempts:
            with _weather():
                try:
                    response = self._client.get_object(Bucket=self.bucket, Key=key, **which)
                except ClientError as error:
                    self._explain(error)
                    continue
                with contextlib.closing(response["Body"]):
                    if unquoted(response["ETag"]) == etag:
                        return self._fetched(key, response, max_bytes)
        standing = self.head(key)
        if standing is None:
            raise Rejected(Reason.OBJECT_NOT_FOUND)
        if standing.etag == etag:
            raise Transient("storage", "changing")
        raise Superseded

    def head(self, key: str) -> Listed | None:
        """As `Store.head`: one HEAD request, and a GET to be told why there is nothing."""
        with _weather():
            try:
                found = self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if s3_errors.status(error) != 404:
                    raise
                self._make_sure_of_absence(key)
                return None
        return Listed(
            key,
            unquoted(found["ETag"]),
            found["ContentLength"],
            found["LastModified"],
            found.get("VersionId") or None,
        )

    def list(self) -> Iterator[Listed]:
        """As `Store.list`: ListObjectsV2, a thousand objects a request, in the order of their keys."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket))
        while True:
            with _weather():
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Contents", ()):
                if is_image_key(found["Key"]):
                    etag = unquoted(found["ETag"])
                    yield Listed(found["Key"], etag, found["Size"], found["LastModified"])

    def put(self, key: str, source: Path, metadata: Mapping[str, str]) -> Listed:
        """As `Store.put`: one PutObject, verified by the server against its MD5."""
        with source.open("rb") as content:
            digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).digest()
            content.seek(0)
            with _weather():
                try:
                    self._client.put_object(
                        Bucket=self.bucket,
                        Key=key,
                        Body=content,
                        ContentMD5=base64.b64encode(digest).decode(),
                        Metadata=s3_metadata.encoded(metadata),
                    )
                except ClientError as error:
                    if s3_errors.is_weather(error) or s3_errors.status(error) == 403:
                        raise
                    code = s3_errors.code(error)
                    raise Fatal(f"Bucket {self.bucket} does not take this kind of object ({code}).") from None
        standing = self.head(key)
        if standing is None:
            raise Transient("storage", "deleted")
        return standing

    def check(self) -> None:
        """As `Store.check`. Credentials that may read but not list are enough; unknown ones are `Fatal` here,
        at the start, and weather later on (keys rotate).
        """
        try:
            with _weather():
                self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)
        except Transient as weather:
            if weather.cause == "AccessDenied":
                return
            if weather.cause == s3_errors.NO_BUCKET:
                raise Fatal(f"Bucket {self.bucket} does not exist.") from None
            if weather.cause in s3_errors.UNKNOWN_CREDENTIALS:
                raise Fatal(f"The store of bucket {self.bucket} does not know these S3 keys.") from None
            if weather.cause in (NoCredentialsError.__name__, PartialCredentialsError.__name__):
                raise Fatal(f"No S3 keys are configured for bucket {self.bucket}.") from None
            raise

    def _make_sure_of_absence(self, key: str) -> None:
        """Return when nothing stands at the key; the 404 of a HEAD cannot say so, for it has no code."""
        try:
            self._client.get_object(Bucket=self.bucket, Key=key)["Body"].close()
        except ClientError as error:
            if s3_errors.is_gone(error):
                return
            raise
        raise Transient("storage", "changing")

    def _fetched(self, key: str, response: Mapping[str, Any], max_bytes: int) -> Fetched:
        size_bytes = response.get("ContentLength")  # a chunking proxy leaves it out
        if size_bytes is not None and size_bytes > max_bytes:
            raise Rejected(Reason.OBJECT_TOO_LARGE, f"{size_bytes} bytes")
        body = response["Body"].read(max_bytes + 1)
        if len(body) > max_bytes:
            raise Rejected(Reason.OBJECT_TOO_LARGE, f"over {max_bytes} bytes")
        if size_bytes is not None and len(body) != size_bytes:
            raise Transient("storage", "IncompleteRead")
        self._last_read = key
        if not body:
            raise Rejected(Reason.OBJECT_EMPTY)
        metadata = s3_metadata.decoded(response.get("Metadata", {}))
        return Fetched(body, unquoted(response["ETag"]), response["LastModified"], metadata)

    def _explain(self, error: ClientError) -> None:
        """Return when the asked version is gone; raise what any other refusal of a GET means."""
        if s3_errors.status(error) == 412 or s3_errors.is_gone(error):
            return
        if s3_errors.is_weather(error) or s3_errors.status(error) == 404 or not self._may_read_another():
            raise error
        raise Rejected(Reason.OBJECT_FORBIDDEN, s3_errors.code(error)) from None

    def _may_read_another(self) -> bool:
        """Whether the credentials can, right now, read the object that was read last."""
        witness = self._last_read
        if witness is None:
            return False
        try:
            return self.head(witness) is not None
        except Transient:
            return False


@contextlib.contextmanager
def _weather() -> Iterator[None]:
    """Driver exceptions become `Transient` with a code, status or class name only."""
    try:
        yield
    except ClientError as error:
        raise Transient("storage", s3_errors.code(error)) from None
    except (BotoCoreError, HTTPError) as error:
        raise Transient("storage", type(error).__name__) from None
