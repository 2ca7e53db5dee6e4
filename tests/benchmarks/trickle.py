"""A few images per second through the real folder door: from the rename to the committed row, and its CPU.

The time of the commit is that of the worker's log line `image screened`, which it writes after the
transaction has ended. The time of the rename is the file's ctime, which a coarse clock of the kernel
stamps: up to some milliseconds early, so that latency is never flattered.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bare_runs import run_bare
from child import Child, traced
from figure import Findings, Goal, quantile
from photographs import Bucket, folder_bucket, sources
from place import Place, place
from sizes import Sizes
from steady import CpuTrace, Steady
from worker_runs import group_of_this_run, wait_for_rows, workers

from evenscreen.schemas.identity import screening_id
from evenscreen.schemas.settings import FolderSettings

SECTION = "a few images per second"
SETTLE_MS: float = 1000 * FolderSettings.model_fields["settle_s"].default
IDLE_S = 5.0


@dataclass(frozen=True)
class Trickle:
    """One run: latencies in milliseconds, CPU of the worker."""

    from_rename: list[float]
    to_announcement: list[float]
    settling: list[float]
    """What the door waited for a file to stand still: all of its settle time or, after a rename, nothing."""
    cpu_ms: float
    idle_ms_per_s: float

    @property
    def after_settling(self) -> list[float]:
        return [whole - wait for whole, wait in zip(self.from_rename, self.settling, strict=True)]


def measure(findings: Findings, sizes: Sizes, progress: Callable[[str], None]) -> None:
    bare: list[Steady] = []
    runs: list[Trickle] = []
    with place() as stage, folder_bucket(stage, sizes.trickle_images) as bucket:
        group = group_of_this_run()
        keys = [event.key for event in bucket.events]
        for number in range(sizes.rounds):
            progress(f"round {number + 1} of {sizes.rounds}: bare loop")
            bare.append(run_bare(keys, bucket.environment, processes=1, batch=1, per_s=sizes.trickle_per_s))
            progress(f"round {number + 1} of {sizes.rounds}: folder door and worker")
            runs.append(_run(stage, bucket, group, sizes, f"load/drop{number}"))
    _tell(findings, sizes, bare, runs)


def _run(stage: Place, bucket: Bucket, group: str, sizes: Sizes, prefix: str) -> Trickle:
    database = stage.database()
    environment = stage.environment(database, bucket.environment)
    with (
        workers(stage, environment, 1, group) as (worker,),
        Child(["watch"], environment, stage.log("door")) as door,
    ):
        door.wait_ready()
        already = len(_settled(door))
        wait_for_rows(database, already, [worker, door])
        with traced({"worker": [worker.pid]}) as traces:
            idle_from = time.time()
            time.sleep(IDLE_S)
            begun = time.time()
            renamed = _drop(bucket, sizes, prefix)
            wait_for_rows(database, already + len(renamed), [worker, door])
            ended = time.time()
        screened, announced = worker.said("image screened"), door.said("image announced")
    trace: CpuTrace = traces["worker"]
    to_announcement = [1000 * (announced[one] - at) for one, at in renamed.items()]
    return Trickle(
        [1000 * (screened[one] - at) for one, at in renamed.items()],
        to_announcement,
        [SETTLE_MS if took >= SETTLE_MS else 0.0 for took in to_announcement],
        1000 * trace.between(begun, ended) / len(renamed),
        1000 * trace.between(idle_from, begun) / (begun - idle_from),
    )


def _settled(door: Child) -> dict[str, float]:
    """What the door announces of files that lay in the folder before, once it has fallen silent."""
    while True:
        before = door.said("image announced")
        time.sleep(2 * SETTLE_MS / 1000 + 1)
        if len(after := door.said("image announced")) == len(before):
            return after


def _drop(bucket: Bucket, sizes: Sizes, prefix: str) -> dict[str, float]:
    """Put images at the wanted pace, each side-car first; when each was renamed, by screening_id."""
    known = sources()
    renamed: dict[str, float] = {}
    begun = time.monotonic()
    for number in range(sizes.trickle_images):
        time.sleep(max(0.0, begun + number / sizes.trickle_per_s - time.monotonic()))
        listed = bucket.store.put(f"{prefix}-{number:06}.jpg", *known[number % len(known)])
        id_ = screening_id(bucket.store.bucket, listed.key, listed.etag)
        renamed[str(id_)] = listed.last_modified.timestamp()
    return renamed


def _tell(findings: Findings, sizes: Sizes, bare: list[Steady], runs: list[Trickle]) -> None:
    images = sum(len(run.from_rename) for run in runs)
    waited = sum(wait > 0 for run in runs for wait in run.settling)
    for share in (0.5, 0.95):
        name = f"p{100 * share:.0f}"
        findings.add(
            SECTION,
            f"from rename to committed row, {name}",
            "ms",
            [quantile(run.from_rename, share) for run in runs],
            note=f"{images} images at {sizes.trickle_per_s:g} per second",
        )
        findings.add(
            SECTION,
            f"after the file has settled, {name}",
            "ms",
            [quantile(run.after_settling, share) for run in runs],
            Goal(100, "below") if share == 0.95 else None,
            note=f"for {waited} of {images} images the door waited its settle time of {SETTLE_MS:.0f} ms, "
            "which is left out here; the others it took as complete at their rename",
        )
        findings.add(
            SECTION,
            f"of the whole, from rename to announcement, {name}",
            "ms",
            [quantile(run.to_announcement, share) for run in runs],
        )
    findings.add(SECTION, "CPU per image: one bare loop", "ms", [one.cpu_ms for one in bare])
    findings.add(SECTION, "CPU per image: one worker", "ms", [one.cpu_ms for one in runs])
    findings.add(
        SECTION,
        "CPU per image: one worker ÷ one bare loop",
        "ratio",
        [ours.cpu_ms / theirs.cpu_ms for ours, theirs in zip(runs, bare, strict=True)],
        note="one image at a time on both sides",
    )
    findings.add(SECTION, "CPU of a worker without work", "ms/s", [one.idle_ms_per_s for one in runs])
