"""All commands in their panels. Each imports what it needs when it runs: help is instant."""

import typer

from evenscreen.infra.cli import (
    audit,
    db,
    demo,
    doors,
    labels,
    model,
    screen,
    settings,
    stack,
    status,
    trace,
    worker,
)

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
EVIDENCE = "Evidence"
ADMINISTRATION = "Administration"

app.command("demo", rich_help_panel=LOCAL)(demo.demo)
app.command("up", rich_help_panel=LOCAL)(stack.up)
app.command("status", rich_help_panel=LOCAL)(status.status)
app.command("down", rich_help_panel=LOCAL)(stack.down)
app.command("screen", rich_help_panel=IMAGES)(screen.screen)
app.command("drop", rich_help_panel=IMAGES)(doors.drop)
app.add_typer(labels.app, name="labels", rich_help_panel=IMAGES)
app.command("trace", rich_help_panel=IMAGES)(trace.trace)
app.command("watch", rich_help_panel=PROCESSES)(doors.watch)
app.add_typer(worker.app, name="worker", rich_help_panel=PROCESSES)
app.command("reconcile", rich_help_panel=PROCESSES)(doors.reconcile)
app.add_typer(audit.app, name="audit", rich_help_panel=EVIDENCE)
app.command("settings", rich_help_panel=ADMINISTRATION)(settings.settings)
app.add_typer(db.app, name="db", rich_help_panel=ADMINISTRATION)
app.add_typer(model.app, name="model", rich_help_panel=ADMINISTRATION)
