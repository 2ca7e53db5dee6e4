"""`evenscreen status`: is everything accounted for, and how far behind are the workers?"""

from typing import Annotated

import typer


def status(
    as_json: Annotated[bool, typer.Option("--json", help="The stable contract for scripts.")] = False,
    sample_s: Annotated[float, typer.Option(min=0.1, help="Seconds over which rates are measured.")] = 2.0,
) -> None:
    """Parts, ledger, consumer groups: is every image accounted for, and how far behind are the workers?"""
    from evenscreen.infra.cli.failures import TRY_AGAIN
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.status import show_json, show_people
    from evenscreen.infra.status import StatusSettings, collect

    found = collect(settings_for(StatusSettings, "operator"), sample_s)
    show_json(found) if as_json else show_people(found)
    if not found.healthy:
        raise typer.Exit(TRY_AGAIN)
