"""The bare loop: read, decode, preprocess, infer, and nothing else. A program of its own.

It uses the worker's own decode, preprocess, session options and batch size, keeps no record, checks no
ETag, reads no metadata and knows no broker. Arguments: a JSON list of keys, the batch size, and images per
second (0: as fast as it goes). Settings come from the environment, as for a worker. It prints `ready`,
waits for a line on stdin, and prints one JSON list [[time, CPU seconds, images], …], one per batch.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from evenscreen.pipeline.candidate import pixels_of
from evenscreen.pipeline.infer import infer
from evenscreen.pipeline.model import load_model
from evenscreen.schemas.settings import ImageSettings


def reader(settings: ImageSettings) -> Callable[[str], bytes]:
    """How to get the bytes of a key."""
    url = urlsplit(settings.bucket)
    if url.scheme == "file":
        root = Path(unquote(url.path))
        return lambda key: (root / key).read_bytes()

    from evenscreen.pipeline.store.s3 import s3_client

    client = s3_client(settings, connections=1)

    def get(key: str) -> bytes:
        body: bytes = client.get_object(Bucket=url.netloc, Key=key)["Body"].read()
        return body

    return get


def main(keys_file: str, batch: int, per_s: float) -> None:
    keys = json.loads(Path(keys_file).read_bytes())
    settings = ImageSettings()
    model = load_model(settings.model, settings.inference_threads)
    spec = model.manifest.preprocessing
    read = reader(settings)
    infer(model, [pixels_of(read(key), settings, spec) for key in keys[:batch]])
    print("ready", flush=True)
    sys.stdin.readline()
    timeline = [(time.time(), time.process_time(), 0)]
    begun = time.monotonic()
    for start in range(0, len(keys), batch):
        if per_s:
            time.sleep(max(0.0, begun + start / per_s - time.monotonic()))
        chunk = keys[start : start + batch]
        infer(model, [pixels_of(read(key), settings, spec) for key in chunk])
        timeline.append((time.time(), time.process_time(), len(chunk)))
    print(json.dumps(timeline))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
