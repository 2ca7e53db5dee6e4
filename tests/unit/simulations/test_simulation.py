"""What is drawn has the planted truth, and what was counted is kept, gone on with and shown."""

import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "simulations"


@pytest.fixture(scope="module")
def simulation() -> Iterator[Any]:
    """The modules of `make simulate`, which import each other as the scripts that they are."""
    names = [path.stem for path in SCRIPTS.glob("*.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        yield SimpleNamespace(**{name: import_module(name) for name in names})
    for name in names:
        del sys.modules[name]


def means(simulation: Any, entry: Any) -> dict[str, dict[str, float]]:
    """Mean figures of every group over 60 audits, with the design effect of the area."""
    groups = simulation.looks._drawn(np.random.default_rng(6), entry, 60)
    found = {}
    for name, columns in groups.items():
        figures = columns.figures()
        found[name] = {
            "auroc": float(np.mean([one.auroc.theta for one in figures])),
            "sensitivity": float(np.mean([one.sensitivity.successes / one.sensitivity.n for one in figures])),
            "specificity": float(np.mean([one.specificity.successes / one.specificity.n for one in figures])),
            "calibration": float(np.mean([one.calibration.value for one in figures])),
            "effect": float(np.mean([one.auroc.design_effect for one in figures])),
        }
    return found


@pytest.mark.parametrize("metric", ["auroc", "sensitivity", "specificity", "calibration"])
def test_the_last_group_is_worse_by_the_gap_and_no_other(simulation: Any, metric: str) -> None:
    setting = simulation.entries.Setting("fst_group", (400, 400, 400), (800, 800, 800))
    first, middle, last = means(simulation, simulation.entries.look(setting, metric, 0.05)).values()
    assert first["auroc"] == pytest.approx(0.91, abs=0.004)
    assert first["sensitivity"] == pytest.approx(0.90, abs=0.006)
    assert first[metric] == pytest.approx(middle[metric], abs=0.008)
    assert last[metric] == pytest.approx(first[metric] - 0.05, abs=0.008)


def test_two_groups_apart_lie_on_both_sides_of_the_others(simulation: Any) -> None:
    reference = simulation.entries.Reference("sensitivity", 0.05, 400, 400, "uneven")
    first, *middle, last = means(simulation, reference.entry(apart=True)).values()
    assert first["sensitivity"] == pytest.approx(0.95, abs=0.006)
    assert last["sensitivity"] == pytest.approx(0.85, abs=0.008)
    assert [one["sensitivity"] for one in middle] == pytest.approx([0.90] * 4, abs=0.008)


def test_images_of_one_patient_resemble_each_other_as_much_as_asked(simulation: Any) -> None:
    alone, alike = (
        simulation.entries.Setting("fst_group", (200,) * 3, (200,) * 3, images=4, alike=alike)
        for alike in (0.0, 0.8)
    )
    assert means(simulation, simulation.entries.look(alone))["I–II"]["effect"] < 1.1
    assert means(simulation, simulation.entries.look(alike))["I–II"]["effect"] > 1.3


def test_a_chunk_is_the_same_wherever_it_is_computed(simulation: Any) -> None:
    entry = simulation.entries.look(simulation.entries.SETTINGS[0])._replace(chunk=30)
    first = simulation.looks.chunk(entry, 0)
    assert simulation.looks.chunk(entry, 0) == first
    assert simulation.looks.chunk(entry, 1) != first
    assert sum(first[f"overall {said}"] for said in ("even", "uneven", "insufficient evidence")) == 30


def test_a_year_says_each_thing_once_however_many_nights_do(simulation: Any) -> None:
    setting = simulation.entries.Setting("fst_group", (40, 40, 40), (40, 40, 40), images=2, alike=0.5)
    said = simulation.looks.chunk(simulation.entries.year(setting)._replace(chunk=2), 0)
    assert said["overall insufficient evidence"] == 2
    assert max(said.values()) == 2


def test_a_stopped_run_goes_on_with_what_this_code_counted(
    simulation: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, entry = tmp_path / "new" / "kept.json", simulation.entries.look(simulation.entries.SETTINGS[0])
    kept = simulation.results.Results(path)
    kept.begin("a machine")
    kept.add(entry, 3, Counter({"overall even": 100, "overall uneven": 25}))
    kept.add(entry, 0, Counter({"overall uneven": 25}))
    kept.save()
    again = simulation.results.Results(path)
    assert [again.has(entry, chunk) for chunk in range(4)] == [True, False, False, True]
    assert again.audits(entry) == 500
    assert again.share(entry, "overall uneven") == 0.1
    assert again.machines == ["a machine"]
    left = list(simulation.run._chunks(again, audits=1000, years=0, only="look"))
    assert [chunk for one, chunk in left if one == entry] == [1, 2]
    off = list(simulation.run._chunks(again, audits=250, years=20, only="look", metric="calibration"))
    assert {(one.metric, one.gap) for one, _ in off} == {("calibration", 0.05)}
    assert len(off) == len(simulation.entries.SETTINGS)
    monkeypatch.setattr(simulation.results, "CODE", "other code")
    assert not again.has(entry, 0)
    again.add(entry, 0, Counter({"overall uneven": 250}))
    assert again.audits(entry) == 250


def test_nothing_begins_after_the_time_is_up_and_the_file_is_whole(simulation: Any, tmp_path: Path) -> None:
    entry = simulation.entries.look(simulation.entries.SETTINGS[0])
    results = simulation.results.Results(tmp_path / "kept.json")
    simulation.run.simulate(results, [(entry, 0)], workers=1, minutes=0)
    assert simulation.results.Results(tmp_path / "kept.json").audits(entry) == 0


def test_tables_go_between_the_markers_and_show_what_is_missing(simulation: Any, tmp_path: Path) -> None:
    document, results = tmp_path / "document.md", simulation.results.Results(None)
    document.write_text(
        f"before\n{simulation.run.BEGIN}\nold\n{simulation.run.END}\nafter\n", encoding="utf-8"
    )
    entry = simulation.entries.look(simulation.entries.SETTINGS[0])
    results.add(entry, 0, Counter({"overall uneven": 10}))
    simulation.run.put_into(document, simulation.tables.tables(results))
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "old" not in text
    assert "| 3 groups of 30/300 | 4.0% | – | – |" in text
    assert "0 to 250 audits per entry" in text


def test_the_published_tables_are_those_of_the_kept_counts(simulation: Any) -> None:
    docs = SCRIPTS.parents[1] / "docs"
    published = (docs / "AUDIT.md").read_text(encoding="utf-8")
    shown = published.split(f"{simulation.run.BEGIN}\n")[1].split(f"\n{simulation.run.END}")[0]
    assert shown == simulation.tables.tables(simulation.results.Results(docs / "simulation.json"))


def test_every_bar_has_its_entries(simulation: Any) -> None:
    asked = simulation.entries.wanted(10_000, 2_000)
    most = Counter({entry: 0 for entry, _ in asked})
    for entry, times in asked:
        most[entry] = max(most[entry], times)
    kinds = Counter((entry.kind, times) for entry, times in most.items())
    assert kinds == {("look", 10_000): 80, ("power", 10_000): 12, ("year", 2_000): 8}
    assert any(
        (30, 300) in zip(one.positives, one.negatives, strict=True) for one in simulation.entries.SETTINGS
    )
