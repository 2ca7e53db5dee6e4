"""Under one version a model decides in one way, or no rate of it means anything."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from evenscreen.pipeline.database import transaction
from evenscreen.pipeline.model import read_manifest
from evenscreen.pipeline.models import register
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest

from ...models import build_tiny_model


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(build_tiny_model(tmp_path / "model"))


def changed(manifest: Manifest, section: str, **fields: Any) -> Manifest:
    return manifest.model_copy(update={section: getattr(manifest, section).model_copy(update=fields)})


def test_a_model_is_registered_once_and_its_first_manifest_stands(
    engine_of: Callable[[str], Engine], owner: Engine, manifest: Manifest
) -> None:
    retold = manifest.model_copy(update={"intended_use": "told in other words"})
    for one in (manifest, retold):
        with transaction(engine_of("worker")) as connection:
            register(connection, one)
    with transaction(owner) as connection:
        (stored,) = connection.scalars(text("SELECT manifest FROM models"))
    assert Manifest.model_validate(stored) == manifest


DECISIVE: list[Callable[[Manifest], Manifest]] = [
    lambda manifest: changed(manifest, "operating_point", threshold=4_321),
    lambda manifest: changed(manifest, "calibration", temperature=1.75),
    lambda manifest: manifest.model_copy(update={"labels": manifest.labels[::-1]}),
    lambda manifest: manifest.model_copy(update={"malignant": manifest.labels}),
]


@pytest.mark.parametrize("otherwise", DECISIVE)
def test_a_version_that_would_decide_otherwise_is_refused(
    engine_of: Callable[[str], Engine], manifest: Manifest, otherwise: Callable[[Manifest], Manifest]
) -> None:
    with transaction(engine_of("worker")) as connection:
        register(connection, manifest)
    with (
        pytest.raises(Fatal, match="is registered here with another threshold"),
        transaction(engine_of("worker")) as connection,
    ):
        register(connection, otherwise(manifest))


def test_a_manifest_that_a_later_version_registered_is_no_obstacle(
    engine_of: Callable[[str], Engine], manifest: Manifest
) -> None:
    later = manifest.model_dump(mode="json") | {"unheard_of": True}
    with transaction(engine_of("worker")) as connection:
        connection.execute(
            text(
                "INSERT INTO models (model_version, threshold, manifest) VALUES (:version, :threshold, :all)"
            ),
            {
                "version": manifest.model_version,
                "threshold": manifest.operating_point.threshold,
                "all": json.dumps(later),
            },
        )
        register(connection, manifest)
