"""A tenth of all reads from a real S3 server fails: no good image is rejected for it."""

import hashlib
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from evenscreen.schemas.events import ImageArrived
from evenscreen.schemas.reasons import Door

from .clinic import Clinic
from .photographs import photograph
from .proxy import Weather, stormy

IMAGES = 150


def put_on_s3(client: Any, bucket: str, key: str, body: bytes) -> ImageArrived:
    client.put_object(Bucket=bucket, Key=key, Body=body)
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return ImageArrived(
        bucket=bucket, key=key, etag=etag, last_modified=datetime.now(UTC), door=Door.NOTIFICATION
    )


def test_no_good_image_is_rejected_when_a_tenth_of_all_reads_fails(
    clinic: Clinic, versity: Any, unique_name: Callable[[str], str]
) -> None:
    bucket = unique_name("stormy")
    client = versity.client()
    client.create_bucket(Bucket=bucket)
    good = [put_on_s3(client, bucket, f"a b/ü+{n}.png", photograph(n)) for n in range(IMAGES)]
    bad = put_on_s3(client, bucket, "half.png", photograph(9_999)[:3_000])
    clinic.events += [*good, bad]
    print(f"seed {(seed := random.randrange(10**6))}")
    weather = Weather(random.Random(seed))
    with stormy(versity.endpoint, weather) as endpoint:
        settings = versity.environment(bucket) | {"EVENSCREEN_S3_ENDPOINT": endpoint}
        clinic.crew.environment |= settings
        worker = clinic.crew.start(retry_cap_s="0.5")
        clinic.announce(clinic.events)
        clinic.wait_until_ended()
        retries = worker.metric("evenscreen_retries_total")
    outcomes = dict(clinic.rows("SELECT outcome, count(*) FROM audit_records GROUP BY outcome"))
    assert outcomes == {"screened": IMAGES, "rejected": 1}
    assert clinic.rows("SELECT reason FROM dead_letters") == [("image_truncated",)]
    assert weather.gets >= IMAGES + 1
    assert weather.refused > 0
    assert weather.cut > 0
    assert retries == weather.refused + weather.cut
    assert clinic.count("audit_records") == len(clinic.events)
