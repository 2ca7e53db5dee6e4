"""How every report on a terminal begins: what it is about, and whether every image is in it."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from evenscreen.infra.show.ledger import ledger_table
from evenscreen.pipeline.audit.imports import sentences
from evenscreen.pipeline.audit.result import Completeness

PIPED_WIDTH = 120


def report_console() -> Console:
    """Standard output; `PIPED_WIDTH` columns wide where nobody looks at it."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def opened(subject: Iterable[str], completeness: Completeness) -> Console:
    """A console on which the lines of `subject` and the ledger stand already."""
    console = report_console()
    for line in subject:
        console.print(escape(line), highlight=False)
    console.print("\n[bold]Completeness[/]")
    console.print(ledger_table(completeness.ledger))
    tone = "" if completeness.complete else "yellow"
    console.print(escape(completeness.sentence), style=tone, highlight=False)
    for sentence in sentences(completeness.unfinished_imports):
        console.print(escape(sentence), style="yellow", highlight=False)
    return console
