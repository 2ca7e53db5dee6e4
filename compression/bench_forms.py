"""Every form of a recipe's model against its parent and against a network that everybody knows."""

from evenscreen.compression.bench import Report, bench, eager_entry, onnx_entry
from evenscreen.compression.build import Build
from evenscreen.compression.layers import macs
from evenscreen.compression.recipe import Quantisation
from evenscreen.compression.steps import replace
from evenscreen.compression.yardstick import SIDE, ResNet50, write_yardstick

PARENT, PARENT_FILE, YARDSTICK = "parent, PyTorch eager", "parent, ONNX FP32", "ResNet-50, INT8"
FORMS = {"FP16": "fp16", "INT8 static": "static", "INT8 dynamic": "dynamic"}


def bench_forms(making: Build, rounds: int) -> Report:
    """Time parent and candidate in all forms, interleaved; what the run folder lacks is made first.

    On return RUN/bench.json holds the report, too.
    """
    parent, candidate, recipe = making.parent, making.candidate, making.recipe
    entries = [
        eager_entry(PARENT, parent.serving(), recipe.preprocessing, parent.made.macs),
        onnx_entry(PARENT_FILE, parent.fp32(), parent.made.macs),
        onnx_entry("pruned, ONNX FP32", candidate.fp32(), candidate.made.macs),
    ]
    for name, form in FORMS.items():
        plan = Quantisation.model_validate({**recipe.quantisation.model_dump(), "form": form})
        made = making.finishing(f"bench-{form}", candidate.network, candidate.training, plan)
        entries.append(onnx_entry(f"pruned, {name}", made.model(), candidate.made.macs))
    yardstick = making.steps.run("yardstick.onnx", YARDSTICK, write_yardstick, seed=0)
    entries.append(onnx_entry(YARDSTICK, yardstick, macs(ResNet50(), SIDE)))
    report = bench(entries, (PARENT, PARENT_FILE), YARDSTICK, rounds=rounds)
    replace(making.run_dir / "bench.json", report.model_dump_json(indent=1).encode())
    return report
