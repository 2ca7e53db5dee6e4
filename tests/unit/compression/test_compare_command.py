"""`evenscreen model compare` with real ONNX files on real pixels."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner, Result

from evenscreen.compression import compare
from evenscreen.infra.cli import compare_models
from evenscreen.infra.cli.compare_models import NOT_PROMOTABLE
from evenscreen.infra.cli.failures import NoInput
from evenscreen.infra.cli.model import app
from evenscreen.pipeline.model import read_manifest
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest

from ...models import build_tiny_model

pytest.importorskip("yaml", reason="reading labels.csv needs PyYAML: pip install 'evenscreen[train]'")

SIDE = 32
DARK = 0.35
"""Mean brightness that these images fall below on tone VI only."""


def lesion(malignant: bool, random: np.random.Generator) -> np.ndarray:
    """A disc on light skin, dark where malignant: uint8 [32, 32, 3]."""
    y, x = np.mgrid[:SIDE, :SIDE]
    inside = (y - 16) ** 2 + (x - 16) ** 2 < random.uniform(5, 7) ** 2
    colour = (60, 35, 40) if malignant else (140, 90, 70)
    image = np.where(inside[..., None], colour, (205, 165, 150)) + random.normal(0, 6, (SIDE, SIDE, 3))
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def lesions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 lesions of split test, half of them malignant."""
    return _folder(tmp_path_factory.mktemp("lesions"), "split,dx", "test,{name}", 80)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photographs with reported types I to IV, two per patient."""
    return _folder(
        tmp_path_factory.mktemp("photographs"), "patient,malignant,fst", "p{pair},{label},{fst}", 60
    )


def _folder(folder: Path, columns: str, row: str, n: int) -> Path:
    (folder / "images").mkdir()
    random = np.random.default_rng(1)
    lines = [f"image,{columns}"]
    for number in range(n):
        label = number % 2
        Image.fromarray(lesion(bool(label), random)).save(folder / "images" / f"{number}.png")
        said = row.format(
            name=("benign", "malignant")[label], pair=number // 2, label=label, fst=1 + number % 4
        )
        lines.append(f"{number}.png,{said}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def build(folder: Path, *, wrong_in_the_dark: bool = False, labels: tuple[str, str] | None = None) -> Path:
    """A model that calls dark images malignant, and the other way round below DARK if told so."""
    build_tiny_model(folder)
    content = _graph(DARK if wrong_in_the_dark else 0.0)
    (folder / "model.onnx").write_bytes(content)
    plain = read_manifest(folder)
    changes: dict[str, object] = {"sha256": hashlib.sha256(content).hexdigest()}
    if labels:
        changes |= {"labels": labels, "malignant": labels[1:]}
    manifest = Manifest.model_validate({**dict(plain), **changes})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def _graph(dark: float) -> bytes:
    constants = {
        "full": np.array(255.0, np.float32),
        "axes": np.array([1, 2, 3], np.int64),
        "column": np.array([-1, 1], np.int64),
        "dark": np.array(dark, np.float32),
        "middle": np.array(0.45, np.float32),
        "slopes": np.array([[8.0, -8.0]], np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "full"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["brightness"]),
        helper.make_node("Sub", ["brightness", "middle"], ["above"]),
        helper.make_node("MatMul", ["above", "slopes"], ["right"]),
        helper.make_node("Neg", ["right"], ["wrong"]),
        helper.make_node("Less", ["brightness", "dark"], ["is_dark"]),
        helper.make_node("Where", ["is_dark", "wrong", "right"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(autouse=True)
def no_photographs_but_named_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENSCREEN_PADUFES", raising=False)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("parent"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_a_model_and_itself_are_promotable_once_somebody_signs(
    parent: Path, lesions: Path, photographs: Path, tmp_path: Path
) -> None:
    candidate = build(tmp_path / "candidate")
    before = (candidate / "manifest.json").read_bytes()
    unsigned = run(parent, candidate, "--data", lesions, "--reported", photographs)
    assert unsigned.exit_code == NOT_PROMOTABLE
    assert "V–VI: insufficient evidence, n = 0" in unsigned.output
    assert "A named person must sign" in unsigned.output
    assert (candidate / "manifest.json").read_bytes() == before
    found = tmp_path / "found.json"
    signed = run(
        *(parent, candidate, "--data", lesions, "--reported", photographs),
        *("--signed-by", "Ada Lovelace", "--json", found),
    )
    assert signed.exit_code == 0, signed.output
    promotion = read_manifest(candidate).promotion
    assert promotion is not None
    assert (promotion.signed_by, promotion.promotable) == ("Ada Lovelace", True)
    assert "Signed by Ada Lovelace" in (candidate / "CARD.md").read_text(encoding="utf-8")
    written = json.loads(found.read_text(encoding="utf-8"))
    assert written["promotable"] is True
    assert [group["n"] for group in written["simulated"]] == [80] * 6
    assert all(group["patients"] is not None for group in written["reported"])


def test_a_candidate_that_fails_on_one_tone_is_refused_by_name(
    parent: Path, lesions: Path, tmp_path: Path
) -> None:
    candidate = build(tmp_path / "candidate", wrong_in_the_dark=True)
    found = tmp_path / "found.json"
    answer = run(parent, candidate, "--data", lesions, "--signed-by", "Ada Lovelace", "--json", found)
    assert answer.exit_code == NOT_PROMOTABLE
    assert "On simulated tone VI the candidate is worse" in answer.output
    assert "simulated tone V " not in answer.output
    assert "no evidence about people" in answer.output
    assert read_manifest(candidate).promotion is None
    verdicts = {group["group"]: group["verdict"] for group in json.loads(found.read_text())["simulated"]}
    assert verdicts == {**dict.fromkeys(("I", "II", "III", "IV", "V"), "no worse"), "VI": "worse"}


@pytest.mark.parametrize("changed", [("--split", "val"), ("--margin", "0.02")])
def test_nobody_signs_for_another_split_or_margin(
    parent: Path, lesions: Path, tmp_path: Path, changed: tuple[str, str]
) -> None:
    candidate = build(tmp_path / "candidate")
    before = (candidate / "manifest.json").read_bytes()
    answer = run(parent, candidate, "--data", lesions, "--signed-by", "Ada Lovelace", *changed)
    assert answer.exit_code == 2
    assert "nobody signs for another split" in " ".join(answer.output.replace("│", " ").split())
    assert (candidate / "manifest.json").read_bytes() == before


def test_the_margin_of_the_command_is_that_of_a_promotion() -> None:
    assert compare_models.MARGIN == compare.MARGIN


def test_photographs_come_from_the_same_variable_as_for_a_build(
    parent: Path, lesions: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENSCREEN_PADUFES", str(photographs))
    found = tmp_path / "found.json"
    run(parent, parent, "--data", lesions, "--json", found)
    assert sum(group["n"] for group in json.loads(found.read_text())["reported"]) > 0


def test_the_json_names_no_image(parent: Path, lesions: Path, photographs: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    run(parent, parent, "--data", lesions, "--reported", photographs, "--json", found)
    assert ".png" not in found.read_text()


def test_models_with_other_labels_are_not_compared(parent: Path, lesions: Path, tmp_path: Path) -> None:
    candidate = build(tmp_path / "candidate", labels=("harmless", "malignant"))
    answer = run(parent, candidate, "--data", lesions)
    assert isinstance(answer.exception, Fatal)
    assert "harmless" in str(answer.exception)


def test_a_changed_file_is_refused_and_the_role_is_named(parent: Path, lesions: Path, tmp_path: Path) -> None:
    candidate = build(tmp_path / "candidate")
    (candidate / "model.onnx").write_bytes((candidate / "model.onnx").read_bytes() + b"\0")
    answer = run(parent, candidate, "--data", lesions)
    assert isinstance(answer.exception, Fatal)
    assert "The candidate cannot be loaded" in str(answer.exception)


def test_a_missing_data_folder_is_a_sentence(parent: Path, tmp_path: Path) -> None:
    answer = run(parent, parent, "--data", tmp_path / "nowhere")
    assert answer.exit_code == 2
    assert "does not exist" in " ".join(answer.output.replace("│", " ").split())


def test_a_split_that_is_not_there_is_a_sentence(parent: Path, lesions: Path) -> None:
    answer = run(parent, parent, "--data", lesions, "--split", "tset")
    assert isinstance(answer.exception, Fatal)
    assert "tset" in str(answer.exception)


def test_a_missing_image_is_a_sentence_without_its_name(parent: Path, lesions: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels.csv").write_text((lesions / "labels.csv").read_text())
    answer = run(parent, parent, "--data", tmp_path)
    assert isinstance(answer.exception, Fatal)
    assert "png" not in str(answer.exception)


def test_where_the_json_cannot_go_is_known_before_the_work(
    parent: Path, lesions: Path, tmp_path: Path
) -> None:
    answer = run(parent, parent, "--data", lesions, "--json", tmp_path / "nowhere" / "found.json")
    assert isinstance(answer.exception, NoInput)


@pytest.mark.parametrize("margin", [0, 1, -0.1])
def test_a_margin_outside_of_0_to_1_is_a_usage_error(parent: Path, lesions: Path, margin: float) -> None:
    assert run(parent, parent, "--data", lesions, f"--margin={margin}").exit_code == 2


def test_ctrl_c_says_that_nothing_was_written(
    parent: Path, lesions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("evenscreen.compression.compare_folders.compare_folders", interrupted)
    answer = run(parent, parent, "--data", lesions, "--json", tmp_path / "found.json")
    assert answer.exit_code == 130
    assert "stopped while comparing: nothing was written" in answer.output
    assert not (tmp_path / "found.json").exists()
