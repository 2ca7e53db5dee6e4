"""The first step of a screening: the bytes that an event refers to."""

from collections.abc import Mapping

from evenscreen.pipeline.store.base import Fetched, Store
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Reason


def fetch(event: ImageArrived, stores: Mapping[str, Store], max_bytes: int) -> Fetched:
    """The object version named by `event`, at most `max_bytes` long, with its metadata.

    Raises `Rejected` (BUCKET_UNKNOWN, or as `Store.get`), `Superseded`, `Transient`.
    """
    store = stores.get(event.bucket)
    if store is None:
        raise Rejected(Reason.BUCKET_UNKNOWN)
    return store.get(event.key, etag=event.etag, version_id=event.version_id, max_bytes=max_bytes)
