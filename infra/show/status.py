"""`status` for a script and for a person."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evenscreen.infra.groups import GroupProgress
from evenscreen.infra.show.ledger import MEANINGS, ledger_table
from evenscreen.infra.status import OK, Counts, Status


def show_json(status: Status) -> None:
    """The stable contract: `parts`, `ledger` with its eight counts, `groups` by name; null where unknown."""
    counts = status.counts
    ledger = counts.ledger.model_dump(mode="json") if counts else None
    groups = status.groups
    print(
        json.dumps(
            {
                "parts": status.parts,
                "ledger": {name: ledger[name] for name in MEANINGS} if ledger else None,
                "listed_at": ledger["listed_at"] if ledger else None,
                "groups": {name: asdict(group) for name, group in groups.items()} if groups else None,
                "dead_letters": counts.dead_letters if counts else None,
                "outbox_unpublished": counts.outbox_unpublished if counts else None,
            }
        )
    )


def show_people(status: Status) -> None:
    """What is wrong first; then ledger, rejections and consumer groups as tables."""
    console = Console()
    for part, sentence in status.parts.items():
        if sentence != OK:
            console.print(f"[red]{part}[/]: {escape(sentence)}")
    if status.counts is not None:
        _show_counts(console, status.counts)
    if status.groups is not None:
        _show_groups(console, status.groups)


def _show_counts(console: Console, counts: Counts) -> None:
    console.print(ledger_table(counts.ledger))
    walked = counts.ledger.listed_at
    when = f"last complete walk: {walked:%Y-%m-%d %H:%M:%S %Z}" if walked else "the bucket was never walked"
    console.print(f"[dim]{when}[/]\n")
    if counts.dead_letters:
        table = Table("rejected because", "events", box=None, header_style="bold", pad_edge=False)
        for reason, count in counts.dead_letters.items():
            table.add_row(reason, str(count))
        console.print(table, "")
    if counts.outbox_unpublished:
        console.print(
            f"{counts.outbox_unpublished} messages wait in the outbox: run `evenscreen worker outbox`\n"
        )


def _show_groups(console: Console, groups: Mapping[str, GroupProgress]) -> None:
    headings = ("consumer group", "processes", "behind", "per second", "empty in")
    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for name, group in groups.items():
        empty = "not moving" if group.time_to_empty_s is None else f"{group.time_to_empty_s:g} s"
        table.add_row(name, str(group.members), str(group.lag), f"{group.rate_per_s:g}", empty)
    console.print(table)
