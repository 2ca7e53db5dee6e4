"""Which models have screened here."""

from collections.abc import Mapping
from typing import Any

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
    known = select(Model.manifest).where(Model.model_version == manifest.model_version)
    # As they are: a manifest may have been registered by a version of evenscreen that knows more of it.
    if _decisive(connection.scalars(known).one()) != _decisive(manifest.model_dump(mode="json")):
        raise Fatal(
            f"{manifest.model_version} is registered here with another threshold, temperature or set of "
            "labels than its manifest says now. Restore that manifest, or publish it under another name."
        )


def _decisive(manifest: Mapping[str, Any]) -> tuple[object, ...]:
    """What turns logits into a decision: decide.py."""
    return (
        manifest["operating_point"]["threshold"],
        manifest["calibration"]["temperature"],
        manifest["labels"],
        manifest["malignant"],
    )
