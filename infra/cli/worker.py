"""`evenscreen worker …`: the processes that operations scale."""

from typing import Annotated

import typer

app = typer.Typer(help="Run a worker process: screening, labels, relay or outbox.", no_args_is_help=True)

HealthPort = Annotated[
    int | None,
    typer.Option(help="Port of /healthz, /readyz and /metrics; 0 takes a free one.", show_default=False),
]


@app.command()
def screening(health_port: HealthPort = None) -> None:
    """Screen what arrives: fetch, infer, write prediction and audit record. Start as many as you like."""
    from evenscreen.consumers.screening import run_screening
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.schemas.settings import ScreeningSettings

    configure_logging()
    run_screening(settings_for(ScreeningSettings, "worker", health_port=health_port))


@app.command()
def labels(health_port: HealthPort = None) -> None:
    """Record what is reported after the image: outcomes and skin types. Start as many as you like."""
    from evenscreen.consumers.labels import run_labels
    from evenscreen.infra.cli.reached import settings_for
    from evenscreen.pipeline.log import configure_logging
    from evenscreen.schemas.settings import LabelSettings

    configure_logging()
    run_labels(settings_for(LabelSettings, "labeller", health_port=health_port))


@app.command()
def relay(health_port: HealthPort = None) -> None:
    """Turn bucket notifications (MinIO, AWS, Ceph, Versity) into arrivals."""
    from evenscreen.infra.cli.doors import run_relay

    run_relay(health_port)


@app.command()
def outbox(health_port: HealthPort = None) -> None:
    """Publish what committed transactions left in the outbox."""
    from evenscreen.infra.cli.doors import run_outbox

    run_outbox(health_port)
