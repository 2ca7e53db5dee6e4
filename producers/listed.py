"""From what a bucket says of an object to the event that announces it: the same for every door."""

from datetime import UTC, datetime

from evenscreen.pipeline.store.base import Listed
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def arrived(bucket: str, listed: Listed, door: Door) -> ImageArrived:
    """Raises pydantic's ValidationError for a name or ETag that no event can carry.

    Some servers pass on the clock of whoever wrote the file: the time is kept between 1970 and now, since an
    event cannot carry others, and what is never old is never missing.
    """
    return ImageArrived(
        bucket=bucket,
        key=listed.key,
        etag=listed.etag,
        size_bytes=listed.size_bytes,
        version_id=listed.version_id,
        last_modified=min(max(listed.last_modified, EPOCH), datetime.now(UTC)),
        door=door,
    )
