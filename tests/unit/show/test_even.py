"""`even` is a claim: nowhere does it stand where images or outcomes are missing that could say otherwise."""

import json

import pytest

from evenscreen.infra.show.audit import show_audit
from evenscreen.infra.show.audit_json import audit_json
from evenscreen.infra.show.audit_page import page
from evenscreen.pipeline.audit.plan import GROUPS, Margins, Plan
from evenscreen.pipeline.audit.result import Audit

from .audits import sample
from .parsed import parse

WIDE = Plan(name="wide", margins=Margins(sensitivity=0.3, specificity=0.3, auroc=0.3, calibration=0.3))
SIZES = dict.fromkeys(GROUPS["fst"], (200, 300))
METRICS = {"Sensitivity", "Specificity", "AUROC", "Calibration residual"}


def words(found: Audit, capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """Every outcome that is told of a metric or a grouping, by where it is told."""
    show_audit(found, ["fst"])
    terminal = capsys.readouterr().out.splitlines()
    rows = [row for table in parse(page(found)).all("table") for row in table.all("tr")]
    captions = [one.text for one in parse(page(found)).all("caption")]
    written = json.loads(audit_json(found))["judgements"]
    return {
        "json": [
            said for one in written for said in (one["outcome"], *(of["outcome"] for of in one["verdicts"]))
        ],
        "terminal": [
            line.removeprefix(name).split("±")[0].strip()
            for line in terminal
            for name in METRICS
            if line.startswith(name) and "±" in line
        ],
        "page": [
            row.children[1].text for row in rows if row.children[0].text in METRICS and row.all("strong")
        ]
        + [one.split(": ")[1] for one in captions if one.startswith(("Skin types: ", "Skin-type groups: "))],
    }


def test_where_nothing_is_missing_every_metric_of_both_groupings_may_be_even(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = sample(SIZES, plan=WIDE)
    told = words(found, capsys)
    assert {where: len(said) for where, said in told.items()} == {"json": 10, "terminal": 4, "page": 10}
    assert {said for some in told.values() for said in some} == {"even"}
    assert "they hide no gap of the margin in any metric" in page(found)


@pytest.mark.parametrize(
    ("missing", "verified", "said"),
    [(1, (1.0, 1.0), "incomplete"), (0, (0.4, 0.4), "insufficient evidence"), (1, (0.4, 0.4), "incomplete")],
)
def test_no_metric_is_even_where_an_image_or_outcomes_are_missing(
    missing: int, verified: tuple[float, float], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sample(SIZES, plan=WIDE, missing=missing, verified=verified)
    assert all(one.within and not one.undecided for one in found.judgements[0].verdicts)
    told = words(found, capsys)
    assert {where: len(some) for where, some in told.items()} == {"json": 10, "terminal": 4, "page": 10}
    assert {one for some in told.values() for one in some} == {said}


def test_a_metric_without_a_missing_outcome_stays_even_beside_one_in_doubt() -> None:
    """A fifth of the unflagged images have no outcome: only sensitivity can hide a gap."""
    plan = Plan(name="wider", margins=Margins(sensitivity=0.05, specificity=0.3, auroc=0.9, calibration=0.9))
    found = sample(SIZES, plan=plan, verified=(1.0, 0.8))
    by_metric = {one.metric: (one.outcome, one.verified) for one in found.judgements[0].verdicts}
    assert by_metric["sensitivity"] == ("insufficient evidence", False)
    assert by_metric["specificity"] == ("even", True)
    assert not found.verified
    assert "do not exclude a gap of the margin in Sensitivity: none" in page(found)
