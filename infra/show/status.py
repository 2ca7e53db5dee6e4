"""`status` for a script and for a person."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from evenscreen.infra.show.ledger import MEANINGS, ledger_table
from evenscreen.infra.status import Status


def show_json(status: Status) -> None:
    """The stable contract: `ledger` with its eight counts, `groups` by name."""
    counts = status.ledger.model_dump(mode="json")
    print(
        json.dumps(
            {
                "ledger": {name: counts[name] for name in MEANINGS},
                "listed_at": counts["listed_at"],
                "groups": {name: asdict(group) for name, group in status.groups.items()},
                "dead_letters": status.dead_letters,
                "outbox_unpublished": status.outbox_unpublished,
            }
        )
    )


def show_people(status: Status) -> None:
    """Ledger, rejections and consumer groups as tables."""
    console = Console()
    console.print(ledger_table(status.ledger))
    walked = status.ledger.listed_at
    console.print(
        f"[dim]last complete walk: {walked:%Y-%m-%d %H:%M:%S %Z}[/]" if walked else "[dim]never walked[/]"
    )
    if status.dead_letters:
        console.print()
        table = Table("rejected because", "images", box=None, header_style="bold", pad_edge=False)
        for reason, count in status.dead_letters.items():
            table.add_row(reason, str(count))
        console.print(table)
    console.print()
    table = Table(
        "consumer group", "behind", "per second", "empty in", box=None, header_style="bold", pad_edge=False
    )
    for name, group in status.groups.items():
        empty = "not moving" if group.time_to_empty_s is None else f"{group.time_to_empty_s:g} s"
        table.add_row(name, str(group.lag), f"{group.rate_per_s:g}", empty)
    console.print(table)
    if status.outbox_unpublished:
        console.print(
            f"{status.outbox_unpublished} messages wait in the outbox: run `evenscreen worker outbox`"
        )
