"""Skin types that come after the image, and what they were known to be at any time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from evenscreen.schemas.metadata import ImageMetadata
from evenscreen.schemas.reasons import FstSource

from .images import WHEN, image, screened
from .reports import ACCESSION, MARCH, arrive_labels, asked, now, report, skin_types
from .test_record import recorded

IMAGE = image(1)
ID = IMAGE.screening_id


@pytest.fixture
def labeller(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("labeller")


@pytest.fixture
def auditor(engine_of: Callable[[str], Engine]) -> Engine:
    return engine_of("auditor")


def test_a_correction_is_seen_after_it_and_not_before(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    recorded(worker, screened(IMAGE, metadata=ImageMetadata(fst=2, fst_source=FstSource.REPORTED)))
    times = [now(worker)]
    for day, fst in enumerate((3, 5)):
        arrive_labels(labeller, report(fst=fst, screening_id=ID, reported_at=MARCH + timedelta(days=day)))
        times.append(now(worker))
    assert [skin_types(auditor, t) for t in times] == [{}, {ID: (3, "reported")}, {ID: (5, "reported")}]
    told = "SELECT fst, imported_by FROM audit.skin_type_reports ORDER BY known_at"
    assert asked(auditor, told) == [(3, "pathology"), (5, "pathology")]


def test_an_older_report_that_comes_later_changes_nothing(labeller: Engine, auditor: Engine) -> None:
    arrive_labels(labeller, report(fst=5, screening_id=ID))
    arrive_labels(labeller, report(fst=3, screening_id=ID, reported_at=MARCH - timedelta(days=1)))
    assert skin_types(auditor) == {ID: (5, "reported")}


def test_redelivered_skin_type_leaves_one_row(labeller: Engine, auditor: Engine) -> None:
    for _ in range(2):
        arrive_labels(labeller, report(fst=5, screening_id=ID))
    assert len(asked(auditor, "SELECT FROM audit.skin_type_reports")) == 1


def test_an_estimate_does_not_replace_what_was_reported(
    worker: Engine, labeller: Engine, auditor: Engine
) -> None:
    other = image(2)
    recorded(
        worker,
        screened(IMAGE, metadata=ImageMetadata(fst=2, fst_source=FstSource.REPORTED)),
        screened(other),
    )
    arrive_labels(
        labeller,
        report(fst=6, fst_source="estimated", screening_id=ID),
        report(fst=6, fst_source="estimated", screening_id=other.screening_id),
    )
    assert skin_types(auditor) == {other.screening_id: (6, "estimated")}
    arrive_labels(labeller, report(fst=1, screening_id=other.screening_id, reported_at=WHEN))
    assert skin_types(auditor) == {other.screening_id: (1, "reported")}


@pytest.mark.parametrize("reference", [{"bucket": IMAGE.bucket, "key": IMAGE.key}, {"accession": ACCESSION}])
def test_a_skin_type_waits_for_its_image(
    worker: Engine, labeller: Engine, auditor: Engine, reference: dict[str, object]
) -> None:
    arrive_labels(labeller, report(fst=4, **reference))
    assert skin_types(auditor) == {}
    early = now(worker)
    recorded(worker, screened(IMAGE, accession=ACCESSION))
    assert skin_types(auditor) == {ID: (4, "reported")}
    assert skin_types(auditor, early) == {}
