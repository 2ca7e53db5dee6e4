"""A plan decides before anybody looks, and every change of it is another plan."""

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from evenscreen.pipeline.audit.plan import GROUPS, Groups, Plan, load_plan
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


def test_the_plan_of_the_product_spells_out_all_that_it_decides() -> None:
    written = (files("evenscreen.pipeline.audit") / "plans" / "default.yaml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(written)) == set(Plan.model_fields)
    assert load_plan() == Plan(name="default")


@pytest.mark.parametrize(
    "changes",
    [
        {"windows": ("nightly",)},
        {"metrics": ("sensitivity", "specificity", "auroc")},
        {"groups": Groups.model_construct(fst_group=("I–III", "IV–VI"), fst=GROUPS["fst"])},
    ],
)
def test_groups_windows_and_metrics_are_part_of_the_version(changes: dict[str, object]) -> None:
    plan = Plan(name="default")
    assert plan.model_copy(update=changes).version != plan.version


def test_a_plan_written_in_another_order_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    metrics = "[auroc, calibration, specificity, sensitivity]"
    file.write_text(f"name: default\nwindows: [quarter, nightly]\nmetrics: {metrics}\n")
    assert load_plan(file).version == load_plan().version


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name: x\nmargin: {auroc: 0.04}\n", "margin: Extra inputs"),
        ("name: x\nmargins: {auroc: 0}\n", "margins.auroc: Input should be greater than 0"),
        ("name: x\nprimary: site\n", "primary"),
        ("name: x\ngroups: {fst_group: [I–II, III–IV]}\n", "the groups of fst_group are I–II, III–IV, V–VI"),
        ("name: x\ngroups: {site: [north]}\n", "groups.site: Extra inputs"),
        ("name: x\nwindows: [monthly]\n", "windows.0: Input should be 'nightly' or 'quarter'"),
        (
            "name: x\nmetrics: [auroc, calibration]\n",
            "without sensitivity, specificity nothing can be called",
        ),
        ("name: x\nmetrics: [auroc, ppv]\n", "metrics.1: Input should be"),
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
