"""Step 3 of a batch, for one image: fetch → decode → preprocess, or the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from evenscreen.pipeline.decode import decode
from evenscreen.pipeline.fetch import fetch
from evenscreen.pipeline.preprocess import preprocess
from evenscreen.pipeline.store.base import Store
from evenscreen.schemas.errors import Rejected, Superseded
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.manifest import Preprocessing
from evenscreen.schemas.metadata import ImageMetadata, parse_metadata
from evenscreen.schemas.reasons import MetadataProblem, Outcome, Reason
from evenscreen.schemas.settings import ImageSettings

NO_METADATA = ImageMetadata()


@dataclass(frozen=True)
class Candidate:
    """One image on its way: `pixels` uint8 [height, width, 3] for the graph, or how it ended already."""

    event: ImageArrived
    raw: bytes
    last_modified: datetime
    pixels: NDArray[np.uint8] | None = None
    outcome: Outcome = Outcome.SCREENED
    reason: Reason | None = None
    detail: str = ""
    metadata: ImageMetadata = NO_METADATA
    metadata_problem: MetadataProblem | None = None


def pixels_of(body: bytes, settings: ImageSettings, spec: Preprocessing) -> NDArray[np.uint8]:
    """Decode and preprocess the bytes of one image; raises `Rejected`."""
    rgb = decode(
        body,
        max_pixels=settings.max_image_pixels,
        min_side=settings.min_image_side,
        target_side=max(spec.height, spec.width),
    )
    return preprocess(rgb, spec)


def candidate(
    event: ImageArrived,
    raw: bytes,
    *,
    stores: Mapping[str, Store],
    settings: ImageSettings,
    spec: Preprocessing,
) -> Candidate:
    """Bring one image up to inference. Raises only `Transient` and `Fatal`; all else is an outcome."""
    begun = Candidate(event, raw, event.last_modified)
    try:
        fetched = fetch(event, stores, settings.max_image_bytes)
    except Rejected as rejected:
        return _ended(begun, rejected)
    except Superseded:
        return replace(begun, outcome=Outcome.SUPERSEDED)
    metadata, problem = parse_metadata(fetched.metadata)
    if fetched.metadata_unreadable:
        problem = MetadataProblem.SIDECAR_UNREADABLE
    known = replace(begun, last_modified=fetched.last_modified, metadata=metadata, metadata_problem=problem)
    try:
        return replace(known, pixels=pixels_of(fetched.body, settings, spec))
    except Rejected as rejected:
        return _ended(known, rejected)


def _ended(one: Candidate, rejected: Rejected) -> Candidate:
    return replace(one, outcome=Outcome.REJECTED, reason=rejected.reason, detail=rejected.detail)
