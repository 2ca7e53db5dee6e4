"""`evenscreen audit`: is it even across skin types? One command for last night, any past day, any window."""

import sys
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
    typer.Option(
        formats=[*MOMENTS, "%Y-%m-%dT%H:%M:%S.%f"],
        metavar="TIME",
        help="Count what was known then, UTC.",
        show_default=False,
    ),
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
        list[str] | None,
        typer.Option(
            help="A further dimension to show: all, fst_group, fst, fst_source, site, modality, age_band, "
            "sex, body_site or device."
        ),
    ] = None,
    as_json: Json = False,
    html: Html = None,
    psql: Annotated[
        bool,
        typer.Option("--psql", help="Print the SQL to ask it with psql alone; exits as the audit does."),
    ] = False,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Compute again what is on record, the newest without --as-of.")
    ] = False,
) -> None:
    """One audit of any window, as it was known at any time."""
    if context.invoked_subcommand:
        return
    from evenscreen.infra.show.sql import statements
    from evenscreen.pipeline.audit.ask import Asked, answer
    from evenscreen.pipeline.audit.plan import load_plan
    from evenscreen.pipeline.audit.result import EXIT_CODES

    _check_dimensions(by or [])
    asked = Asked(load_plan(plan), model, *map(_utc, (since, until, as_of)))
    engine = _engine(_settings())
    found = answer(engine, asked, recompute=recompute, keep=_keeps(engine))
    if psql:
        print(statements(found.subject))
        raise typer.Exit(EXIT_CODES[found.conclusion])
    _print(found, as_json, by or [])
    if html:
        _write_page(found, engine, html)
    raise typer.Exit(EXIT_CODES[found.conclusion])


@app.command()
def hourly() -> None:
    """For cron, every hour, where people ask by day: adds what was known at the last full hour to the sums.

    Nothing but the speed of answers depends on it.
    """
    from evenscreen.pipeline.audit.night import add_up

    entries = add_up(_engine(_settings()), datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
    print(f"{entries:,} entries were added to the sums.")


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
    exit_zero: Annotated[
        bool,
        typer.Option(
            "--exit-zero", help="Exit with 0 on any verdict, with 75 when nobody took the webhook or metrics."
        ),
    ] = False,
) -> None:
    """For cron: all that was known at the midnight with which the day began. One audit a day, on record.

    The exit code is the verdict, also when webhook or metrics file could not be told, which stderr says.
    """
    from evenscreen.infra.cli.failures import TRY_AGAIN
    from evenscreen.pipeline.audit.announce import check_address
    from evenscreen.pipeline.audit.ask import Asked
    from evenscreen.pipeline.audit.night import night
    from evenscreen.pipeline.audit.plan import load_plan
    from evenscreen.pipeline.audit.result import EXIT_CODES
    from evenscreen.pipeline.audit.tell import announce
    from evenscreen.pipeline.audit.window import midnight

    settings, today = _settings(), midnight(datetime.now(UTC))
    asked = Asked(load_plan(plan), model, as_of=midnight(_utc(day) or today))
    if settings.audit_webhook:
        check_address(settings.audit_webhook, settings.audit_webhook_secret.get_secret_value())
    engine = _engine(settings)
    found = night(engine, asked)
    _print(found, as_json, [])
    problems = announce(engine, found, settings) if asked.as_of == today else []
    for problem in problems:
        print(f"evenscreen: {problem}", file=sys.stderr)
    if html:
        _write_page(found, engine, html)
    if exit_zero:
        raise typer.Exit(TRY_AGAIN if problems else 0)
    raise typer.Exit(EXIT_CODES[found.conclusion])


@app.command()
def compare(
    reference: Annotated[str, typer.Argument(help="Model version that the other is held against.")],
    candidate: Annotated[str, typer.Argument(help="Model version that may take its place.")],
    as_of: AsOf = None,
    plan: PlanName = "default",
    signed_by: Annotated[
        str | None, typer.Option(help="Who answers for groups without evidence.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON on stdout, with every positive newly missed.")
    ] = False,
) -> None:
    """Two models on the images that both screened: may the second replace the first?

    Exit codes: 0 it may, 10 it is worse for somebody, 11 not known, 12 images or outcomes are missing.
    """
    from evenscreen.infra.show.two_models import show_two_models
    from evenscreen.pipeline.audit.ask import Asked, compared
    from evenscreen.pipeline.audit.paired import EXIT_CODES
    from evenscreen.pipeline.audit.plan import load_plan

    asked = Asked(load_plan(plan), reference, as_of=_utc(as_of))
    found = compared(_engine(_settings()), asked, candidate, signed_by)
    print(found.model_dump_json(indent=1)) if as_json else show_two_models(found)
    raise typer.Exit(EXIT_CODES[found.conclusion])


def _check_dimensions(by: list[str]) -> None:
    from evenscreen.pipeline.audit.described import DIMENSIONS

    if unknown := [name for name in by if name not in DIMENSIONS]:
        raise typer.BadParameter(
            f"there is no dimension '{unknown[0]}', but {', '.join(DIMENSIONS)}", param_hint="--by"
        )


def _settings() -> "AuditSettings":
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.schemas.settings import AuditSettings

    return settings_for(AuditSettings, "nightly")


def _engine(settings: "AuditSettings") -> "Engine":
    from evenscreen.pipeline.database import check_schema, only_views, open_database

    engine = open_database(settings.database_url, application_name="evenscreen audit", pool_size=2)
    if not only_views(engine):
        check_schema(engine)
    return engine


def _keeps(engine: "Engine") -> bool:
    """Whether an audit is put on record; says so where the role may not."""
    from evenscreen.pipeline.database import only_views

    if not only_views(engine):
        return True
    print(
        "This role only reads, so nothing is put on record: a member of evenscreen_nightly does that.",
        file=sys.stderr,
    )
    return False


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


def _print(found: "Audit", as_json: bool, by: list[str]) -> None:
    from evenscreen.infra.show.audit import show_audit
    from evenscreen.infra.show.audit_json import audit_json

    print(audit_json(found), flush=True) if as_json else show_audit(found, by)


def _write_page(found: "Audit", engine: "Engine", html: Path) -> None:
    from evenscreen.infra.show.audit_page import page
    from evenscreen.infra.show.svg_trend import MOST_NIGHTS
    from evenscreen.pipeline.audit.keep import manifest_of, nights
    from evenscreen.pipeline.database import transaction
    from evenscreen.schemas.errors import Fatal

    with transaction(engine) as connection:
        history, manifest = nights(connection, found, MOST_NIGHTS), manifest_of(connection, found)
    try:
        html.write_text(page(found, history, manifest), encoding="utf-8")
    except OSError as problem:
        raise Fatal(f"The report cannot be written ({type(problem).__name__}).") from None
