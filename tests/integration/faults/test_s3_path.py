"""The whole path on a real S3 server: gateway → its notifications → relay → worker → rows; and the repair."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from evenscreen.infra.local.versity import Versity, build, start
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.topics import IMAGES_RAW

from ..conftest import StackHandle
from .clinic import Clinic
from .photographs import photograph
from .test_storage_errors import put_on_s3
from .workers import EVENSCREEN, eventually

BUCKET = "photographs"


class Gateway:
    """A gateway that can be killed and comes back at the same address with the same keys."""

    def __init__(self, folder: Path, brokers: str) -> None:
        self._arguments = {"brokers": brokers, "topic": IMAGES_RAW}
        self._folder = folder
        self.running: Versity = start(build(), folder, **self._arguments)

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.running.endpoint,
            aws_access_key_id=self.running.access_key,
            aws_secret_access_key=self.running.secret_key,
            region_name="us-east-1",
        )

    def environment(self) -> dict[str, str]:
        return {
            "EVENSCREEN_BUCKET": f"s3://{BUCKET}",
            "EVENSCREEN_S3_ENDPOINT": self.running.endpoint,
            "EVENSCREEN_S3_ACCESS_KEY": self.running.access_key,
            "EVENSCREEN_S3_SECRET_KEY": self.running.secret_key,
        }

    def kill(self) -> None:
        """kill -9, with every event that it has not delivered."""
        self.running.process.kill()
        self.running.process.wait(10)

    def comes_back(self) -> None:
        self.running = start(build(), self._folder, **self._arguments, again=self.running)


@pytest.fixture
def gateway(fresh_stack: Callable[[], StackHandle], tmp_path: Path) -> Iterator[tuple[StackHandle, Gateway]]:
    try:
        build()
    except Fatal as reason:
        pytest.skip(f"no S3 server to test with: {reason}")
    handle = fresh_stack()
    made = Gateway(tmp_path / "buckets", handle.reach.kafka)
    try:
        yield handle, made
    finally:
        made.running.stop()


def answers(clinic: Clinic, role_url: str, *command: str) -> Any:
    """What `evenscreen … --json` says, as the role of `role_url`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")}
    environment = {**inherited, **clinic.crew.environment, "EVENSCREEN_DATABASE_URL": role_url}
    done = subprocess.run(
        [*EVENSCREEN, *command, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_a_killed_gateway_never_announced_is_found_by_the_reconciler(
    gateway: tuple[StackHandle, Gateway], make_clinic: Callable[[StackHandle], Clinic]
) -> None:
    handle, s3 = gateway
    clinic, urls = make_clinic(handle), handle.reach.database_urls
    clinic.crew.environment |= s3.environment()
    client = s3.client()
    client.create_bucket(Bucket=BUCKET)
    clinic.crew.start("worker", "relay", database_url=urls["door"]).wait_ready()
    clinic.crew.start().wait_ready()

    announced = [put_on_s3(client, BUCKET, f"a b/ü+{n} 50%.png", photograph(n)) for n in range(20)]
    clinic.events += announced
    clinic.wait_until_ended()
    assert clinic.rows("SELECT DISTINCT door FROM arrivals") == [("notification",)]

    handle.kill_kafka()
    unannounced = [put_on_s3(client, BUCKET, f"lost {n}.png", photograph(100 + n)) for n in range(10)]
    clinic.events += unannounced
    s3.kill()
    handle.start_kafka()
    s3.comes_back()
    for worker in [worker for worker in clinic.crew.workers if not worker.alive]:
        clinic.crew.workers.remove(worker)
    clinic.crew.start().wait_ready()

    walk = answers(clinic, urls["door"], "reconcile", "--grace-s", "0")
    assert walk["buckets"][0]["missing"] == len(unannounced)
    clinic.wait_until_ended()
    assert clinic.count("audit_records") == clinic.count("predictions") == len(clinic.events)
    ledger = answers(clinic, urls["operator"], "status", "--sample-s", "0.1")["ledger"]
    counts = {"known": 30, "listed": 30, "arrived": 30, "screened": 30}
    assert ledger == counts | {"rejected": 0, "superseded": 0, "in_flight": 0, "missing": 0}
    eventually("everything is acknowledged", lambda: clinic.group.behind() == 0)
