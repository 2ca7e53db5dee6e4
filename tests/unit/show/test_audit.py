"""What an auditor reads on a terminal, and what a program reads."""

import json
import re
from pathlib import Path
from uuid import UUID

import pytest

from evenscreen.infra.show.audit import show_audit
from evenscreen.infra.show.audit_json import audit_json, audit_schema, comparison_schema
from evenscreen.infra.show.audit_page import page
from evenscreen.infra.show.audit_words import METRIC_NAMES, lacking, limits, number, share_limits
from evenscreen.pipeline.audit.result import Audit, Lacking, UnfinishedImport

from .audits import NIGHT, sample
from .conftest import SMALL
from .parsed import parse

SCHEMA = Path(__file__).parents[3] / "docs" / "audit.schema.json"


def shown(capsys: pytest.CaptureFixture[str], found: Audit, *by: str) -> str:
    show_audit(found, by)
    return capsys.readouterr().out


def test_completeness_comes_first(hostile: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, hostile)
    parts = ("Completeness", "41 of", "Conclusion", "Incomplete: 41 of", "Sensitivity  ", "patients", "Notes")
    order = [text.index(words) for words in parts]
    assert order == sorted(order)


def test_a_file_of_outcomes_that_does_not_count_is_told_before_any_figure_in_every_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = UnfinishedImport(batch_id=UUID(int=7), reports=2000, imported_by="Rot", began_at=NIGHT)
    found = sample(SMALL, imports=[one])
    sentence = f"An import of 2,000 rows that began at {NIGHT:%Y-%m-%d %H:%M} UTC was not finished, and none "
    sentence += f"of them counts: import the same file again (batch {UUID(int=7)})."
    terminal = " ".join(shown(capsys, found).split())
    for report in (terminal, parse(page(found)).text):
        assert 0 < report.index(sentence) < report.index("Conclusion")
    told = json.loads(audit_json(found))["completeness"]
    assert told["complete"] is True
    assert told["unfinished_imports"][0]["batch_id"] == str(UUID(int=7))


def test_a_gap_is_named_with_its_limits_and_what_is_proven(
    uneven: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, uneven)
    assert "Uneven: Sensitivity of V–VI is" in text
    gap = uneven.judgements[0].verdicts[0].largest
    assert gap is not None
    assert f"+{gap.value:.3f} (+{gap.low:.3f} to +{gap.high:.3f})" in text


def test_groups_too_small_and_what_they_lack_are_named(
    six: Audit, nobody: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, six)
    assert "Sensitivity: not assessable: VI" in text
    assert "No verdict" in text
    lost = shown(capsys, sample(SMALL | {"V": (0, 0), "VI": (0, 0)}))
    assert "V–VI needs" in lost
    assert "not reachable at this rate" in lost
    for goal, truth in (("even", "If there is no gap"), ("uneven", "If a gap is twice the margin")):
        assert f"What {goal} would still need. {truth}: with 95 % power" in " ".join(lost.split())
    empty = shown(capsys, nobody, "site")
    assert "AUROC: not assessable: I–II, III–IV, V–VI" in empty
    assert "Site: exploratory, no verdict: no image" in empty


def test_further_dimensions_are_labelled_and_their_names_steer_nothing(
    hostile: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, hostile, "site", "fst")
    assert "Site: exploratory, no verdict" in text
    assert "Skin type: exploratory, no verdict" in text
    assert "[red]ward[/]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_no_line_is_wider_than_a_page(uneven: Audit, six: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    for found in (uneven, six):
        assert max(map(len, shown(capsys, found, "site").splitlines())) <= 120


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (None, "not reachable at this rate"),
        (0.2, "about 1 month at this rate"),
        (13.1, "about 14 months at this rate"),
        (5000.0, "more than 100 years at this rate"),
    ],
)
def test_waiting_has_an_end_or_is_known_to_have_none(months: float | None, words: str) -> None:
    short = Lacking(group="VI", case="positives", needed=1640, more=1628, months=months)
    assert lacking(short) == f"VI needs 1,628 more positives (1,640 in all): {words}"


def test_both_goals_are_told_on_paper_and_on_the_terminal(
    uneven: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is needed for `uneven` where it is not said, and never where it is."""
    text, tree = " ".join(shown(capsys, uneven).split()), parse(page(uneven))
    lists = [" ".join(one.text.split()) for one in tree.all("ul")]
    assert {code.text for one in tree.all("h3") for code in one.all("code")} == {"even", "uneven"}
    for one in uneven.judgements[0].verdicts:
        for lack in one.lacking:
            assert (lack.goal, one.outcome) != ("uneven", "uneven")
            if lack.more:
                line = f"{METRIC_NAMES[one.metric]}: {lacking(lack)}"
                assert line in text
                assert any(line in some for some in lists)
    assert {lack.goal for one in uneven.judgements[0].verdicts for lack in one.lacking} == {"even", "uneven"}


def test_small_groups_and_descriptive_rates_have_their_limits_everywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = sample(SMALL | {"V": (14, 60), "VI": (6, 20)})
    few = found.judgements[0].verdicts[0].small["V–VI"]
    text, cells = shown(capsys, found), [one.text for one in parse(page(found)).all("td")]
    assert f"{number(few.value)}* {limits(few)}" in text
    assert any(f"{number(few.value)} {limits(few)} too few" in " ".join(cell.split()) for cell in cells)
    for one in found.description["fst_group"]:
        for rate in ("flag_rate", "rejection_rate"):
            written = share_limits(getattr(one, rate), getattr(one, f"{rate}_limits"))
            assert re.fullmatch(r"[\d.]+ % \([\d.]+–[\d.]+\)", written)
            assert written in text
            assert written in cells
    assert all(one.flag_rate_limits is None for one in found.description["site"])


def test_published_schemas_are_those_of_the_objects() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == audit_schema(), (
        "write audit_schema() to docs/audit.schema.json"
    )
    assert SCHEMA.with_name("audit-compare.schema.json").read_text(encoding="utf-8") == comparison_schema(), (
        "write comparison_schema() to docs/audit-compare.schema.json"
    )


def test_json_has_every_field_of_the_schema_and_reads_back(hostile: Audit) -> None:
    written = json.loads(audit_json(hostile))
    assert set(json.loads(audit_schema())["properties"]) == set(written)
    assert Audit.model_validate_json(audit_json(hostile)) == hostile


def test_an_audit_on_record_from_before_weights_and_draws_is_read_as_it_was(hostile: Audit) -> None:
    written = json.loads(audit_json(hostile))
    for later in ("sampled", "reference_standards", "calibration_lines"):
        del written[later]
    for one in written["corrected"]:
        for later in (
            "auroc",
            "effective_positives",
            "effective_negatives",
            "auroc_at_least",
            "auroc_at_most",
        ):
            del one[later]
    found = Audit.model_validate(written)
    assert (found.sampled, found.reference_standards) == ((), ())
    assert found.judgements == hostile.judgements
