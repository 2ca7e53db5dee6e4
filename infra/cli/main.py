"""The command line. One file per command group; each imports what it needs when it runs: help is instant.

Exit codes (docs/RUNBOOK.md): 0 done · 1 done, with something to look at · 2 usage · 66 no such input ·
69 breaker open · 70 a defect of ours · 75 a part does not answer, try again · 78 configuration · 130 Ctrl-C.
"""

import sys

import typer

from evenscreen.infra.cli import db, demo, doors, model, screen, stack, status, trace, worker
from evenscreen.infra.cli.failures import sentence_and_code

app = typer.Typer(
    name="evenscreen",
    help="Screen medical images as they arrive, and prove that the screening is even across skin types.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

LOCAL = "The stack"
IMAGES = "Images"
PROCESSES = "Processes"
ADMINISTRATION = "Administration"

app.command("demo", rich_help_panel=LOCAL)(demo.demo)
app.command("up", rich_help_panel=LOCAL)(stack.up)
app.command("status", rich_help_panel=LOCAL)(status.status)
app.command("down", rich_help_panel=LOCAL)(stack.down)
app.command("screen", rich_help_panel=IMAGES)(screen.screen)
app.command("drop", rich_help_panel=IMAGES)(doors.drop)
app.command("trace", rich_help_panel=IMAGES)(trace.trace)
app.command("watch", rich_help_panel=PROCESSES)(doors.watch)
app.add_typer(worker.app, name="worker", rich_help_panel=PROCESSES)
app.command("reconcile", rich_help_panel=PROCESSES)(doors.reconcile)
app.add_typer(db.app, name="db", rich_help_panel=ADMINISTRATION)
app.add_typer(model.app, name="model", rich_help_panel=ADMINISTRATION)


def main() -> None:
    """Entry point: every failure is a sentence on stderr and an exit code."""
    try:
        app()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place that can tell a person
        sentence, code = sentence_and_code(error)
        if sentence:
            print(f"evenscreen: {sentence}", file=sys.stderr)
        sys.exit(code)
