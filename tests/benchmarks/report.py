"""The result as a table for people, and as JSON for machines."""

import json
from collections.abc import Iterable
from pathlib import Path

from figure import Figure, Findings, Goal
from rich.console import Console
from rich.table import Table

MET = {True: "met", False: "missed", None: ""}


def show(findings: Findings, console: Console) -> None:
    """One table, one row per figure, in the order measured."""
    table = Table(box=None, header_style="bold")
    for name in ("what", "median", "min – max", "rounds", "goal", ""):
        table.add_column(name, justify="left" if name in ("what", "") else "right")
    section = ""
    for figure in findings.figures:
        if figure.section != section:
            section = figure.section
            table.add_row(f"[bold]{section}[/]")
        style = "red" if figure.met is False else ""
        table.add_row("  " + figure.what, *_cells(figure), MET[figure.met], style=style)
    console.print(table)
    for name, why in findings.skipped.items():
        console.print(f"[yellow]{name}: skipped. {why}")


def markdown(findings: Findings) -> str:
    """One table per section, each followed by its notes."""
    parts = []
    for section in dict.fromkeys(figure.section for figure in findings.figures):
        figures = [figure for figure in findings.figures if figure.section == section]
        rows = [f"| {figure.what} | {' | '.join(_cells(figure))} | {MET[figure.met]} |" for figure in figures]
        head = "| | median | min – max | rounds | goal | |\n|---|--:|--:|--:|--:|---|"
        parts.append("\n".join([f"### {section[0].upper()}{section[1:]}", "", head, *rows]))
        parts.extend(_notes(figures))
    parts.extend(f"### {name}\n\nNot measured: {why}" for name, why in findings.skipped.items())
    return "\n\n".join(parts) + "\n"


def write_json(path: Path, machine: dict[str, str], findings: Findings) -> None:
    """Machine, every round of every figure, and what was skipped."""
    content = {
        "machine": machine,
        "figures": [figure.as_json() for figure in findings.figures],
        "skipped": findings.skipped,
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    spread = f"{number(min(figure.rounds))} – {number(max(figure.rounds))}" if len(figure.rounds) > 1 else ""
    unit = "" if figure.unit == "ratio" else f" {figure.unit}"
    return (
        number(figure.median) + unit,
        spread,
        str(len(figure.rounds)),
        _bound(figure.goal) + unit if figure.goal else "",
    )


def _bound(goal: Goal) -> str:
    sign = {"at most": "≤", "at least": "≥", "below": "<"}[goal.side]
    return f"{sign} {goal.bound:g}"


def number(value: float) -> str:
    """Three significant digits, and never fewer than the integer has."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _notes(figures: Iterable[Figure]) -> list[str]:
    return list(dict.fromkeys(f"{figure.what}: {figure.note}." for figure in figures if figure.note))
