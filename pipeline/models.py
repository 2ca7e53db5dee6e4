"""Which models have screened here."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest
from evenscreen.schemas.tables import Model


def register(connection: Connection, manifest: Manifest) -> None:
    """Makes the model known, once; terminal rows point to it. The first manifest of a version stands.

    Raises Fatal when this one would decide otherwise: under one version there is one threshold, or no rate of
    it means anything.
    """
    connection.execute(
        insert(Model)
        .values(
            model_version=manifest.model_version,
            threshold=manifest.operating_point.threshold,
            manifest=manifest.model_dump(mode="json"),
        )
        .on_conflict_do_nothing()
    )
    known = connection.scalars(
        select(Model.manifest).where(Model.model_version == manifest.model_version)
    ).one()
    if _decisive(Manifest.model_validate(known)) != _decisive(manifest):
        raise Fatal(
            f"{manifest.model_version} has screened here with another threshold, temperature or set of "
            "labels than its manifest says now. Restore that manifest, or publish a model of another file."
        )


def _decisive(manifest: Manifest) -> tuple[object, ...]:
    """What turns logits into a decision: decide.py."""
    return (
        manifest.operating_point.threshold,
        manifest.calibration.temperature,
        manifest.labels,
        manifest.malignant,
    )
