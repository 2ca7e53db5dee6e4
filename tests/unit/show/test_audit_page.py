"""The page that a regulator holds: whole by itself, escaped, and every number in a table."""

import re
from pathlib import Path

import pytest

from evenscreen.infra.show.audit_groups import pairs
from evenscreen.infra.show.audit_page import page
from evenscreen.infra.show.audit_words import number, signed
from evenscreen.pipeline.audit.plan import GROUPS
from evenscreen.pipeline.audit.result import Audit, Sampled
from evenscreen.schemas.manifest import Manifest

from .conftest import HOSTILE
from .parsed import Node, parse

KINDS = ("uneven", "hostile", "six", "nobody", "unverified")
SHIPPED = Path(__file__).parents[3] / "compression" / "shipped" / "manifest.json"
NUMBER = re.compile(r"[+−]?\d[\d,]*(?:\.\d+)?(?: %)?")


@pytest.fixture(params=KINDS)
def found(request: pytest.FixtureRequest) -> Audit:
    audit = request.getfixturevalue(request.param)
    assert isinstance(audit, Audit)
    return audit


def cells(tree: Node) -> list[str]:
    return [cell.text for kind in ("td", "th") for cell in tree.all(kind)]


def test_page_asks_for_nothing_and_runs_nothing(found: Audit) -> None:
    html = page(found, [])
    tree = parse(html)
    assert not re.search(r"https?://|//[a-z]|@import|javascript:", html)
    assert not [tree.all(kind) for kind in ("script", "link", "img", "iframe", "object") if tree.all(kind)]
    every = [name for node in _everything(tree) for name in node.attributes]
    assert not {"src", "href", "style", "action"} & set(every)
    assert not [name for name in every if name.startswith("on")]
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))


def test_page_is_semantic(found: Audit) -> None:
    tree = parse(page(found, []))
    assert tree.all("html")[0].attributes["lang"] == "en"
    assert len(tree.all("h1")) == len(tree.all("main")) == len(tree.all("title")[:1]) == 1
    ids = [node.attributes["id"] for node in _everything(tree) if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for table in tree.all("table"):
        assert table.children[0].name == "caption"
        assert table.children[0].text.strip()
        assert {head.attributes.get("scope") for head in table.all("th")} <= {"col", "row"}
        widths = {len(row.children) for row in table.all("tr")}
        assert len(widths) == 1
    for region in tree.all("section"):
        assert region.attributes["aria-labelledby"] in ids


def test_every_drawing_says_what_it_shows(found: Audit) -> None:
    drawings = parse(page(found, [])).all("svg")
    assert len(drawings) >= 7
    for drawing in drawings:
        title, description = drawing.children[:2]
        assert (title.name, description.name) == ("title", "desc")
        assert title.text.strip()
        assert description.text.strip()
        named = f"{title.attributes['id']} {description.attributes['id']}"
        assert (drawing.attributes["role"], drawing.attributes["aria-labelledby"]) == ("img", named)


def test_every_number_in_a_drawing_is_in_a_table(uneven: Audit, earlier: list[Audit], hostile: Audit) -> None:
    for audit, history in ((uneven, earlier), (hostile, [])):
        tree = parse(page(audit, history))
        told = {one.strip("() ") for cell in cells(tree) for one in NUMBER.findall(cell)}
        drawn = [
            one
            for drawing in tree.all("svg")
            for text in drawing.all("text")
            if text.attributes.get("class") != "tick"
            for one in NUMBER.findall(text.text.replace("1 − specificity", ""))
        ]
        assert len(drawn) > 30
        assert set(drawn) <= told


def test_every_mark_of_a_curve_is_in_a_table(uneven: Audit) -> None:
    tree = parse(page(uneven, []))
    rows = {" ".join(cell.text for cell in row.children[1:]) for row in tree.all("tr")}
    for place, curve in enumerate(uneven.curves):
        for right, up in curve.roc:
            assert any(f"{number(right)} {number(up)}" in row for row in rows)
        for mean, share, images in curve.calibration:
            three = f"{number(mean)} {number(share)} {images:,}"
            assert any(three in row for row in rows), (place, three)


def test_every_pair_has_its_gap_in_drawing_and_table(uneven: Audit) -> None:
    tree = parse(page(uneven, []))
    for verdict in uneven.judgements[0].verdicts:
        drawing = next(
            one
            for one in tree.all("svg")
            if one.attributes["aria-labelledby"].startswith(f"gaps-{verdict.metric}-")
        )
        rows = pairs(verdict)
        assert [(row.first, row.second) for row in rows] == [
            ("I–II", "III–IV"),
            ("I–II", "V–VI"),
            ("III–IV", "V–VI"),
        ]
        for row in rows:
            assert row.value is not None
            assert f"{row.first} minus {row.second}" in drawing.text
            assert signed(row.value) in drawing.text
    sensitivity = pairs(uneven.judgements[0].verdicts[0])
    assert [row.standing for row in sensitivity[1:]] == ["uneven", "uneven"]


def test_a_pair_called_within_the_margin_shows_no_limits_beyond_it(six: Audit, uneven: Audit) -> None:
    for verdict in (*six.judgements[0].verdicts, *uneven.judgements[0].verdicts):
        for row in pairs(verdict):
            if row.standing == "within the margin":
                assert row.low is not None
                assert row.high is not None
                assert -verdict.margin < row.low <= row.high < verdict.margin


def test_hostile_names_stay_names(hostile: Audit) -> None:
    html = page(hostile, [])
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    text = parse(html).text
    assert HOSTILE[0] in text
    assert HOSTILE[2] in text


def test_completeness_stands_before_the_conclusion_and_both_before_any_figure(hostile: Audit) -> None:
    text = parse(page(hostile, [])).all("body")[0].text
    order = [
        text.index(words)
        for words in ("Completeness: incomplete", "41 of", "Conclusion: incomplete", "Sensitivity")
    ]
    assert order == sorted(order)


def test_outside_readers_find_what_they_look_for(uneven: Audit) -> None:
    manifest = Manifest.model_validate_json(SHIPPED.read_text(encoding="utf-8"))
    own = uneven.subject.model_copy(update={"model_version": manifest.model_version})
    audit = uneven.model_copy(update={"subject": own})
    text = parse(page(audit, [], manifest)).text
    for words in (
        manifest.intended_use,
        "Mode",
        "3,120 of 10,000",
        audit.subject.plan_version,
        audit.subject.input_sha256,
        "Label maturity",
        "Missed cancers",
        "Images with a known outcome",
        "Images by source of the skin type",
        "Age band (exploratory)",
        "Body site (exploratory)",
        "Device (exploratory)",
        "declared: test (int8)",
    ):
        assert words in text


def test_a_manifest_of_another_model_is_refused(uneven: Audit) -> None:
    manifest = Manifest.model_validate_json(SHIPPED.read_text(encoding="utf-8"))
    own = uneven.subject.model_copy(update={"model_version": "other-000000000000"})
    with pytest.raises(ValueError, match="another model"):
        page(uneven.model_copy(update={"subject": own}), [], manifest)


def test_a_window_that_no_plan_registered_shows_pointwise_limits_and_decides_nothing(six: Audit) -> None:
    text = parse(page(six, [])).text
    assert "limits of gaps are 95 % limits of each pair by itself" in text
    assert "What even would still need" not in text
    assert "uneven with" not in text
    assert "undecided" not in text.replace("Circle: undecided", "")
    for verdict in six.judgements[0].verdicts:
        assert {row.standing for row in pairs(verdict) if row.value is not None} <= {"no verdict"}


def test_missing_outcomes_show_weights_worst_cases_and_reference_standards(hostile: Audit) -> None:
    tree = parse(page(hostile, []))
    rows = {row.children[0].text: [cell.text for cell in row.children[1:]] for row in tree.all("tr")}
    names = GROUPS["fst_group"]
    for one in hostile.corrected:
        place = names.index(one.group_value)
        assert rows["AUROC, weighted"][place] == number(one.auroc)
        assert rows["AUROC, worst to best case"][place] == (
            f"{number(one.auroc_at_least)} to {number(one.auroc_at_most)}"
        )
        assert rows["sensitivity, weighted"][place] == number(one.sensitivity)
    lines = hostile.calibration_lines["fst_group"]
    assert {one.group_value for one in lines} == set(names)
    table = next(one for one in tree.all("table") if "Skin-type groups, with 95 %" in one.text)
    told = {row.children[0].text: [cell.text for cell in row.children[1:]] for row in table.all("tr")}
    for line in lines:
        assert told["calibration slope (right: 1)"][names.index(line.group_value)] == number(line.slope)
    assert "registry follow-up" in tree.text
    assert "Random draws" not in tree.text


def test_random_draws_are_named_with_what_they_do_not_stand_for(hostile: Audit) -> None:
    drawn = tuple(
        Sampled(
            group_value=one.group_value,
            outcomes=731,
            stand_for=5_421.2,
            uncovered=17.0,
            sensitivity=0.871,
            specificity=0.812,
            auroc=0.913,
            sensitivity_at_least=0.861,
            sensitivity_at_most=0.879,
            specificity_at_least=0.803,
            specificity_at_most=0.822,
            auroc_at_least=0.907,
            auroc_at_most=0.917,
        )
        for one in hostile.corrected
    )
    text = parse(page(hostile.model_copy(update={"sampled": drawn}), [])).text
    for words in ("5,421", "0.861 to 0.879", "0.907 to 0.917", "does not stand for 51 images"):
        assert words in text


def test_groups_without_a_case_are_named(six: Audit, nobody: Audit) -> None:
    for audit, name in ((six, "VI"), (nobody, "V–VI")):
        tree = parse(page(audit, []))
        figures = next(one for one in tree.all("table") if "of each group alone" in one.text)
        head = [cell.text for cell in figures.all("tr")[0].children]
        images = [cell.text for cell in figures.all("tr")[1].children]
        assert images[head.index(name)] == "0"
        assert f"not assessable: {name}" in tree.text or f", {name}" in tree.text


def test_without_an_outcome_the_page_says_so(unverified: Audit) -> None:
    text = parse(page(unverified, [])).text
    assert "no curve, not both outcomes" in text
    assert "no outcome" in text
    assert "0.0 %" in text


def test_without_a_nightly_audit_there_is_no_trend(nobody: Audit) -> None:
    tree = parse(page(nobody, []))
    assert "No nightly audit of this model by this plan is on record." in tree.text
    assert not [one for one in tree.all("svg") if "trend" in one.attributes["aria-labelledby"]]


def _everything(node: Node) -> list[Node]:
    return [node, *(found for child in node.children for found in _everything(child))]
