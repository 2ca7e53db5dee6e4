"""A plan decides before anybody looks, and every change of it is another plan."""

from pathlib import Path

import pytest

from evenscreen.pipeline.audit.plan import Plan, load_plan
from evenscreen.schemas.errors import Fatal


def test_the_plan_of_the_product_is_read_and_has_a_version() -> None:
    plan = load_plan()
    assert (plan.name, plan.primary, plan.margins.auroc) == ("default", "fst_group", 0.05)
    assert len(plan.version) == 64


def test_whatever_changes_it_is_another_version(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text("name: default\nmargins: {auroc: 0.04}\n")
    ours = load_plan(file)
    assert ours.version != load_plan().version
    file.write_text("{margins: {auroc: 0.04}, name: default} # only written otherwise\n")
    assert load_plan(file).version == ours.version


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name: x\nmargin: {auroc: 0.04}\n", "margin: Extra inputs"),
        ("name: x\nmargins: {auroc: 0}\n", "margins.auroc: Input should be greater than 0"),
        ("name: x\nprimary: site\n", "primary"),
        ("name: [x\n", "cannot be read"),
        ("name: 'a; DROP TABLE'\n", "name: String should match"),
    ],
)
def test_what_a_plan_cannot_be_is_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(content)
    with pytest.raises(Fatal, match=sentence):
        load_plan(file)


def test_a_plan_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(Fatal, match="There is no audit plan 'nobodys'"):
        load_plan("nobodys")


def test_a_plan_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Plan(name="x").alpha = 0.2  # type: ignore[misc]
