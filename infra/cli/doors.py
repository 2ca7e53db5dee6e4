"""The doors on the command line: relays, the watched folder, the reconciler, and `drop`."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def run_relay(health_port: int | None) -> None:
    """`worker relay`: until SIGTERM or SIGINT."""
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.pipeline.database import check_schema, open_database
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.pipeline.store import open_stores
    from evenscreen.producers.duty import on_duty
    from evenscreen.producers.notification_relay import NotificationRelay
    from evenscreen.producers.publish import Publisher
    from evenscreen.schemas.settings import RelaySettings
    from evenscreen.schemas.topics import IMAGES_ARRIVED

    configure_logging()
    settings = settings_for(RelaySettings, "door", health_port=health_port)
    engine = open_database(settings.database_url, application_name="evenscreen relay", pool_size=1)
    publisher = Publisher(settings)
    with on_duty("relay", settings) as duty:
        duty.ride_out(lambda: check_schema(engine))
        duty.ride_out(lambda: publisher.check(IMAGES_ARRIVED))
        NotificationRelay(settings, open_stores(settings), engine, publisher, duty).run()
    publisher.close()


def run_outbox(health_port: int | None) -> None:
    """`worker outbox`: until SIGTERM or SIGINT."""
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.pipeline.database import check_schema, open_database
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.producers.duty import on_duty
    from evenscreen.producers.outbox_relay import run_outbox_relay
    from evenscreen.producers.publish import Publisher
    from evenscreen.schemas.settings import OutboxSettings
    from evenscreen.schemas.topics import EXPLANATIONS_REQUESTED

    configure_logging()
    settings = settings_for(OutboxSettings, "worker", health_port=health_port)
    engine = open_database(settings.database_url, application_name="evenscreen outbox", pool_size=1)
    publisher = Publisher(settings)
    with on_duty("outbox", settings) as duty:
        duty.ride_out(lambda: check_schema(engine))
        duty.ride_out(lambda: publisher.check(EXPLANATIONS_REQUESTED))
        run_outbox_relay(settings, engine, publisher, duty)
    publisher.close()


def watch(
    sidecar: Annotated[
        str | None, typer.Option(help="off, optional or required: whether an image waits for IMAGE.json.")
    ] = None,
    health_port: Annotated[
        int | None, typer.Option(help="Port of /healthz, /readyz and /metrics; 0 takes a free one.")
    ] = None,
) -> None:
    """Announce what is dropped into the folder bucket, until Ctrl-C."""
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.pipeline.store import open_stores
    from evenscreen.producers.drop_folder import DropFolder, watched_folder
    from evenscreen.producers.duty import on_duty
    from evenscreen.producers.publish import Publisher
    from evenscreen.schemas.settings import FolderSettings
    from evenscreen.schemas.topics import IMAGES_ARRIVED, LABELS_ARRIVED

    configure_logging()
    settings = settings_for(FolderSettings, "door", sidecar=sidecar, health_port=health_port)
    folder = watched_folder(settings)
    stores = open_stores(settings.model_copy(update={"bucket": folder.as_uri()}))
    publisher = Publisher(settings)
    with on_duty("watch", settings) as duty:
        (store,) = stores.values()
        duty.ride_out(store.check)
        duty.ride_out(lambda: publisher.check(IMAGES_ARRIVED, LABELS_ARRIVED))
        DropFolder(settings, store, publisher, duty).run()
    publisher.close()


def reconcile(
    grace_s: Annotated[
        float | None, typer.Option(help="Leave younger images to the doors and workers, in seconds.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Walk the bucket and announce what was lost on the way. Safe at any time, as often as you like."""
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.doors import counting, show_reconciled
    from evenscreen.pipeline.database import check_schema, open_database
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.pipeline.store import open_stores
    from evenscreen.producers.publish import Publisher
    from evenscreen.producers.reconciler import reconcile as walk
    from evenscreen.schemas.settings import ReconcilerSettings
    from evenscreen.schemas.topics import IMAGES_ARRIVED

    configure_logging()
    settings = settings_for(ReconcilerSettings, "door", reconcile_grace_s=grace_s)
    engine = open_database(settings.database_url, application_name="evenscreen reconcile", pool_size=1)
    check_schema(engine)
    publisher = Publisher(settings)
    publisher.check(IMAGES_ARRIVED)
    with counting("Walking", None) as progress:
        report = walk(settings, open_stores(settings), engine, publisher, progress)
    publisher.close()
    show_reconciled(report, as_json=as_json)


def drop(
    paths: Annotated[list[Path], typer.Argument(help="Image files, or folders of images.")],
    prefix: Annotated[str, typer.Option(help="Folder within the bucket, such as ward-3/2026.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace images that stand there.")] = False,
    fst: Annotated[str | None, typer.Option(help="Fitzpatrick skin type, 1-6 or I-VI.")] = None,
    fst_source: Annotated[
        str | None, typer.Option(help="reported (default), estimated or simulated.")
    ] = None,
    patient: Annotated[str | None, typer.Option(help="Identifier; stored as a pseudonym only.")] = None,
    accession: Annotated[
        str | None, typer.Option(help="Accession number; stored as a pseudonym only.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Who issued the identifiers.")] = None,
    site: Annotated[str | None, typer.Option(help="Clinic or hospital.")] = None,
    device: Annotated[str | None, typer.Option(help="Camera or dermatoscope.")] = None,
    modality: Annotated[str | None, typer.Option(help="dermoscopy, clinical or smartphone.")] = None,
    age: Annotated[str | None, typer.Option(help="Age in years.")] = None,
    sex: Annotated[str | None, typer.Option(help="female, male or other.")] = None,
    body_site: Annotated[str | None, typer.Option(help="Where on the body.")] = None,
    acquired_at: Annotated[str | None, typer.Option(help="When, as 2026-11-21T12:30:00+01:00.")] = None,
) -> None:
    """Put images into the bucket. Side-cars (IMAGE.jpg.json) beside them come along, and win over options."""
    given = {
        "fst": fst,
        "fst_source": fst_source,
        "patient": patient,
        "accession": accession,
        "issuer": issuer,
        "site": site,
        "device": device,
        "modality": modality,
        "age": age,
        "sex": sex,
        "body_site": body_site,
        "acquired_at": acquired_at,
    }
    from evenscreen.infra.cli.failures import NoInput
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.infra.show.doors import counting, show_dropped
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.producers import drop as dropping
    from evenscreen.producers.drop_plan import Refused, check_options, plan
    from evenscreen.schemas.settings import ImageSettings

    configure_logging()
    options = {name: value for name, value in given.items() if value is not None}
    try:
        check_options(options)
    except Refused as refused:
        raise typer.BadParameter(str(refused)) from None
    settings = settings_for(ImageSettings, "door")
    try:
        drops = plan(paths, prefix, options, dropping.pseudonymizer(settings))
        with counting("Storing", len(drops)) as progress:
            dropped = dropping.drop(drops, dropping.only_store(settings), replace=replace, progress=progress)
    except Refused as refused:
        raise NoInput(str(refused)) from None
    raise typer.Exit(show_dropped(dropped))
