"""Throughput and CPU at full load: workers beside bare loops, one after the other, round by round."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from bare_runs import run_bare
from figure import Findings, Goal
from photographs import Bucket, folder_bucket, s3_bucket
from place import Place, place
from sizes import Sizes
from steady import Steady
from worker_runs import group_of_this_run, run_workers

from evenscreen.schemas.settings import ScreeningSettings

Progress = Callable[[str], None]
BATCH: int = ScreeningSettings.model_fields["batch_images"].default
PROCESSES = (1, 2)


def measure_folder(findings: Findings, sizes: Sizes, progress: Progress) -> None:
    """On `file://`; the goals of throughput and CPU are set here."""
    rounds = _rounds(sizes, progress, folder_bucket)
    _tell(findings, "file:// at full load", rounds, Goal(0.95, "at least"), Goal(1.15, "at most"))


def measure_s3(findings: Findings, sizes: Sizes, progress: Progress) -> None:
    """On `s3://`, served by a Versity Gateway on the same cores. Raises `Fatal` where Go is missing."""
    _tell(findings, "s3:// at full load", _rounds(sizes, progress, s3_bucket), None, None)


Rounds = list[dict[tuple[str, int], Steady]]


def _rounds(
    sizes: Sizes, progress: Progress, filled: Callable[[Place, int], AbstractContextManager[Bucket]]
) -> Rounds:
    rounds: Rounds = []
    with place() as stage, filled(stage, sizes.load_images) as bucket:
        group = group_of_this_run()
        keys = [event.key for event in bucket.events]
        for number in range(sizes.rounds):
            rounds.append({})
            for processes in PROCESSES:
                progress(f"round {number + 1} of {sizes.rounds}: {processes} × bare loop")
                rounds[-1]["bare", processes] = run_bare(
                    keys, bucket.environment, processes=processes, batch=BATCH
                )
                progress(f"round {number + 1} of {sizes.rounds}: {processes} × worker")
                rounds[-1]["worker", processes] = run_workers(stage, bucket, group, processes)
    return rounds


def _tell(
    findings: Findings, section: str, rounds: Rounds, throughput: Goal | None, cpu: Goal | None
) -> None:
    for processes in PROCESSES:
        bare = [one["bare", processes] for one in rounds]
        worker = [one["worker", processes] for one in rounds]
        pairs = list(zip(worker, bare, strict=True))
        many = "one worker" if processes == 1 else f"{processes} workers"
        loops = "one bare loop" if processes == 1 else f"{processes} bare loops"
        findings.add(section, f"{loops}", "images/s", [one.per_s for one in bare])
        findings.add(section, f"{many}", "images/s", [one.per_s for one in worker])
        findings.add(
            section,
            f"throughput: {many} ÷ {loops}",
            "ratio",
            [ours.per_s / theirs.per_s for ours, theirs in pairs],
            throughput if processes == max(PROCESSES) else None,
        )
        findings.add(section, f"CPU per image: {loops}", "ms", [one.cpu_ms for one in bare])
        findings.add(section, f"CPU per image: {many}", "ms", [one.cpu_ms for one in worker])
        findings.add(
            section,
            f"CPU per image: {many} ÷ {loops}",
            "ratio",
            [ours.cpu_ms / theirs.cpu_ms for ours, theirs in pairs],
            cpu,
        )
    for server in rounds[0]["worker", max(PROCESSES)].others_cpu_ms:
        findings.add(
            section,
            f"CPU per image: {server}, on the same cores",
            "ms",
            [one["worker", max(PROCESSES)].others_cpu_ms[server] for one in rounds],
        )
