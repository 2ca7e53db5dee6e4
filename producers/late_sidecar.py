"""A side-car that came after its image was announced: its skin type becomes a report of its own."""

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid5

from evenscreen.pipeline.log import get_logger
from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.store.names import sidecar_of
from evenscreen.pipeline.store.sidecar import MAX_SIDECAR_BYTES, parse_sidecar
from evenscreen.schemas.errors import Rejected, Transient
from evenscreen.schemas.events import LabelArrived
from evenscreen.schemas.identity import NAMESPACE
from evenscreen.schemas.labels import LabelledSkinType
from evenscreen.schemas.metadata import parse_metadata

IMPORTED_BY = "folder door: late side-car"
BATCH = uuid5(NAMESPACE, IMPORTED_BY)


def late_report(root: Path, store: Store, key: str) -> LabelArrived | None:
    """The report of the side-car that stands beside the image `key` now, about the image that stands there.

    Its time is that of the side-car. None where it says no skin type that can be used, or where one of the
    two is gone. Raises `Transient` in bad weather.
    """
    try:
        with (root / sidecar_of(key)).open("rb") as file:
            written_s = os.fstat(file.fileno()).st_mtime
            said = parse_sidecar(file.read(MAX_SIDECAR_BYTES + 1))
        image = store.head(key)
    except (FileNotFoundError, PermissionError, Rejected):
        return None
    except OSError as error:
        raise Transient("storage", type(error).__name__) from None
    metadata, _problem = parse_metadata(said or {})
    if image is None or metadata.fst is None:
        get_logger().warning("a late side-car says no skin type that can be used")
        return None
    return LabelArrived(
        bucket=store.bucket,
        key=key,
        etag=image.etag,
        skin_type=LabelledSkinType.model_validate(
            {"fst": metadata.fst, "fst_source": metadata.fst_source.value}
        ),
        reported_at=datetime.fromtimestamp(max(written_s, 0.0), UTC),
        imported_by=IMPORTED_BY,
        batch_id=BATCH,
    )
