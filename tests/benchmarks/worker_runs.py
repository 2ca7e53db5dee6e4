"""Runs of real screening workers over a backlog, and what they measured."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from uuid import uuid4

from child import Child, traced
from group import Announcer, wait_settled
from photographs import Bucket
from place import Database, Place
from steady import Steady, steady

STUCK_S = 60.0
"""Without a new row for this long a run has failed."""


def group_of_this_run() -> str:
    return f"bench-{uuid4().hex[:8]}"


@contextlib.contextmanager
def workers(place: Place, environment: Mapping[str, str], count: int, group: str) -> Iterator[list[Child]]:
    """`count` workers that have joined `group` and share its partitions; stopped in the end."""
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(
                Child(
                    ["worker", "screening"],
                    {**environment, "EVENSCREEN_GROUP": group},
                    place.log("worker"),
                )
            )
            for _ in range(count)
        ]
        for worker in started:
            worker.wait_ready()
        wait_settled(place.reach.kafka, group, count)
        yield started


def wait_for_rows(database: Database, count: int, watched: list[Child]) -> None:
    """Return once `count` terminal rows stand; `RuntimeError` when a worker has ended or nothing moves."""
    found, since = -1, time.monotonic()
    with database.counting() as cursor:
        while found < count:
            cursor.execute("SELECT count(*) FROM audit_records")
            (now,) = cursor.fetchone() or (0,)
            if now > found:
                found, since = now, time.monotonic()
            elif time.monotonic() - since > STUCK_S:
                raise RuntimeError(f"{found} of {count} images were screened, then nothing happened")
            for worker in watched:
                worker.check()
            time.sleep(0.25)


def run_workers(
    place: Place, bucket: Bucket, group: str, count: int, settings: Mapping[str, str] | None = None
) -> Steady:
    """Screen every event of `bucket` with `count` workers in a new database; their steady middle.

    The workers hold their partitions before the events come, all at once: neither their start nor a
    rebalance is in the figures. Runs of one `group` continue where the run before ended.
    """
    database = place.database()
    environment = {**place.environment(database, bucket.environment), **(settings or {})}
    with workers(place, environment, count, group) as started:
        announcer = Announcer(place.reach.kafka)
        announcer.publish(bucket.events)
        announcer.close()
        # By the first row every worker has opened the connections that the database's share is counted by.
        wait_for_rows(database, 1, started)
        with traced({"workers": [worker.pid for worker in started], **place.servers()}) as traces:
            wait_for_rows(database, len(bucket.events), started)
    return steady(database.ended(), traces.pop("workers"), traces)
