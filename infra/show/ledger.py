"""The ledger as a table."""

from rich.table import Table

from evenscreen.pipeline.ledger import Ledger

MEANINGS = {
    "known": "listed or arrived",
    "listed": "seen by the last complete walk of the bucket",
    "arrived": "announced by a door",
    "screened": "have a prediction",
    "rejected": "dead-lettered, with a reason",
    "superseded": "replaced before they could be fetched",
    "in_flight": "arrived, not finished yet",
    "missing": "in the bucket, never announced: run `evenscreen reconcile`",
}


def ledger_table(ledger: Ledger) -> Table:
    """The ledger with the meaning of each count."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, meaning in MEANINGS.items():
        count = getattr(ledger, name)
        table.add_row(
            name.replace("_", " "), f"[red]{count}[/]" if name == "missing" and count else str(count), meaning
        )
    return table
