"""Files of reports, written and checked as the import does."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from evenscreen.pipeline.labels.check import Checked, check
from evenscreen.pipeline.labels.csv_file import csv_rows
from evenscreen.pipeline.labels.rows import Reading
from evenscreen.pipeline.pseudonym import Pseudonymizer

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEY = Pseudonymizer(b"k" * 32, 1)


@pytest.fixture
def reading() -> Reading:
    """Of a person who gives no option."""
    return Reading("pathology", UUID(int=7), pseudonymizer=KEY, now=NOW)


@pytest.fixture
def checked(tmp_path: Path, reading: Reading) -> Callable[..., Checked]:
    """`checked(text)` checks a CSV file of these words or bytes."""

    def judge(content: str | bytes) -> Checked:
        path = tmp_path / "labels.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with path.open("rb") as file:
            return check(csv_rows(file), reading, lambda _rows: None)

    return judge


@pytest.fixture
def told(checked: Callable[..., Checked]) -> Callable[..., list[str]]:
    """What is told of a file that cannot be imported."""
    return lambda content: [str(problem) for problem in checked(content).problems.first]
