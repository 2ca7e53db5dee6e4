"""Resident memory of one worker: at its start, warm, and after ten times as much work."""

import subprocess
import sys
from collections.abc import Callable

from child import clean_environment
from figure import Findings, Goal
from group import Announcer
from photographs import folder_bucket
from place import place
from sizes import Sizes
from worker_runs import group_of_this_run, wait_for_rows, workers

SECTION = "memory of a worker"
IMPORTS = "import evenscreen.consumers.screening, psutil; print(psutil.Process().memory_info().rss)"


def measure(findings: Findings, sizes: Sizes, progress: Callable[[str], None]) -> None:
    warm = sizes.memory_images // 10
    progress("imports alone")
    imports = int(
        subprocess.run(
            [sys.executable, "-P", "-c", IMPORTS],
            env=clean_environment({}),
            cwd="/",
            check=True,
            capture_output=True,
        ).stdout
    )
    with place() as stage, folder_bucket(stage, sizes.memory_images) as bucket:
        database = stage.database()
        environment = stage.environment(database, bucket.environment)
        announcer = Announcer(stage.reach.kafka)
        with workers(stage, environment, 1, group_of_this_run()) as (worker,):
            at_start = worker.rss_mb()
            progress(f"{warm} images")
            announcer.publish(bucket.events[:warm])
            wait_for_rows(database, warm, [worker])
            after_warm = worker.rss_mb()
            progress(f"{sizes.memory_images} images")
            announcer.publish(bucket.events[warm:])
            wait_for_rows(database, sizes.memory_images, [worker])
            after_all = worker.rss_mb()
        announcer.close()
    findings.add(SECTION, "the worker's imports alone", "MB", [imports / 1e6])
    findings.add(SECTION, "ready, before the first image", "MB", [at_start])
    findings.add(SECTION, f"after {warm} images", "MB", [after_warm])
    findings.add(SECTION, f"after {sizes.memory_images} images", "MB", [after_all], Goal(300, "below"))
    findings.add(
        SECTION,
        f"growth from {warm} to {sizes.memory_images} images",
        "ratio",
        [after_all / after_warm],
        Goal(1.05, "at most"),
    )
