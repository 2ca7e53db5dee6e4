"""`make bench`: every figure beside its goal. Run by path; `--help` lists what can be chosen."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import cold
import document
import full_load
import install
import kill
import memory
import report
import sweep
import trickle
from figure import Findings
from machine import describe
from rich.console import Console
from sizes import QUICK, Sizes

from evenscreen.schemas.errors import Fatal

Section = Callable[[Findings, Sizes, Callable[[str], None]], None]
SECTIONS: dict[str, Section] = {
    "load": full_load.measure_folder,
    "s3": full_load.measure_s3,
    "trickle": trickle.measure,
    "kill": kill.measure,
    "memory": memory.measure,
    "install": install.measure,
    "cold": cold.measure,
}
WIDTH = 130
"""Of the table where nobody watches."""

ON_REQUEST: dict[str, Section] = {"sweep": sweep.measure}


def main() -> None:
    # The servers that were started must be stopped however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    given = _arguments()
    console = Console(stderr=True, highlight=False)
    sizes = QUICK if given.quick else Sizes()
    asked = {name: value for name in _names() if (value := getattr(given, name)) is not None}
    sizes = replace(sizes, **asked)
    findings, machine = Findings(), describe()
    chosen = given.only or list(SECTIONS)
    begun = time.monotonic()
    for number, name in enumerate(chosen, start=1):

        def progress(doing: str, place: str = f"[{number}/{len(chosen)}] {name}") -> None:
            console.print(f"{time.monotonic() - begun:6.0f} s  {place}: {doing}")

        try:
            {**SECTIONS, **ON_REQUEST}[name](findings, sizes, progress)
        except Fatal as reason:
            findings.skipped[name] = str(reason)
            progress(f"skipped. {reason}")
        except Exception:  # noqa: BLE001 - what the other sections measured must not be lost with this one
            console.print_exception()
            findings.skipped[name] = "this section failed; its error is on the terminal."
    report.show(findings, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))
    if given.json:
        report.write_json(given.json, machine, findings)
    if given.write:
        document.write(given.write, machine, findings, sizes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure evenscreen on this machine.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that everything works")
    parser.add_argument(
        "--only", action="append", choices=[*SECTIONS, *ON_REQUEST], help="this section (may be repeated)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round of every figure")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the document (docs/BENCHMARKS.md)")
    for field in fields(Sizes):
        kind = float if isinstance(field.default, float) else int
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, help=f"default {field.default}")
    return parser.parse_args()


def _names() -> list[str]:
    return [field.name for field in fields(Sizes)]


if __name__ == "__main__":
    main()
