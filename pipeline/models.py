"""Which models have screened here."""

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from evenscreen.schemas.manifest import Manifest
from evenscreen.schemas.tables import Model


def register(connection: Connection, manifest: Manifest) -> None:
    """Makes the model known, once; terminal rows point to it. The first manifest of a version stands."""
    connection.execute(
        insert(Model)
        .values(
            model_version=manifest.model_version,
            threshold=manifest.operating_point.threshold,
            manifest=manifest.model_dump(mode="json"),
        )
        .on_conflict_do_nothing()
    )
