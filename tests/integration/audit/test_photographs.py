"""Real photographs of real people through the real pipeline: what an audit of them can and cannot say."""

import csv
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from evenscreen.compression.photographs import Row, labelled_rows
from evenscreen.infra.local.reach import Reach, environment
from evenscreen.infra.show.audit import show_audit
from evenscreen.pipeline.audit.ask import Asked, answer
from evenscreen.pipeline.audit.plan import load_plan
from evenscreen.pipeline.audit.result import EXIT_CODES, Audit, GroupDescription
from evenscreen.pipeline.database import open_database, transaction
from evenscreen.pipeline.store.sidecar import render_sidecar
from evenscreen.schemas.topics import LABELS_ARRIVED

from ..conftest import StackHandle
from ..faults.clinic import Clinic
from ..faults.conftest import open_clinic
from ..faults.group import Group
from ..faults.workers import EVENSCREEN, eventually

PHOTOGRAPHS = Path(__file__).parents[4] / "shared" / "data" / "pad_ufes_300"
SHIPPED = Path(__file__).parents[3] / "compression" / "shipped"
REPORTED_AT = datetime.now(UTC) - timedelta(days=20)
DROPPED = 20
"""One event of so many never reaches the topic."""


@pytest.fixture
def clinic(stack_handle: StackHandle, fresh_database: Reach, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic with the shipped model, a screening worker and a label worker, both at work."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"no photographs of PAD-UFES-20: ln -s FOLDER {PHOTOGRAPHS}")
    with open_clinic(stack_handle.state, fresh_database, SHIPPED, tmp_path) as opened:
        labels = Group(fresh_database.kafka, opened.group.name, LABELS_ARRIVED)
        labels.begin_at_end()
        url = fresh_database.database_urls["labeller"]
        opened.crew.start("worker", "labels", database_url=url, label_group=labels.name)
        opened.crew.start()
        yield opened


def evenscreen(reach: Reach, role: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it against this stack."""
    reached = environment(role, reach)  # type: ignore[arg-type]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("EVENSCREEN_")}
    return subprocess.run(
        [*EVENSCREEN, *map(str, arguments)],
        env={**bare, **reached, "EVENSCREEN_RECONCILE_GRACE_S": "0"},
        capture_output=True,
        text=True,
        cwd="/",
    )


def stored(clinic: Clinic, rows: list[Row]) -> None:
    """Every photograph in the bucket with its side-car."""
    for row in rows:
        clinic.put(row.image, (PHOTOGRAPHS / "images" / row.image).read_bytes())
        told = {
            "fst": str(row.fst),
            "fst_source": "reported",
            "patient": row.patient,
            "modality": "smartphone",
        }
        (clinic.folder / f"{row.image}.json").write_bytes(render_sidecar(told))


def outcomes(file: Path, rows: list[Row]) -> Path:
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("key", "outcome", "source", "reported_at", "verification_reason"))
        for row in rows:
            said = "malignant" if row.malignant else "benign"
            writer.writerow((row.image, said, "histopathology", REPORTED_AT.isoformat(), "clinical"))
    return file


def four_months_pass(clinic: Clinic) -> None:
    """Outcomes are due after 90 days: whatever was stored today was stored 120 days ago."""
    for table in ("arrivals", "audit_records", "listings"):
        with transaction(clinic.engine) as connection:
            connection.execute(
                text(
                    f"UPDATE {table} SET last_modified = last_modified - interval '120 days'"
                    " WHERE last_modified > now() - interval '1 day'"
                )
            )


def of_type(found: Audit, name: str) -> GroupDescription:
    return next(one for one in found.description["fst"] if one.group_value == name)


def test_lost_events_make_it_incomplete_and_two_images_of_a_type_are_no_evidence(
    clinic: Clinic, fresh_database: Reach, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All 317 photographs of PAD-UFES-20 in the folder whose skin type a clinician reported."""
    rows = [row for row in labelled_rows(PHOTOGRAPHS) if row.fst]
    reach = fresh_database.model_copy(update={"bucket": clinic.folder.as_uri()})
    stored(clinic, rows)
    lost = clinic.events[::DROPPED]
    clinic.announce(event for event in clinic.events if event not in lost)
    imported = evenscreen(
        reach,
        "labeller",
        "labels",
        "import",
        outcomes(tmp_path / "outcomes.csv", rows),
        "--bucket",
        clinic.store.bucket,
    )
    assert imported.returncode == 0, imported.stderr
    clinic.wait_until_ended([event for event in clinic.events if event not in lost])
    eventually("the file counts", lambda: clinic.count("ground_truth"))
    assert clinic.count("ground_truth") == len(rows)

    assert clinic.walk().missing == len(lost)
    four_months_pass(clinic)
    nightly = open_database(reach.database_urls["nightly"], application_name="test", pool_size=2)
    found = answer(nightly, Asked(load_plan()))
    nightly.dispose()
    assert (found.conclusion, EXIT_CODES[found.conclusion]) == ("incomplete", 12)
    assert found.completeness.sentence == f"{len(lost)} of {len(rows)} images are not in the figures."

    reconciled = evenscreen(reach, "door", "reconcile")
    assert reconciled.returncode == 0, reconciled.stderr
    clinic.wait_until_ended()
    four_months_pass(clinic)
    late = evenscreen(reach, "nightly", "audit", "--json")
    assert late.returncode == 11, late.stderr
    found = Audit.model_validate_json(late.stdout)
    assert found.completeness.complete
    assert found.completeness.ledger.screened == len(rows)
    assert found.conclusion == "insufficient evidence"
    assert sum(one.with_outcome for one in found.description["fst"]) == len(rows)
    groups, types = found.judgements
    assert all("V–VI" in one.not_assessable for one in groups.verdicts)
    assert all({"V", "VI"} <= set(one.not_assessable) for one in types.verdicts)
    assert [of_type(found, name).images for name in ("V", "VI")] == [2, 1]
    show_audit(found)
    told = capsys.readouterr().out
    assert "too few cases to assess V–VI (n = 3)" in told
    assert "V (n = 2), VI (n = 1)" in told
