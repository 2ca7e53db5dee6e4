"""`evenscreen up` and `evenscreen down`: the embedded stack of Kafka, PostgreSQL and a bucket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evenscreen.infra.local.reach import Reach
    from evenscreen.infra.local.stack import Progress


def up(
    as_json: Annotated[
        bool, typer.Option("--json", help="Addresses and credentials for scripts, on stdout.")
    ] = False,
) -> None:
    """Start Kafka, PostgreSQL and a bucket on this machine, or find them running; safe to repeat.

    A part is external, and only made ready, where EVENSCREEN_KAFKA, EVENSCREEN_DATABASE_URL or
    EVENSCREEN_BUCKET names it. Everything lives in EVENSCREEN_STATE_DIR.
    """
    from evenscreen.infra.local import stack
    from evenscreen.infra.local.settings import StackSettings

    settings = StackSettings()
    with _progress() as progress:
        reach = stack.up(settings, progress)
    if as_json:
        found = reach.model_dump(mode="json", include={"kafka", "bucket", "database_urls"})
        found["database_url"] = reach.database_urls["owner"]
        typer.echo(json.dumps({**found, "state_dir": str(settings.root)}))
    else:
        _show(reach, settings.root / "stack.json")


def down() -> None:
    """Stop what `up` started in EVENSCREEN_STATE_DIR; data stays and the next `up` goes on with it."""
    from evenscreen.infra.local import stack
    from evenscreen.infra.local.settings import StackSettings

    settings = StackSettings()
    stopped: set[str] = set()
    with _progress() as progress:

        def tell(part: str, what: str, lasting: bool) -> None:
            stopped.add(part)
            progress(part, what, lasting)

        stack.down(settings, tell)
    if not stopped:
        typer.echo(f"Nothing was running in {settings.root}.", err=True)


def _show(reach: "Reach", stack_file: object) -> None:
    """How to reach each part, for people: without passwords."""
    database = reach.database_urls["owner"].rsplit("@", 1)[-1]
    for name, value in (
        ("Kafka", reach.kafka),
        ("PostgreSQL", database),
        ("bucket", reach.bucket),
        ("credentials", stack_file),
    ):
        typer.echo(f"{name:<12} {value}")


@contextmanager
def _progress() -> Iterator["Progress"]:
    """One line per part on stderr; on a terminal a spinner names what is being waited for."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    doing: dict[str, str] = {}
    with console.status("starting") as status:

        def progress(part: str, what: str, lasting: bool) -> None:
            if lasting:
                doing.pop(part, None)
                console.print(f"{part:<12} {what}")
            else:
                doing[part] = what
            status.update(", ".join(f"{name}: {now}" for name, now in doing.items()) or "finishing")

        yield progress
