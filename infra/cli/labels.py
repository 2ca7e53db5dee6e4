"""`evenscreen labels`: outcomes and skin types that are known after the image."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

app = typer.Typer(help="Outcomes and skin types that come after the image.", no_args_is_help=True)

By = Annotated[str | None, typer.Option(help="Who does this, as auditors will read it; default: this user.")]
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="FILE.csv (UTF-8) or FILE.parquet.")],
    bucket: Annotated[str | None, typer.Option(help="Bucket of rows that name a key alone.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of times that name none, such as Europe/Berlin.")
    ] = None,
    by: By = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and publish nothing.")] = False,
) -> None:
    """Hand a file of reports to the label workers: the whole file, or nothing of it if any row is wrong.

    A row names screening_id, or bucket and key (and etag), or accession (and issuer); reported_at (ISO 8601);
    and outcome (malignant or benign) with source, or fst. It may add diagnosis, verification_reason,
    sampling_probability, fst_source, and in supersedes the report it replaces.

    Every row is checked before the first is published, and all begin to count together, when the last has
    come. Where Kafka goes away in the middle for more than a minute, the command ends with 75, nothing of a
    file that is new counts, and audits tell of it until the same file is imported to its end. Importing a
    file again doubles nothing.
    """
    from evenscreen.infra.cli.failures import NO_INPUT, NoInput
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.doors import counting
    from evenscreen.infra.show.labels import show_checked, show_imported
    from evenscreen.pipeline.labels.check import check
    from evenscreen.pipeline.labels.problems import Unusable
    from evenscreen.pipeline.labels.rows import Reading
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.pipeline.pseudonym import Pseudonymizer
    from evenscreen.producers.label_import import LabelFile, publish_reports
    from evenscreen.producers.publish import Publisher
    from evenscreen.schemas.settings import LabelImportSettings
    from evenscreen.schemas.topics import LABELS_ARRIVED

    configure_logging()
    zone = _zone(time_zone)
    settings = settings_for(LabelImportSettings, "labeller")
    key_file = settings.pseudonym_key_file
    pseudonymizer = Pseudonymizer.load(key_file, settings.pseudonym_key_number) if key_file else None
    publisher = Publisher(settings)
    try:
        with file.open("rb") as opened:
            source = LabelFile.of(file, opened, (bucket, time_zone))
            reading = Reading(by or _user(), source.batch_id, bucket, zone, pseudonymizer)
            with counting("Checking", None) as progress:
                checked = check(source.rows(), reading, progress)
            if checked.problems.count or dry_run:
                show_checked(checked, source.batch_id)
                raise typer.Exit(NO_INPUT if checked.problems.count else 0)
            publisher.check(LABELS_ARRIVED)
            with counting("Publishing", checked.reports) as progress:
                publish_reports(source, reading, checked.reports, publisher, progress)
            show_imported(checked, source.batch_id)
    except Unusable as sentence:
        raise NoInput(str(sentence)) from None
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NoInput(f"{file}: {error.strerror}.") from None
    finally:
        publisher.close()


@app.command()
def abandon(
    batch: Annotated[
        UUID, typer.Argument(help="The batch that an audit or `labels import --dry-run FILE` names.")
    ],
    by: By = None,
) -> None:
    """Decide that a file whose import was not finished never will be imported, because it is lost or wrong.

    Nothing of it will count unless it is imported again, what had come is deleted, and audits tell of it no
    longer. Where label workers had recorded all of it before, it counts all the same: correct it by reports
    that supersede. Not while somebody imports it.
    """
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.labels import show_abandoned
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.producers.import_frame import announce
    from evenscreen.producers.publish import Publisher
    from evenscreen.schemas.events import ImportAnnounced
    from evenscreen.schemas.labels import ImportStep
    from evenscreen.schemas.settings import LabelImportSettings

    configure_logging()
    publisher = Publisher(settings_for(LabelImportSettings, "labeller"))
    try:
        announce(
            publisher,
            ImportAnnounced(
                step=ImportStep.ABANDONED,
                batch_id=batch,
                announced_by=by or _user(),
                announced_at=datetime.now(UTC),
            ),
        )
    finally:
        publisher.close()
    show_abandoned(batch)


@app.command("sample-for-verification")
def sample_for_verification(
    model: Annotated[str, typer.Option(help="Model version whose unflagged cases are drawn from.")],
    since: Annotated[datetime, typer.Option(formats=DATES, help="Begin of the window (UTC), included.")],
    until: Annotated[datetime, typer.Option(formats=DATES, help="End of the window (UTC), excluded.")],
    size: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many cases.")],
    seed: Annotated[int, typer.Option(help="The same seed draws the same cases.")],
    out: Annotated[Path | None, typer.Option(help="CSV to write; default: stdout.")] = None,
    by: By = None,
) -> None:
    """Draw unflagged cases without an outcome at random, so that someone verifies them.

    The draw is recorded with its probabilities. Fill in outcome, source and reported_at of the CSV and
    import it. The same question always gives the same cases, whatever has become known since.
    """
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.labels import write_sample
    from evenscreen.pipeline.database import check_schema, open_database, transaction
    from evenscreen.pipeline.labels.sample import draw_sample
    from evenscreen.schemas.settings import DatabaseSettings

    begin, end = (when if when.tzinfo else when.replace(tzinfo=UTC) for when in (since, until))
    if begin >= end:
        raise typer.BadParameter("--since lies before --until.")
    settings = settings_for(DatabaseSettings, "labeller")
    engine = open_database(settings.database_url, application_name="evenscreen labels", pool_size=1)
    check_schema(engine)
    with transaction(engine) as connection:
        sample = draw_sample(
            connection,
            model_version=model,
            since=begin,
            until=end,
            size=size,
            seed=seed,
            drawn_by=by or _user(),
        )
    write_sample(sample, out)


def _zone(name: str | None) -> "ZoneInfo | None":
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter("--time-zone is a name such as Europe/Berlin.") from None


def _user() -> str:
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return f"user {os.geteuid()}"
