"""Every form answers nearly as FP32 does, and static ranges count every image."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="export needs torch: pip install 'evenscreen[train]'")

import onnx
import torch
from onnxruntime.quantization import CalibrationMethod, load_tensors_data
from onnxruntime.quantization.calibrate import create_calibrator

from evenscreen.compression.evaluate import model_logits, session
from evenscreen.compression.networks.hybrid import Residual
from evenscreen.compression.quantise import STATIC, quantise
from evenscreen.compression.ranges import CHUNK, Images, save_ranges
from evenscreen.compression.recipe import Quantisation

from .exported import exported, pictures

FORMS = ("static", "dynamic", "fp16")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    paths = {form: folder / f"{form}.onnx" for form in FORMS}
    for form, path in paths.items():
        quantise(exported().path, pictures(24), Quantisation(images=24, form=form), path)
    return paths


def ranges(images: np.ndarray, method: str, folder: Path) -> dict[str, tuple[float, float]]:
    path = folder / "ranges.json"
    save_ranges(exported().path, images, method, STATIC, path)
    return {
        name: tuple(float(np.ravel(end)[0]) for end in values.range_value)
        for name, values in load_tensors_data(path).data.items()
    }


@pytest.mark.parametrize(("form", "floor"), [("static", 0.9), ("dynamic", 0.95), ("fp16", 0.999)])
def test_a_form_ranks_as_fp32_does(files: dict[str, Path], form: str, floor: float) -> None:
    images = pictures(40, seed=1)
    expected = model_logits(exported().path, images)
    given = model_logits(files[form], images)
    assert given.dtype == np.float32
    for column in range(expected.shape[1]):
        assert np.corrcoef(expected[:, column], given[:, column])[0, 1] > floor


@pytest.mark.parametrize("form", FORMS)
def test_a_form_takes_bytes_and_any_batch(files: dict[str, Path], form: str) -> None:
    model = session(files[form])
    (taken,), (given,) = model.get_inputs(), model.get_outputs()
    assert (taken.type, given.type) == ("tensor(uint8)", "tensor(float)")
    for batch in (1, 3):
        assert len(model_logits(files[form], pictures(batch))) == batch


def test_a_statically_quantised_score_does_not_depend_on_the_images_beside_it(files: dict[str, Path]) -> None:
    images = pictures(6, seed=2)
    alone, together = (model_logits(files["static"], images, batch) for batch in (1, 6))
    assert np.abs(alone - together).max() < 1e-5
    alone, together = (model_logits(files["dynamic"], images, batch) for batch in (1, 6))
    assert np.abs(alone - together).max() > 1e-4, "if this no longer holds, dynamic may be shipped too"


def test_static_computes_layers_in_integers_and_attention_in_floats(
    files: dict[str, Path], tmp_path: Path
) -> None:
    count = Counter(node.op_type for node in onnx.load(optimised(files["static"], tmp_path)).graph.node)
    network = exported().network
    convolutions = sum(isinstance(module, torch.nn.Conv2d) for module in network.modules())
    blocks = len(network.blocks)
    assert (count["QLinearConv"], count["Conv"], count["FusedConv"]) == (convolutions, 0, 0)
    assert (count["QGemm"], count["Gemm"], count["QLinearMatMul"]) == (4 * blocks, 1, 0)
    residuals = sum(isinstance(module, Residual) for module in network.modules())
    assert count["QLinearAdd"] == residuals, "the sum that runs through the blocks is no integer"
    assert count["Softmax"] == blocks
    assert count["LayerNormalization"] + count["SkipLayerNormalization"] == 2 * blocks + 1
    assert count["MatMul"] + count["FusedMatMul"] == 2 * blocks
    assert count["Relu"] == 0, "they are the lower end of the ranges after them"


def optimised(path: Path, folder: Path) -> Path:
    """The graph as ONNX Runtime runs it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return folder / "optimised.onnx"


@pytest.mark.parametrize("seven", [True, False])
def test_seven_bit_weights_stay_within_63(seven: bool, tmp_path: Path) -> None:
    plan = Quantisation(images=4, seven_bit_weights=seven)
    quantise(exported().path, pictures(4), plan, tmp_path / "static.onnx")
    weights = [
        onnx.numpy_helper.to_array(entry)
        for entry in onnx.load(tmp_path / "static.onnx").graph.initializer
        if entry.data_type == onnx.TensorProto.INT8 and len(entry.dims) > 1
    ]
    assert len(weights) > 10
    assert (max(int(np.abs(weight.astype(int)).max()) for weight in weights) <= 64) == seven


@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_every_image_counts_whatever_their_number(n: int, tmp_path: Path) -> None:
    """The same as merging the ranges of each image by itself."""
    images = pictures(n, seed=n)
    single = [ranges(image[None], "minmax", tmp_path) for image in images]
    for name, (low, high) in ranges(images, "minmax", tmp_path).items():
        assert low == pytest.approx(min(each[name][0] for each in single), abs=1e-5)
        assert high == pytest.approx(max(each[name][1] for each in single), abs=1e-5)


def test_the_librarys_own_limit_forgets_images(tmp_path: Path) -> None:
    """Why ranges.py exists: once this fails, CalibMaxIntermediateOutputs has been mended and it may go."""

    def limited(count: int) -> dict[str, tuple[float, float]]:
        calibrator = create_calibrator(
            exported().path,
            STATIC,
            (tmp_path / "augmented.onnx").as_posix(),
            CalibrationMethod.MinMax,
            extra_options={"max_intermediate_outputs": 4},
        )
        calibrator.collect_data(Images(images[:count]))
        return {name: values.range_value for name, values in calibrator.compute_data().data.items()}

    images = pictures(8)
    images[:4] = 255 * (pictures(4) > 128)
    with pytest.raises(ValueError, match="No data is collected"):
        limited(8)
    kept, all_seven = limited(7), ranges(images[:7], "minmax", tmp_path)
    wider = [name for name, (_, high) in all_seven.items() if high > float(np.ravel(kept[name][1])[0]) + 1e-3]
    assert wider, "the four wild images came first and are forgotten"


def test_percentile_cuts_outliers_and_holds_few_images_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxruntime.quantization.calibrate import HistogramCollector

    held: list[int] = []
    collect = HistogramCollector.collect

    def watched(self: HistogramCollector, values: dict[str, list[np.ndarray]]) -> object:
        held.append(max(len(arrays) for arrays in values.values()))
        return collect(self, values)

    monkeypatch.setattr(HistogramCollector, "collect", watched)
    images = pictures(CHUNK + 3)
    cut, whole = (ranges(images, method, tmp_path) for method in ("percentile", "minmax"))
    assert held == [CHUNK, 3]
    assert all(high <= whole[name][1] + 1e-4 for name, (_, high) in cut.items())
    assert any(high < 0.999 * whole[name][1] for name, (_, high) in cut.items())


def test_a_file_quantised_by_percentile_answers(tmp_path: Path) -> None:
    plan = Quantisation(images=8, method="percentile")
    quantise(exported().path, pictures(8), plan, tmp_path / "static.onnx")
    images = pictures(20, seed=3)
    expected, given = (model_logits(path, images) for path in (exported().path, tmp_path / "static.onnx"))
    assert np.corrcoef(expected.ravel(), given.ravel())[0, 1] > 0.9


def test_an_integer_file_is_about_a_quarter_of_the_float_file(files: dict[str, Path]) -> None:
    tensors = sum(np.prod(entry.dims) for entry in onnx.load(exported().path).graph.initializer)
    stored = sum(len(entry.raw_data) for entry in onnx.load(files["static"]).graph.initializer)
    assert stored < 0.4 * 4 * tensors
