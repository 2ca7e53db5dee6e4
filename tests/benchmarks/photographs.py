"""Buckets filled with the demo's photographs, repeated under other keys, and the events that name them."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from place import PHOTOGRAPHS, Place

from evenscreen.infra.local import kafka, topics, versity
from evenscreen.pipeline.store import Listed, Store, open_stores
from evenscreen.pipeline.store.names import sidecar_of
from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door
from evenscreen.schemas.settings import StoreSettings
from evenscreen.schemas.topics import IMAGES_RAW


@dataclass(frozen=True)
class Bucket:
    """A bucket of photographs with one event for each."""

    store: Store
    environment: dict[str, str]
    events: list[ImageArrived]


def sources() -> list[tuple[Path, dict[str, str]]]:
    """The photographs and what their side-cars say."""
    found = []
    for image in sorted(PHOTOGRAPHS.glob("*.jpg")):
        words = json.loads(image.with_name(f"{image.name}.json").read_bytes())
        found.append((image, {name: str(value) for name, value in words.items()}))
    return found


def fill(store: Store, count: int) -> list[ImageArrived]:
    """Put `count` images into `store`, each with its metadata; the events that announce them."""
    known = sources()
    return [
        announced(store, store.put(f"load/{number:06}.jpg", *known[number % len(known)]))
        for number in range(count)
    ]


def link(store: Store, root: Path, count: int) -> list[ImageArrived]:
    """As `fill`, for a folder: further copies of a photograph are hard links, which need no fsync."""
    first = fill(store, min(count, len(sources())))
    events = list(first)
    for number in range(len(first), count):
        original, key = first[number % len(first)], f"load/{number:06}.jpg"
        os.link(root / original.key, root / key)
        os.link(root / sidecar_of(original.key), root / sidecar_of(key))
        events.append(original.model_copy(update={"key": key, "trace_id": uuid4()}))
    return events


def announced(store: Store, listed: Listed) -> ImageArrived:
    return ImageArrived(
        bucket=store.bucket,
        key=listed.key,
        etag=listed.etag,
        size_bytes=listed.size_bytes,
        last_modified=listed.last_modified,
        door=Door.NOTIFICATION,
    )


@contextmanager
def folder_bucket(place: Place, count: int) -> Iterator[Bucket]:
    """The stack's own folder with `count` photographs."""
    (store,) = open_stores(StoreSettings(bucket=place.reach.bucket)).values()
    events = link(store, place.state.bucket, count)
    yield Bucket(store, {"EVENSCREEN_BUCKET": place.reach.bucket}, events)


@contextmanager
def s3_bucket(place: Place, count: int) -> Iterator[Bucket]:
    """A bucket of a Versity Gateway with `count` photographs; raises `Fatal` where it cannot be built."""
    program = versity.build()
    topics.ensure(kafka.settings(place.state), [IMAGES_RAW])
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        buckets = Path(folder) / "buckets"
        (buckets / "photographs").mkdir(parents=True)
        gateway = versity.start(program, buckets, brokers=place.reach.kafka, topic=IMAGES_RAW)
        environment = {
            "EVENSCREEN_BUCKET": "s3://photographs",
            "EVENSCREEN_S3_ENDPOINT": gateway.endpoint,
            "EVENSCREEN_S3_ACCESS_KEY": gateway.access_key,
            "EVENSCREEN_S3_SECRET_KEY": gateway.secret_key,
        }
        settings = StoreSettings(
            bucket="s3://photographs",
            s3_endpoint=gateway.endpoint,
            s3_access_key=gateway.access_key,
            s3_secret_key=gateway.secret_key,
        )
        try:
            (store,) = open_stores(settings).values()
            yield Bucket(store, environment, fill(store, count))
        finally:
            gateway.stop()
