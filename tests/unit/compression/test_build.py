"""Every step from a recipe to a compared model folder, on synthetic lesions."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from evenscreen.compression.bench import Report
from evenscreen.compression.bench_forms import PARENT, PARENT_FILE, YARDSTICK
from evenscreen.compression.build import Build
from evenscreen.compression.card import card
from evenscreen.compression.comparison import Comparison
from evenscreen.compression.data import data_checksum, load_split
from evenscreen.compression.evaluate import model_logits, session
from evenscreen.compression.groups import members
from evenscreen.compression.importance import Method
from evenscreen.compression.importance_trial import Trial
from evenscreen.compression.networks.classifier import parameters
from evenscreen.compression.recipe import read_recipe
from evenscreen.compression.steps import Record, Steps, read_record, sha256
from evenscreen.compression.sweep import POINTS
from evenscreen.compression.sweep_figure import BEGIN, END, put_into, table
from evenscreen.compression.validate import Validation
from evenscreen.compression.widths import load_pruned
from evenscreen.infra.cli.model import app
from evenscreen.pipeline.decide import decide
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest

STEPS = {
    ".": [
        "data.json",
        "skins.npy",
        "guide-1.pt",
        "guide-2.pt",
        "parent.pt",
        "pruned-20.pt",
        "pruned-40.pt",
        "recovered.pt",
        "comparison.json",
    ],
    "parent": ["fp32.onnx", "decision.json", "validation.json", "results.json", "latency.json"],
    "candidate": [
        "fp32.onnx",
        "model.onnx",
        "decision.json",
        "validation.json",
        "results.json",
        "latency.json",
    ],
}


@dataclass(frozen=True)
class Built:
    manifest: Manifest
    model_dir: Path
    run_dir: Path


@pytest.fixture(scope="module")
def built(
    lesions: Path, photographs: Path, recipe_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    folder = tmp_path_factory.mktemp("built")
    manifest = Build(recipe_path, lesions, folder / "run", photographs).build(folder / "model")
    return Built(manifest, folder / "model", folder / "run")


@pytest.fixture
def making(built: Built, lesions: Path, photographs: Path, recipe_path: Path) -> Build:
    return Build(recipe_path, lesions, built.run_dir, photographs)


def test_build_leaves_a_valid_model_folder(built: Built) -> None:
    content = (built.model_dir / "model.onnx").read_bytes()
    manifest = Manifest.model_validate_json((built.model_dir / "manifest.json").read_bytes())
    assert manifest == built.manifest
    assert manifest.sha256 == hashlib.sha256(content).hexdigest()
    assert {(result.split, result.form) for result in manifest.results} == {("val", "int8"), ("test", "int8")}
    assert (built.model_dir / "CARD.md").read_text(encoding="utf-8") == card(manifest)
    assert sorted(path.name for path in built.model_dir.iterdir()) == [
        "CARD.md",
        "manifest.json",
        "model.onnx",
    ]


def test_every_step_leaves_its_file_and_a_record_of_where_it_comes_from(built: Built) -> None:
    for folder, files in STEPS.items():
        for file in files:
            path = built.run_dir / folder / file
            record = Record.model_validate_json(path.with_name(f"{file}.json").read_bytes())
            assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert record.versions["torch"]
            assert record.made_from == {name: sha256(built.run_dir / name) for name in record.made_from}
    assert not list(built.run_dir.rglob("*partial*"))
    assert not list(built.run_dir.glob("*-work"))


GUIDES, SERVED = ("guide-1.pt", "guide-2.pt"), "candidate/model.onnx"
MADE_FROM = {
    "data.json": (),
    "guide-2.pt": ("skins.npy",),
    "parent.pt": (*GUIDES, "skins.npy"),
    "pruned-40.pt": ("parent.pt", "pruned-20.pt", "skins.npy"),
    "recovered.pt": ("parent.pt", "pruned-40.pt", *GUIDES, "skins.npy"),
    "candidate/fp32.onnx": ("recovered.pt",),
    SERVED: ("candidate/fp32.onnx", "skins.npy"),
    "candidate/decision.json": (SERVED,),
    "candidate/validation.json": (
        "recovered.pt",
        "candidate/fp32.onnx",
        SERVED,
        "candidate/decision.json",
    ),
    "comparison.json": (
        *("parent/fp32.onnx", "parent/decision.json", "parent/latency.json"),
        *(SERVED, "candidate/decision.json", "candidate/latency.json"),
    ),
}


@pytest.mark.parametrize("file", MADE_FROM)
def test_a_record_names_every_file_and_folder_that_was_read(
    built: Built, lesions: Path, making: Build, file: str
) -> None:
    record = read_record(built.run_dir / file)
    assert set(record.made_from) == set(MADE_FROM[file])
    data, reported = {"data": data_checksum(lesions)}, making.reported
    assert reported is not None
    photographs = {"reported": reported.judge.folder_sha256}
    read = ("pruned-40.pt", "candidate/validation.json", "comparison.json")
    assert record.images == data | (photographs if file in read else {})


def test_a_record_tells_what_was_measured(built: Built) -> None:
    def measured(file: str) -> dict[str, object]:
        return read_record(built.run_dir / "candidate" / file).metrics

    assert measured("fp32.onnx") == {"size_bytes": (built.run_dir / "candidate" / "fp32.onnx").stat().st_size}
    point, calibration = built.manifest.operating_point, built.manifest.calibration
    assert measured("decision.json") == {"threshold": point.threshold, "temperature": calibration.temperature}
    assert measured("latency.json") == {
        f"ms_batch_{entry.batch}_threads_{entry.threads}": entry.median_ms for entry in built.manifest.latency
    }


def test_other_photographs_are_read_again_by_what_reads_photographs(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    """Keys alone are asked: files and records of the built run stand in for what other keys would make."""
    other = tmp_path / "other"
    shutil.copytree(photographs, other)
    (other / "images" / "3.png").write_bytes((photographs / "images" / "4.png").read_bytes())

    def keys(reported: Path | None) -> dict[str, str]:
        making, asked = Build(recipe_path, lesions, built.run_dir, reported), dict[str, str]()

        def listen(steps: Steps) -> None:
            def run(file: str, key: str, *_: object, **__: object) -> Path:
                path = steps.folder / file
                asked[str(path.relative_to(built.run_dir))] = key
                return path

            steps.run = run  # type: ignore[assignment]

        listen(making.learning.steps)
        for side in (making.parent, making.candidate):
            listen(side.steps)
        making.compared()
        return asked

    same, changed, none = keys(photographs), keys(other), keys(None)
    assert same == {file: read_record(built.run_dir / file).key for file in same}
    for file in ("pruned-20.pt", "pruned-40.pt", "candidate/validation.json", "comparison.json"):
        assert len({same[file], changed[file], none[file]}) == 3
    for file in ("skins.npy", "parent.pt"):
        assert same[file] == changed[file] == none[file]


def test_guides_learn_under_seeds_of_their_own_and_teach_together(built: Built) -> None:
    first, second = (load_pruned(built.run_dir / f"guide-{number}.pt").state_dict() for number in (1, 2))
    assert any(not np.array_equal(first[name], second[name]) for name in first)


def test_every_record_names_the_seed_of_its_own_step(built: Built) -> None:
    learned = ("guide-1.pt", "guide-2.pt", "parent.pt", "pruned-40.pt", "recovered.pt", SERVED)
    assert [read_record(built.run_dir / file).seed for file in learned] == [1, 1001, 2, 3, 4, 4]


def test_the_manifest_says_what_unlabelled_images_told(built: Built) -> None:
    assert "column 'melanoma' was learned from" in built.manifest.lineage.data


def test_parameters_and_file_really_fall(built: Built) -> None:
    sizes = [
        parameters(load_pruned(built.run_dir / name))
        for name in ("parent.pt", "pruned-20.pt", "pruned-40.pt")
    ]
    for size, share in zip(sizes, (0.0, 0.2, 0.4), strict=True):
        assert 0 <= (1 - share) * sizes[0] - size < 0.05 * sizes[0]
    assert built.manifest.parameters == sizes[2]
    assert built.manifest.lineage.parent_parameters == sizes[0]
    assert built.manifest.lineage.learned_on in card(built.manifest)
    files = [(built.run_dir / name).stat().st_size for name in ("parent/fp32.onnx", "candidate/fp32.onnx")]
    assert files[1] < 0.7 * files[0]
    assert (built.model_dir / "model.onnx").stat().st_size < files[1]


def test_the_candidate_is_compared_with_its_parent_by_tone_and_by_reported_type(built: Built) -> None:
    found = Comparison.model_validate_json((built.run_dir / "comparison.json").read_bytes())
    assert [group.group for group in found.simulated] == ["I", "II", "III", "IV", "V", "VI"]
    assert [group.group for group in found.reported] == ["I–II", "III–IV", "V–VI"]
    assert not found.promotable
    assert "V–VI" in " ".join(found.unassessed)
    promotion = built.manifest.promotion
    assert promotion is not None
    assert promotion.reasons == found.reasons
    assert built.manifest.lineage.parent_sha256 is not None


def test_building_again_does_nothing_again(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path
) -> None:
    def times() -> dict[Path, int]:
        files = (path for path in built.run_dir.rglob("*") if path.is_file() and path.parent.name != "folder")
        return {path: path.stat().st_mtime_ns for path in files}

    before = times()
    assert Build(recipe_path, lesions, built.run_dir, photographs).build(built.model_dir) == built.manifest
    assert times() == before


def test_another_target_recalibrates_without_training(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "tiny.yaml"
    other.write_text(recipe_path.read_text().replace("target_sensitivity: 0.9", "target_sensitivity: 0.5"))
    trained = (built.run_dir / "recovered.pt").stat().st_mtime_ns
    decided = (built.run_dir / "candidate" / "decision.json").read_bytes()
    manifest = Build(other, lesions, built.run_dir, photographs).build(tmp_path / "model")
    assert manifest.operating_point.target_sensitivity == 0.5
    assert manifest.sha256 == built.manifest.sha256
    assert (built.run_dir / "recovered.pt").stat().st_mtime_ns == trained
    Build(recipe_path, lesions, built.run_dir, photographs).build(built.model_dir)
    assert (built.run_dir / "candidate" / "decision.json").read_bytes() == decided


def test_pruning_ends_when_the_worst_tone_falls_too_far(
    making: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = making.recipe.pruning.model_copy(update={"worst_group_floor": -1.0})
    making.learning.recipe = making.recipe.model_copy(update={"pruning": plan})
    assert making.learning.pruned(0.4).name == "parent.pt"
    assert "pruning ends" in capsys.readouterr().err


def test_int8_ranks_as_float_does(built: Built, lesions: Path, recipe_path: Path) -> None:
    recipe = read_recipe(recipe_path)
    images = load_split(lesions, "test", recipe.data, recipe.preprocessing).images
    scores = [
        [decision.score for decision in decide(model_logits(path, images), built.manifest)]
        for path in (built.run_dir / "candidate" / "fp32.onnx", built.model_dir / "model.onnx")
    ]
    ranks = np.argsort(np.argsort(scores, axis=1), axis=1)
    assert np.corrcoef(ranks)[0, 1] > 0.9


def test_validation_sees_simulated_tones_and_reported_types(built: Built, making: Build) -> None:
    found = Validation.model_validate_json((built.run_dir / "candidate" / "validation.json").read_bytes())
    assert making.reported is not None
    sizes = {name: int(chosen.sum()) for name, chosen in members(making.reported.measure).items()}
    reported = {row.group: row.n for row in found.groups if row.group.startswith("reported")}
    assert reported == {f"reported {name}": n for name, n in sizes.items() if n}
    assert len(found.groups) == 7 + len(reported) > 7


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_size_gives_the_same_answers(
    built: Built, lesions: Path, recipe_path: Path, batch: int
) -> None:
    recipe = read_recipe(recipe_path)
    images = load_split(lesions, "test", recipe.data, recipe.preprocessing).images
    model = built.model_dir / "model.onnx"
    assert np.allclose(model_logits(model, images, batch), model_logits(model, images, 24), atol=1e-4)


def test_the_file_says_nothing_about_the_machine_it_was_made_on(built: Built) -> None:
    content = (built.model_dir / "model.onnx").read_bytes()
    assert str(Path(__file__).parents[3]).encode() not in content
    assert b"site-packages" not in content


def test_the_graph_takes_bytes_and_gives_floats(built: Built) -> None:
    model = session(built.model_dir / "model.onnx")
    (taken,), (given,) = model.get_inputs(), model.get_outputs()
    assert (taken.type, taken.shape[1:]) == ("tensor(uint8)", [32, 32, 3])
    assert (given.name, given.type, given.shape[1:]) == ("logits", "tensor(float)", [3])
    assert isinstance(taken.shape[0], str)


def test_the_sweep_has_a_point_for_every_share(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    document, figure = tmp_path / "README.md", tmp_path / "sweep.svg"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    asked = ["--figure", str(figure), "--into", str(document)]
    answer = CliRunner().invoke(app, ["sweep", str(recipe_path), *folders, *asked])
    assert answer.exit_code == 0, answer.output
    points = POINTS.validate_json((built.run_dir / "sweep.json").read_bytes())
    assert [round(point.removed, 1) for point in points] == [0.0, 0.2, 0.4]
    assert points[0].size_bytes > points[1].size_bytes > points[2].size_bytes
    assert points[0].parameters == built.manifest.lineage.parent_parameters
    drawn = figure.read_text()
    for title in ("AUROC on val", "points of AUROC", "file, MB", "latency, ms", "worst simulated tone"):
        assert title in drawn
    marked = ElementTree.fromstring(drawn).iterfind(".//{*}g[@clip-path]")  # noqa: S314
    panels = {line.get("clip-path") for line in marked if len(line.findall("{*}use")) == len(points)}
    assert len(panels) == 4
    text = document.read_text()
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert text.count("| 20% |") + text.count("| 21% |") == 1
    assert table(points) in text
    assert table(points) in answer.output


def test_every_importance_prunes_the_same_parent_once(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    """At one share, on the same images of val: 8 malignant and 4 of 16 benign ones."""
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    asked = ["--images", "12", "--json", str(tmp_path / "trial.json")]
    for _ in range(2):
        answer = CliRunner().invoke(app, ["importances", str(recipe_path), *folders, *asked])
        assert answer.exit_code == 0, answer.output
    assert answer.output.count(".npz: already done") == 5
    found = Trial.model_validate_json((tmp_path / "trial.json").read_bytes())
    assert (found.reference, found.removed, found.n, found.positives) == ("fisher_max", 0.3, 12, 8)
    parent, *pruned = found.outcomes
    assert [parent.importance, pruned[0].importance] == [None, "fisher_max"]
    assert {one.importance for one in pruned} == set(get_args(Method))
    assert all(0.65 < one.parameters / parent.parameters <= 0.7 for one in pruned)
    assert [one.difference is None for one in found.outcomes] == [True, True, False, False, False]
    for one in pruned[1:]:
        assert one.difference is not None
        assert one.difference.value == pytest.approx(one.auroc.value - pruned[0].auroc.value)
    assert found.worst_tone == min(parent.simulated_tones, key=parent.simulated_tones.__getitem__)
    answers = [np.load(path)["as taken"] for path in (built.run_dir / "importances").glob("30-*.npz")]
    assert len({tuple(scores) for scores in answers}) > 3, "hardly two importances keep the same units"


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("guide", "guide-2.pt"),
        ("prune", "pruned-40.pt"),
        ("quantise", "candidate/model.onnx"),
        ("validate", "candidate/validation.json"),
        ("validate --parent", "parent/validation.json"),
        ("evaluate", "candidate/results.json"),
        ("evaluate --parent", "parent/results.json"),
        ("time", "candidate/latency.json"),
        ("publish", "candidate/folder"),
        ("publish --parent", "parent/folder"),
    ],
)
def test_a_stage_is_a_command_that_finds_its_work_done(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, stage: str, file: str
) -> None:
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    named, *which = stage.split()
    answer = CliRunner().invoke(app, [named, str(recipe_path), *folders, *which])
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"{built.run_dir / file}\n"
    assert "already done" in answer.stderr


def test_the_report_by_layer_adds_up_to_the_whole_network(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    asked = ["--json", str(tmp_path / "layers.json")]
    answer = CliRunner().invoke(app, ["layers", str(recipe_path), *folders, *asked])
    assert answer.exit_code == 0, answer.output
    rows = json.loads((tmp_path / "layers.json").read_text())
    assert sum(row["parameters_before"] for row in rows) == built.manifest.lineage.parent_parameters
    assert sum(row["parameters_after"] for row in rows) == built.manifest.parameters


def test_bench_times_every_form_beside_the_yardstick(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    asked = ["--rounds", "1", "--json", str(tmp_path / "bench.json")]
    answer = CliRunner().invoke(app, ["bench", str(recipe_path), *folders, *asked])
    assert answer.exit_code == 0, answer.output
    report = Report.model_validate_json((tmp_path / "bench.json").read_bytes())
    assert len(report.timings) == 7 * 4
    assert {timing.name for timing in report.timings} >= {PARENT, YARDSTICK, "pruned, INT8 static"}
    for name in (PARENT, PARENT_FILE):
        own = [timing.times_as_fast[name].median for timing in report.timings if timing.name == name]
        assert own == [1, 1, 1, 1]
    assert Report.model_validate_json((built.run_dir / "bench.json").read_bytes()) == report


def test_flips_are_counted_for_both_ways_of_choosing_calibration_images(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path
) -> None:
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    answer = CliRunner().invoke(app, ["calibration", str(recipe_path), *folders, "--seeds", "1"])
    assert answer.exit_code == 0, answer.output
    for group in ("as taken", "simulated I", "simulated VI", "reported I–II"):
        assert group in answer.output
    assert read_record(built.run_dir / "candidate" / "calibration.json").seed == 0
    again = CliRunner().invoke(app, ["calibration", str(recipe_path), *folders, "--seeds", "1"])
    assert "calibration.json: already done" in again.output


def test_the_command_builds_what_the_function_does_and_puts_it_where_it_is_told(
    built: Built, lesions: Path, photographs: Path, recipe_path: Path, tmp_path: Path
) -> None:
    folders = ["--data", str(lesions), "--reported", str(photographs), "--run", str(built.run_dir)]
    answer = CliRunner().invoke(app, ["build", str(recipe_path), *folders, "--out", str(tmp_path / "model")])
    assert answer.exit_code == 0, answer.output
    assert answer.output.count("already done") >= sum(map(len, STEPS.values()))
    assert f"{built.manifest.model_version} is ready" in answer.output
    for file in ("model.onnx", "manifest.json"):
        assert (tmp_path / "model" / file).read_bytes() == (built.model_dir / file).read_bytes()


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("nothing to replace")
    with pytest.raises(Fatal, match="between which the table goes"):
        put_into(document, "table")
    assert document.read_text() == "nothing to replace"


def test_a_document_without_marks_is_refused_before_the_work(
    lesions: Path, recipe_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("nothing to replace")
    folders = ["--data", str(lesions), "--run", str(tmp_path / "run")]
    answer = CliRunner().invoke(
        app, ["sweep", str(recipe_path), *folders, "--into", str(tmp_path / "README.md")]
    )
    assert isinstance(answer.exception, Fatal)
    assert not (tmp_path / "run").exists()


def test_a_missing_data_folder_is_a_sentence(recipe_path: Path, tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"missing or has no labels\.csv"):
        Build(recipe_path, tmp_path / "none", tmp_path / "run", None).build(tmp_path / "model")
