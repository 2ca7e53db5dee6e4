"""How batch size and fetch threads move throughput: for choosing their defaults. Only run when asked for."""

from collections.abc import Callable

from figure import Findings
from photographs import folder_bucket
from place import place
from sizes import Sizes
from steady import Steady
from worker_runs import group_of_this_run, run_workers

BATCHES = (8, 16, 32, 64)
THREADS = (1, 2, 4)
SECTION = "settings of two workers"


def measure(findings: Findings, sizes: Sizes, progress: Callable[[str], None]) -> None:
    """Every combination once per round; ratios to the first one of the same round."""
    combinations = [(batch, threads) for batch in BATCHES for threads in THREADS]
    runs: dict[tuple[int, int], list[Steady]] = {one: [] for one in combinations}
    with place() as stage, folder_bucket(stage, sizes.load_images) as bucket:
        group = group_of_this_run()
        for number in range(sizes.rounds):
            for batch, threads in combinations:
                progress(f"round {number + 1} of {sizes.rounds}: batch {batch}, {threads} fetch threads")
                settings = {
                    "EVENSCREEN_BATCH_IMAGES": str(batch),
                    "EVENSCREEN_FETCH_THREADS": str(threads),
                }
                runs[batch, threads].append(run_workers(stage, bucket, group, 2, settings))
    first = runs[combinations[0]]
    for (batch, threads), measured in runs.items():
        what = f"batch_images {batch}, fetch_threads {threads}"
        findings.add(SECTION, what, "images/s", [one.per_s for one in measured])
        findings.add(
            SECTION,
            f"{what} ÷ batch_images {BATCHES[0]}, fetch_threads {THREADS[0]}",
            "ratio",
            [ours.per_s / base.per_s for ours, base in zip(measured, first, strict=True)],
        )
        findings.add(SECTION, f"{what}: CPU per image", "ms", [one.cpu_ms for one in measured])
