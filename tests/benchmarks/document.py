"""docs/BENCHMARKS.md: the figures of one run, with what they were measured on and how."""

from pathlib import Path

from figure import Findings
from report import markdown
from sizes import QUICK, Sizes

HEAD = """# Benchmarks

`make bench` measures this on a machine of your own and takes about a quarter of an hour; this page is
written by `make bench` itself (`python tests/benchmarks/run.py --write docs/BENCHMARKS.md`). Absolute
figures belong to one machine. What carries over are ratios: whatever is compared runs one after the other,
round by round, and the median of the rounds' ratios speaks, beside the smallest and the largest.
"""

HOW = """## How it is measured

- **Bare loop**: one process that reads, decodes, preprocesses and infers the same files with the worker's
  own functions, session options and batch size; no broker, no database, no ETag, no side-car. On `s3://`
  it fetches with the worker's own boto3 client, one after the other.
- **Worker**: `evenscreen worker screening`, one or two processes, on a real broker and a real database that
  share the machine's cores. The workers hold their partitions before the events come, all at once.
- **Images per second** count from 10 % to 90 % of a run's images: terminal rows by `recorded_at`, or the
  bare loop's own clock. The start of a process is in no figure.
- **CPU per image** is user and system time of the processes named, over the same window.
- **Latency** runs from the file's rename (its ctime) to the worker's log line `image screened`, which is
  written after the commit.
- **Photographs** are the 100 of the demo, repeated under other keys, each with its metadata.
"""


def write(path: Path, machine: dict[str, str], findings: Findings, sizes: Sizes) -> None:
    """Replace `path` by the document of this run."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    warning = "\n**A quick run: it shows that everything works, its figures mean nothing.**\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"{HEAD}{warning if sizes == QUICK else ''}\n"
        f"## Machine\n\n| | |\n|---|---|\n{rows}\n\n"
        f"## Figures\n\n{markdown(findings)}\n{HOW}"
    )
