"""The notification that each kind of S3 server would send about one object, made from the recorded ones."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from evenscreen.schemas.events import ImageArrived

RECORDED = Path(__file__).parents[2] / "unit" / "producers" / "recorded"


def notifications(event: ImageArrived) -> dict[str, bytes]:
    """By dialect: what announces the object of `event`."""
    escaped = quote_plus(event.key)
    aws = _records("aws_put.json", event, escaped, event.etag)
    return {
        "minio": _records("minio_put.json", event, escaped, event.etag),
        "aws": aws,
        "sns": json.dumps({**_recorded("sns_put.json"), "Message": aws.decode()}).encode(),
        "eventbridge": _eventbridge(event),
        "ceph": _records("ceph_put.json", event, event.key, event.etag),
        "versity": _records("versity_put.json", event, event.key, f'"{event.etag}"'),
    }


def _records(name: str, event: ImageArrived, key: str, etag: str) -> bytes:
    message = _recorded(name)
    about = message["Records"][0]["s3"]
    about["bucket"]["name"] = event.bucket
    about["object"] |= {"key": key, "eTag": etag, "versionId": None}
    if "Key" in message:
        message["Key"] = f"{event.bucket}/{event.key}"
    return json.dumps(message).encode()


def _eventbridge(event: ImageArrived) -> bytes:
    message = _recorded("eventbridge_created.json")
    message["detail"]["bucket"]["name"] = event.bucket
    message["detail"]["object"] |= {"key": event.key, "etag": event.etag}
    del message["detail"]["object"]["version-id"]
    return json.dumps(message).encode()


def _recorded(name: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads((RECORDED / name).read_bytes())
    return message
