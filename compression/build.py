"""From a recipe and a folder of images to a model folder. The steps are numbered; read this file first.

    1. train       checkpoint.pt, weights.pt    weights after the last epoch
    2. export      fp32.onnx                    pixels in, logits out
    3. quantise    int8.onnx                    ranges from training images
    4. calibrate   decision.json                temperature and threshold, on val, of the INT8 file
    5. evaluate    results.json                 both forms on val and test; the only reader of test
    6. time        latency.json
    7. publish     model.onnx, manifest.json, CARD.md

Running it again skips what is done; training goes on from its last finished epoch.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter

from evenscreen.compression import calibrate
from evenscreen.compression.bench import latencies
from evenscreen.compression.data import Split, data_checksum, load_split
from evenscreen.compression.evaluate import agreement, evaluate, model_logits
from evenscreen.compression.export import Serving, export
from evenscreen.compression.networks.residual import Residual
from evenscreen.compression.publish import Decisive, draft, publish
from evenscreen.compression.quantise import quantise
from evenscreen.compression.recipe import Recipe, read_recipe
from evenscreen.compression.steps import Steps, console, key
from evenscreen.compression.train import class_weights, train
from evenscreen.pipeline.decide import decide
from evenscreen.schemas.manifest import Latency, Manifest, Result

RESULTS = TypeAdapter(tuple[Result, ...])
LATENCIES = TypeAdapter(tuple[Latency, ...])


def build(recipe_path: Path, data_dir: Path, out_dir: Path, run_dir: Path) -> Manifest:
    """Make the model of `recipe_path` from `data_dir` and put its folder at `out_dir`.

    On return `out_dir` holds model.onnx, manifest.json and CARD.md; `run_dir` holds every intermediate file
    and agreement.json (FP32 against INT8). Raises Fatal when recipe, data or run folder do not fit.
    """
    return Build(recipe_path, data_dir, run_dir).all_steps(out_dir)


class Build:
    """One run: the recipe, its data (read when first needed) and its steps."""

    def __init__(self, recipe_path: Path, data_dir: Path, run_dir: Path) -> None:
        self.recipe_path, self.data_dir = recipe_path, data_dir
        self.recipe: Recipe = read_recipe(recipe_path)
        self.steps = Steps(run_dir)
        self.data_sha256 = data_checksum(data_dir)

    def all_steps(self, out_dir: Path) -> Manifest:
        recipe, run = self.recipe, self.steps.run
        trained = recipe.training_fingerprint(self.data_sha256)
        chosen = key(trained, recipe.weights)
        quantised = key(chosen, recipe.quantisation.model_dump_json())
        calibrated = key(quantised, str(recipe.target_sensitivity))
        weights = run("weights.pt", chosen, self._train)
        fp32 = run("fp32.onnx", chosen, lambda path: self._export(weights, path))
        int8 = run("int8.onnx", quantised, lambda path: self._quantise(fp32, path))
        decision = run("decision.json", calibrated, lambda path: self._calibrate(int8, path))
        manifest = draft(self.recipe_path, recipe, self.data_sha256, int8, self.trained(weights), decision)
        results = run("results.json", calibrated, lambda path: self._evaluate(fp32, int8, manifest, path))
        timed = run("latency.json", quantised, lambda path: self._time(int8, path))
        final = manifest.model_copy(
            update={
                "results": RESULTS.validate_json(results.read_bytes()),
                "latency": LATENCIES.validate_json(timed.read_bytes()),
            }
        )
        publish(final, int8, out_dir)
        console.print(f"{final.model_version} is ready")
        return final

    @cached_property
    def _train_split(self) -> Split:
        return self._split("train")

    @cached_property
    def _val_split(self) -> Split:
        return self._split("val")

    def _split(self, name: str) -> Split:
        return load_split(self.data_dir, name, self.recipe.data, self.recipe.preprocessing)

    def _train(self, path: Path) -> None:
        network = train(self.recipe, self._train_split, self._val_split, self.data_sha256, self.steps.folder)
        torch.save(network.state_dict(), path)

    def trained(self, weights: Path) -> Residual:
        """The network with the weights of step 1."""
        network = Residual(self.recipe.network, len(self.recipe.data.labels))
        network.load_state_dict(torch.load(weights, weights_only=True))
        return network

    def _export(self, weights: Path, path: Path) -> None:
        classes, balance = len(self.recipe.data.labels), self.recipe.training.balance
        shares = class_weights(self._train_split.labels, classes, balance)
        export(Serving(self.trained(weights), shares), self.recipe.preprocessing, path)

    def _quantise(self, fp32: Path, path: Path) -> None:
        """Images for the ranges are drawn by the recipe's seed, so that a rebuild reads the same ones."""
        images, plan = self._train_split.images, self.recipe.quantisation
        order = np.random.default_rng(self.recipe.training.seed).permutation(len(images))
        quantise(fp32, images[order[: plan.images]], plan, path)

    def _calibrate(self, int8: Path, path: Path) -> None:
        val, data = self._val_split, self.recipe.data
        logits = model_logits(int8, val.images)
        calibration = calibrate.temperature(logits, val.labels, val.name)
        scores = calibrate.scores(logits, calibration, data.labels, data.malignant)
        point = calibrate.operating_point(
            scores, val.malignant(data), self.recipe.target_sensitivity, val.name
        )
        decisive = Decisive(calibration=calibration, operating_point=point)
        path.write_text(decisive.model_dump_json(indent=1), encoding="utf-8")

    def _evaluate(self, fp32: Path, int8: Path, manifest: Manifest, path: Path) -> None:
        results, agreements = [], []
        for split in (self._val_split, self._split("test")):
            malignant = split.malignant(self.recipe.data)
            floating, integer = model_logits(fp32, split.images), model_logits(int8, split.images)
            results += [
                evaluate(decide(floating, manifest), malignant, split.name, "fp32"),
                evaluate(decide(integer, manifest), malignant, split.name, "int8"),
            ]
            agreements.append(agreement(floating, integer, manifest, split.name).model_dump_json())
        agreement_file = self.steps.folder / "agreement.json"
        agreement_file.write_text("[" + ",\n".join(agreements) + "]\n", encoding="utf-8")
        path.write_bytes(RESULTS.dump_json(tuple(results), indent=1))

    def _time(self, int8: Path, path: Path) -> None:
        path.write_bytes(LATENCIES.dump_json(latencies(int8, self.recipe.preprocessing), indent=1))
