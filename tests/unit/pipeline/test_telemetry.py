"""The list of metrics is closed, and nothing on it is idle."""

import re
from pathlib import Path

import pytest

from evenscreen import schemas
from evenscreen.pipeline.telemetry import counter, gauge, histogram
from evenscreen.schemas import metrics
from evenscreen.schemas.metrics import Metric

ROOT = Path(schemas.__file__).parents[1]
FOLDERS = ("pipeline", "producers", "consumers", "infra")


def test_a_metric_that_is_not_listed_cannot_be_used() -> None:
    with pytest.raises(LookupError, match="evenscreen_surprises_total is not a counter"):
        counter(Metric("evenscreen_surprises_total", "counter", "Not on the list."))


@pytest.mark.parametrize("make", [gauge, histogram])
def test_a_metric_cannot_change_its_kind(make: object) -> None:
    with pytest.raises(LookupError):
        make(metrics.REPEATS)  # type: ignore[operator]


def test_every_listed_metric_has_a_name_a_meaning_and_a_user() -> None:
    code = "".join(path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    used = set(re.findall(r"metrics\.([A-Z_]+)", code))
    named = {name for name, value in vars(metrics).items() if isinstance(value, Metric)}
    assert {getattr(metrics, name) for name in named} == set(metrics.ALL)
    assert named - used == set()
    assert len({metric.name for metric in metrics.ALL}) == len(metrics.ALL)
    for metric in metrics.ALL:
        assert metric.meaning.endswith(".")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
