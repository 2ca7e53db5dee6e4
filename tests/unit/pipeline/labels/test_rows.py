"""What a row comes to mean."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evenscreen.pipeline.labels.problems import Problem
from evenscreen.pipeline.labels.rows import COLUMNS, Reading
from evenscreen.pipeline.labels.times import reported_time
from evenscreen.pipeline.pseudonym import Pseudonymizer, accession_pseudonym
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.events import LabelArrived

from .conftest import KEY, NOW

BATCH = UUID(int=7)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "zone", "meant"),
    [
        ("2026-03-10", None, datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)),
        ("2026-03-10", BERLIN, datetime(2026, 3, 10, 22, 59, 59, tzinfo=UTC)),
        ("2026-07-10 12:30", BERLIN, datetime(2026, 7, 10, 10, 30, tzinfo=UTC)),
        ("2026-03-10T12:30:15.5+05:30", BERLIN, datetime(2026, 3, 10, 7, 0, 15, 500_000, tzinfo=UTC)),
        ("2026-03-10t12:30z", None, datetime(2026, 3, 10, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_time_means_what_it_says_and_a_date_its_end(
    written: str, zone: ZoneInfo | None, meant: datetime
) -> None:
    assert reported_time(written, zone) == meant


def test_an_accession_number_leaves_as_a_pseudonym_that_images_share(reading: Reading) -> None:
    row = {"accession": " 4711", "issuer": "PACS", "fst": "3.0", "reported_at": "2026-03-10"}
    report = reading.report(2, row)
    assert isinstance(report, LabelArrived)
    assert report.accession == accession_pseudonym("PACS", "4711", KEY)
    assert report.accession != KEY.of("PACS", "4711")
    assert b"4711" not in report.encoded()


def test_an_accession_number_without_a_key_stops_the_import() -> None:
    row = {"accession": "4711", "fst": "3", "reported_at": "2026-03-10"}
    keyless = Reading("x", BATCH, now=NOW)
    with pytest.raises(Fatal, match="EVENSCREEN_PSEUDONYM_KEY_FILE"):
        keyless.report(2, row)
    pseudonym = Pseudonymizer(b"k" * 32, 3).of("", "4711")
    assert isinstance(keyless.report(2, row | {"accession": pseudonym}), LabelArrived)


CELL = st.text(max_size=8) | st.sampled_from(
    ["malignant", "benign", "registry", "2026-03-10", "0.5", "random_sample", "3", "melanoma", "b", "k.jpg"]
)


# A busy machine draws slowly, which says nothing of rows.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(COLUMNS), CELL, max_size=8))
def test_any_row_is_a_report_or_a_problem_in_a_known_column(row: dict[str, str]) -> None:
    report = Reading("pathology", BATCH, pseudonymizer=KEY, now=NOW).report(2, row)
    if isinstance(report, Problem):
        assert report.column in COLUMNS
        assert report.sentence
    else:
        assert LabelArrived.model_validate_json(report.encoded()) == report
