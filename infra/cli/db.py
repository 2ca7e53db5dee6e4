"""`evenscreen db`: the schema of the database."""

import typer

app = typer.Typer(help="The schema of the database.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database to the schema of this version; safe to repeat and to run twice at once.

    EVENSCREEN_DATABASE_URL must name the owner of the database, the first time a role that may create roles.
    """
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.migrations import HEAD
    from evenscreen.migrations import upgrade as upgrade_database
    from evenscreen.pipeline.database import scrubbed
    from evenscreen.schemas.settings import DatabaseSettings

    settings = settings_for(DatabaseSettings, "owner")
    with scrubbed():
        upgrade_database(settings.database_url.get_secret_value())
    print(f"The database is at revision {HEAD}.")


@app.command()
def current() -> None:
    """Print the revision of the database and the one that this version needs; exit 1 when they differ."""
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.migrations import HEAD
    from evenscreen.migrations import current as revision_of
    from evenscreen.pipeline.database import scrubbed
    from evenscreen.schemas.settings import DatabaseSettings

    settings = settings_for(DatabaseSettings, "owner")
    with scrubbed():
        found = revision_of(settings.database_url.get_secret_value())
    print(f"The database is at revision {found or '(none)'}; this version needs {HEAD}.")
    if found != HEAD:
        raise typer.Exit(1)
