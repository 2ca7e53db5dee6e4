"""`evenscreen audit`: is it even across skin types? One command for last night, any past day, any window."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from evenscreen.pipeline.audit.result import Audit
    from evenscreen.schemas.settings import AuditSettings

app = typer.Typer(
    help="Is the system even across skin types? Exit codes: 0 even, 10 uneven, 11 insufficient evidence or "
    "no verdict, 12 incomplete.",
    invoke_without_command=True,
)

Model = Annotated[str | None, typer.Option(help="Model version; the newest without it.", show_default=False)]
PlanName = Annotated[str, typer.Option(help="Name of a plan of the product, or a YAML file.")]
Json = Annotated[bool, typer.Option("--json", help="The audit as JSON on stdout.")]
Html = Annotated[
    Path | None, typer.Option(help="Write the report as one HTML page to this file.", show_default=False)
]
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=MOMENTS, metavar="TIME", help="Count what was known then, UTC.", show_default=False),
]


@app.callback()
def audit(
    context: typer.Context,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=MOMENTS,
            metavar="TIME",
            help="Begin of the window, UTC: 2026-04-01 or 2026-04-01T12:00:00.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=MOMENTS,
            metavar="TIME",
            help="End of the window, UTC, itself not in it.",
            show_default=False,
        ),
    ] = None,
    as_of: AsOf = None,
    model: Model = None,
    plan: PlanName = "default",
    by: Annotated[
        list[str] | None, typer.Option(help="A further dimension to show: site, device, sex, …")
    ] = None,
    as_json: Json = False,
    html: Html = None,
    psql: Annotated[bool, typer.Option("--psql", help="Print the SQL to ask it with psql alone.")] = False,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Compute again what is on record, and compare.")
    ] = False,
) -> None:
    """One audit of any window, as it was known at any time."""
    if context.invoked_subcommand:
        return
    from evenscreen.infra.show.sql import statements
    from evenscreen.pipeline.audit.ask import Asked, answer
    from evenscreen.pipeline.audit.plan import load_plan

    asked = Asked(load_plan(plan), model, *map(_utc, (since, until, as_of)))
    engine = _engine(_settings())
    found = answer(engine, asked, recompute=recompute)
    if psql:
        print(statements(found.subject))
        return
    _tell(found, engine, as_json, html, by or [])


@app.command()
def nightly(
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DAY", help="The day to look back from; today without it."
        ),
    ] = None,
    model: Model = None,
    plan: PlanName = "default",
    as_json: Json = False,
    html: Html = None,
) -> None:
    """For cron: all that was known at the midnight with which the day began. One audit a day, on record."""
    from evenscreen.pipeline.audit.ask import Asked
    from evenscreen.pipeline.audit.night import night
    from evenscreen.pipeline.audit.plan import load_plan
    from evenscreen.pipeline.audit.window import midnight

    settings = _settings()
    asked = Asked(load_plan(plan), model, as_of=midnight(_utc(day) or datetime.now(UTC)))
    engine = _engine(settings)
    _tell(night(engine, asked, settings), engine, as_json, html, [])


@app.command()
def compare(
    reference: Annotated[str, typer.Argument(help="Model version that the other is held against.")],
    candidate: Annotated[str, typer.Argument(help="Model version that may take its place.")],
    as_of: AsOf = None,
    plan: PlanName = "default",
) -> None:
    """Two models on the images that both screened. Exit codes: 0 no worse, 10 worse, 11 not known."""
    from evenscreen.infra.show.two_models import show_two_models
    from evenscreen.pipeline.audit.ask import Asked, compared
    from evenscreen.pipeline.audit.plan import load_plan
    from evenscreen.pipeline.audit.two_models import EXIT_CODES

    asked = Asked(load_plan(plan), reference, as_of=_utc(as_of))
    found = compared(_engine(_settings()), asked, candidate)
    show_two_models(found)
    raise typer.Exit(EXIT_CODES[found.conclusion])


def _settings() -> "AuditSettings":
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.schemas.settings import AuditSettings

    return settings_for(AuditSettings, "nightly")


def _engine(settings: "AuditSettings") -> "Engine":
    from evenscreen.pipeline.database import check_schema, open_database

    engine = open_database(settings.database_url, application_name="evenscreen audit", pool_size=2)
    check_schema(engine)
    return engine


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


def _tell(found: "Audit", engine: "Engine", as_json: bool, html: Path | None, by: list[str]) -> None:
    from evenscreen.infra.show.audit import show_audit
    from evenscreen.infra.show.audit_json import audit_json
    from evenscreen.pipeline.audit.result import EXIT_CODES

    if html:
        _write_page(found, engine, html)
    print(audit_json(found)) if as_json else show_audit(found, by)
    raise typer.Exit(EXIT_CODES[found.conclusion])


def _write_page(found: "Audit", engine: "Engine", html: Path) -> None:
    from evenscreen.infra.show.audit_page import page
    from evenscreen.pipeline.audit.keep import manifest_of, nights
    from evenscreen.pipeline.database import transaction
    from evenscreen.schemas.errors import Fatal

    with transaction(engine) as connection:
        history, manifest = nights(connection, found), manifest_of(connection, found)
    try:
        html.write_text(page(found, history, manifest), encoding="utf-8")
    except OSError as problem:
        raise Fatal(f"The report cannot be written ({type(problem).__name__}).") from None
