"""kill -9 of a worker under steady load: how long until the next result.

Alone, a worker is restarted at once, as a supervisor would. With two workers nobody restarts the dead one:
the other takes over its partitions once the dead one's session has ended.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from child import Child
from figure import Findings, Goal
from group import Announcer
from photographs import Bucket, folder_bucket
from place import Place, place
from sizes import Sizes
from worker_runs import group_of_this_run, workers

from evenscreen.schemas.settings import ScreeningSettings

SECTION = "kill -9"
PER_S = 20.0
WARM_S = 4.0
PATIENCE_S = 60.0


def measure(findings: Findings, sizes: Sizes, progress: Callable[[str], None]) -> None:
    restarted: list[float] = []
    first: list[float] = []
    every: list[float] = []
    with place() as stage, folder_bucket(stage, int(PER_S * (WARM_S + PATIENCE_S))) as bucket:
        group = group_of_this_run()
        for number in range(sizes.kill_rounds):
            progress(f"round {number + 1} of {sizes.kill_rounds}: one worker, restarted at once")
            restarted.append(_alone(stage, bucket, group))
            progress(f"round {number + 1} of {sizes.kill_rounds}: two workers, one killed")
            moved = _one_of_two(stage, bucket, group)
            first.append(moved[0])
            every.append(moved[1])
    session_s = ScreeningSettings.model_fields["session_timeout_s"].default
    findings.add(
        SECTION,
        "one worker, restarted at once: to the next result",
        "s",
        restarted,
        Goal(15, "below"),
        note=f"{PER_S:g} images/s arrive; the session of a dead worker ends after {session_s:g} s",
    )
    findings.add(SECTION, "two workers: to the first result on a dead worker's partition", "s", first)
    findings.add(SECTION, "two workers: until every such partition has moved on", "s", every)


def _alone(stage: Place, bucket: Bucket, group: str) -> float:
    environment = stage.environment(stage.database(), bucket.environment)
    with workers(stage, environment, 1, group) as (worker,), _arriving(stage, bucket):
        time.sleep(WARM_S)
        killed = time.time()
        worker.kill()
        again = {**environment, "EVENSCREEN_GROUP": group}
        with Child(["worker", "screening"], again, stage.log("restarted")) as successor:
            times = _wait_for(successor, lambda said: bool(said))
        return min(times.values()) - killed


def _one_of_two(stage: Place, bucket: Bucket, group: str) -> tuple[float, float]:
    environment = stage.environment(stage.database(), bucket.environment)
    with (
        workers(stage, environment, 2, group) as (victim, survivor),
        _arriving(stage, bucket) as partitions,
    ):
        time.sleep(WARM_S)
        killed = time.time()
        victim.kill()
        orphaned = {partitions[one] for one in victim.said("image screened") if one in partitions}

        def taken_over(said: dict[str, float]) -> dict[int, float]:
            moved: dict[int, float] = {}
            for one, at in said.items():
                partition = partitions.get(one)
                if at > killed and partition in orphaned:
                    moved[partition] = min(at, moved.get(partition, at))
            return moved

        times = taken_over(_wait_for(survivor, lambda said: set(taken_over(said)) == orphaned))
    return min(times.values()) - killed, max(times.values()) - killed


def _wait_for(worker: Child, enough: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        worker.check()
        if enough(said := worker.said("image screened")):
            return said
        time.sleep(0.2)
    raise RuntimeError(f"no result within {PATIENCE_S:.0f} s of a kill")


@contextlib.contextmanager
def _arriving(stage: Place, bucket: Bucket) -> Iterator[dict[str, int]]:
    """Publishes the events of `bucket` at `PER_S`; the partition of each by screening_id."""
    announcer = Announcer(stage.reach.kafka)
    done = threading.Event()

    def arrive() -> None:
        begun = time.monotonic()
        for number, event in enumerate(bucket.events):
            if done.wait(max(0.0, begun + number / PER_S - time.monotonic())):
                return
            announcer.publish([event])

    thread = threading.Thread(target=arrive, daemon=True)
    thread.start()
    try:
        yield announcer.partitions
    finally:
        done.set()
        thread.join()
        announcer.close()
