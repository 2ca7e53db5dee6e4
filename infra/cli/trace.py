"""`evenscreen trace`: everything known about one image."""

from typing import Annotated

import typer


def trace(
    what: Annotated[
        str, typer.Argument(metavar="FILE|ID", help="A file, a key of the bucket, or a screening id.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Everything known about one image, from arrival to terminal row."""
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.trace import show_json, show_people
    from evenscreen.infra.tracing import TraceSettings, find
    from evenscreen.pipeline.trace import is_known

    found = find(what, settings_for(TraceSettings, "operator"))
    show_json(found) if as_json else show_people(found)
    if not is_known(found):
        raise typer.Exit(1)
