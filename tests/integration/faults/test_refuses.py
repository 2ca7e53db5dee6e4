"""A worker that cannot do its work says why in one sentence and ends with 78: nothing is taken from Kafka."""

import shutil
from pathlib import Path

from evenscreen.infra.local.reach import Reach

from .clinic import Clinic


def test_a_worker_refuses_to_start_with_a_sentence(
    clinic: Clinic, tiny_model: Path, fresh_database: Reach, tmp_path: Path
) -> None:
    changed = shutil.copytree(tiny_model, tmp_path / "changed")
    with (changed / "model.onnx").open("ab") as file:
        file.write(b"\0")
    urls = fresh_database.database_urls
    refused = {
        "the folder was changed after it was built": clinic.crew.start(model=str(changed)),
        "has no readable manifest.json": clinic.crew.start(model=str(tmp_path)),
        "does not exist": clinic.crew.start(bucket=(tmp_path / "nowhere").as_uri()),
        "The role may not use the schema": clinic.crew.start(database_url=urls["auditor"]),
        "the role lacks a right": clinic.crew.start(database_url=urls["door"]),
        "EVENSCREEN_BATCH_IMAGES is wrong": clinic.crew.start(batch_images="0"),
    }
    for sentence, worker in refused.items():
        assert worker.exit_code() == 78
        assert sentence in worker.output
        assert "Traceback" not in worker.output
    clinic.database.execute("UPDATE alembic_version SET version_num = '9999'")
    worker = clinic.crew.start()
    assert worker.exit_code() == 78
    assert "run `evenscreen db upgrade`" in worker.output
    assert clinic.group.committed() in ({}, clinic.group.start)
