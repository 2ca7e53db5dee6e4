"""The closed vocabulary of outcomes, rejection reasons, doors and skin-type sources."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a screening ended. Every image gets exactly one per model version."""

    SCREENED = "screened"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class Reason(StrEnum):
    """Why an image or an event was dead-lettered. The value is stored; the docstring of each says more."""

    EVENT_UNREADABLE = "event_unreadable"
    """The message is not an event this version understands."""
    BUCKET_UNKNOWN = "bucket_unknown"
    """The event names a bucket that this worker is not configured to read."""
    OBJECT_NOT_FOUND = "object_not_found"
    """Nothing stands at the key any more."""
    OBJECT_FORBIDDEN = "object_forbidden"
    """The store refuses this object although the same credentials read others of the bucket."""
    OBJECT_EMPTY = "object_empty"
    """The object has no bytes."""
    OBJECT_TOO_LARGE = "object_too_large"
    """The object is larger than `max_image_bytes`."""
    NOT_AN_IMAGE = "not_an_image"
    """The first bytes are those of no image format that is known here."""
    FORMAT_UNSUPPORTED = "format_unsupported"
    """An image, but of a format or mode that is not screened."""
    TOO_MANY_PIXELS = "too_many_pixels"
    """The header promises more than `max_image_pixels`; nothing was decoded."""
    TOO_SMALL = "too_small"
    """A side is shorter than `min_image_side`: no lesion can be seen in it."""
    IMAGE_TRUNCATED = "image_truncated"
    """The image ends before its data does."""
    IMAGE_CORRUPT = "image_corrupt"
    """The image data contradicts itself."""


class Door(StrEnum):
    """How an image came to be known."""

    NOTIFICATION = "notification"
    FOLDER = "folder"
    RECONCILER = "reconciler"


class FstSource(StrEnum):
    """Where a Fitzpatrick skin type comes from. Sources are never mixed in one number."""

    REPORTED = "reported"
    ESTIMATED = "estimated"
    SIMULATED = "simulated"
    UNKNOWN = "unknown"


class Modality(StrEnum):
    """How the photograph was taken."""

    DERMOSCOPY = "dermoscopy"
    CLINICAL = "clinical"
    SMARTPHONE = "smartphone"
    UNKNOWN = "unknown"


class MetadataProblem(StrEnum):
    """The image was screened, but what came with it could not be used."""

    SIDECAR_UNREADABLE = "sidecar_unreadable"
    FST_INVALID = "fst_invalid"
    FIELD_INVALID = "field_invalid"
