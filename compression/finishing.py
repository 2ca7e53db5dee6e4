"""From a learned network to a model folder. The parent and every candidate go the same way.

 6. export     fp32.onnx          pixels in, logits out
 7. quantise   model.onnx         the form that is served; the parent stays as it is
 8. calibrate  decision.json      temperature and threshold, on val, of the served form
 9. validate   validation.json    network against FP32 file against served file: on val, as taken and by
                                  simulated tone, and on the measuring part's photographs by reported type
10. evaluate   results.json       on the given splits; the only reader of test besides the comparison
11. time       latency.json
12. publish    folder/            model.onnx, manifest.json, CARD.md
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from evenscreen.compression import calibrate
from evenscreen.compression.bench import latencies
from evenscreen.compression.calibration_images import (
    CalibrationEffect,
    calibration_effects,
    calibration_images,
)
from evenscreen.compression.data import load_split
from evenscreen.compression.evaluate import evaluate, model_logits
from evenscreen.compression.export import Serving, export
from evenscreen.compression.learning import Learning
from evenscreen.compression.publish import Decisive, Made, draft, publish
from evenscreen.compression.quantise import quantise
from evenscreen.compression.recipe import Quantisation, Training, text
from evenscreen.compression.steps import Metrics, Steps, key, read_record
from evenscreen.compression.validate import validate
from evenscreen.compression.widths import load_pruned
from evenscreen.pipeline.decide import decide
from evenscreen.schemas.manifest import Compression, Form, Latency, Manifest, Photographs, Result

RESULTS = TypeAdapter(tuple[Result, ...])
LATENCIES = TypeAdapter(tuple[Latency, ...])
EFFECTS = TypeAdapter(tuple[CalibrationEffect, ...])
FORMS: dict[str, Form] = {"static": "int8", "dynamic": "int8", "fp16": "fp16"}


@dataclass(frozen=True)
class Finishing:
    """One network on its way to a folder; `steps` keeps the work, `training` says how classes weighed."""

    recipe_path: Path
    learning: Learning
    network: Path
    steps: Steps
    training: Training
    quantisation: Quantisation | None = None
    splits: tuple[str, ...] = ("val", "test")
    photographs: Photographs | None = None
    """What its card says of photographs with reported skin types, once it is held against its parent."""

    def fp32(self) -> Path:
        made = read_record(self.network).key
        return self.steps.run("fp32.onnx", made, self._export, [self.network], self.learning.images)

    def model(self) -> Path:
        if self.quantisation is None:
            return self.fp32()
        source = self.fp32()
        made = key(read_record(source).key, text(self.quantisation))
        made_from = [source, self.learning.skins()]
        return self.steps.run("model.onnx", made, self._quantise, made_from, self.learning.images)

    def decision(self) -> Path:
        model = self.model()
        made = key(read_record(model).key, str(self.learning.recipe.target_sensitivity))
        return self.steps.run("decision.json", made, self._calibrate, [model], self.learning.images)

    def validation(self) -> Path:
        decision, learning = self.decision(), self.learning
        made_from = [self.network, self.fp32(), self.model(), decision]
        made = key(read_record(decision).key, *learning.photographs.values())
        return self.steps.run("validation.json", made, self._validate, made_from, learning.all_images)

    def results(self) -> Path:
        model, decision = self.model(), self.decision()
        made = key(read_record(decision).key, *self.splits)
        return self.steps.run("results.json", made, self._evaluate, [model, decision], self.learning.images)

    def latency(self) -> Path:
        model = self.model()
        return self.steps.run("latency.json", read_record(model).key, self._time, [model])

    def single(self) -> Latency:
        """That of one image in one thread."""
        entries = LATENCIES.validate_json(self.latency().read_bytes())
        return next(entry for entry in entries if (entry.batch, entry.threads) == (1, 1))

    def calibration_effects(self, seeds: int) -> tuple[CalibrationEffect, ...]:
        """Flips against FP32 by simulated tone and reported type, for both ways of choosing images.

        On return calibration.json beside the model holds them, of draws 0 to `seeds` - 1.
        """
        decision, learning = self.decision(), self.learning
        made = key(read_record(decision).key, str(seeds), *learning.photographs.values())
        found = self.steps.run(
            "calibration.json",
            made,
            lambda path: self._choose_both_ways(range(seeds), path),
            [self.fp32(), decision, learning.skins()],
            learning.all_images,
            seed=0,
        )
        return EFFECTS.validate_json(found.read_bytes())

    def _choose_both_ways(self, seeds: Iterable[int], path: Path) -> None:
        assert self.quantisation is not None  # noqa: S101
        learning = self.learning
        train, manifest = (learning.train.images, learning.toned_train), self._draft("draft", None)
        judged = learning.judged_views
        effects = calibration_effects(self.fp32(), train, judged, self.quantisation, manifest, seeds)
        path.write_bytes(EFFECTS.dump_json(effects, indent=1))

    def folder(self, name: str, parent: "Finishing | None" = None) -> Manifest:
        """Publish as RUN/folder and give back its manifest, which lacks the comparison with `parent`."""
        self.validation()
        manifest = self._draft(name, parent).model_copy(
            update={
                "results": RESULTS.validate_json(self.results().read_bytes()),
                "latency": LATENCIES.validate_json(self.latency().read_bytes()),
            }
        )
        publish(manifest, self.model(), self.steps.folder / "folder")
        return manifest

    @property
    def made(self) -> Made:
        """The served file, and what its maker knows of it."""
        measured = read_record(self.network).metrics
        form: Form = FORMS[self.quantisation.form] if self.quantisation else "fp32"
        return Made(self.model(), form, int(str(measured["parameters"])), int(str(measured["macs"])))

    def _draft(self, name: str, parent: "Finishing | None") -> Manifest:
        decisive = Decisive.model_validate_json(self.decision().read_bytes())
        recipe, compression, made = self.learning.recipe, None, self.made
        learned = read_record(self.network)
        if parent is not None:
            compression = Compression(
                importance=recipe.pruning.importance,
                removed=1 - made.parameters / parent.made.parameters,
                quantisation=self.quantisation.form if self.quantisation else "none",
            )
        return draft(
            name,
            self.recipe_path,
            recipe,
            self.learning.data_sha256,
            made,
            decisive,
            parent.made if parent else None,
            compression,
            f"{learned.machine}, torch {learned.versions['torch']}",
            self.photographs if parent else None,
        )

    def _export(self, path: Path) -> Metrics:
        export(self.serving(), self.learning.recipe.preprocessing, path)
        return {"size_bytes": path.stat().st_size}

    def serving(self) -> Serving:
        """The network as it is exported."""
        return Serving(load_pruned(self.network), self.learning.serving_shift(self.training))

    def _quantise(self, path: Path) -> Metrics:
        assert self.quantisation is not None  # noqa: S101
        learning, plan = self.learning, self.quantisation
        images = calibration_images(learning.train.images, learning.toned_train, plan, self.training.seed)
        quantise(self.fp32(), images, plan, path)
        return {"size_bytes": path.stat().st_size, "images": len(images)}

    def _calibrate(self, path: Path) -> Metrics:
        val, recipe = self.learning.val, self.learning.recipe
        logits = model_logits(self.model(), val.images)
        calibration = calibrate.temperature(logits, val.labels, val.name)
        scores = calibrate.scores(logits, calibration, recipe.data.labels, recipe.data.malignant)
        point = calibrate.operating_point(
            scores, val.malignant(recipe.data), recipe.target_sensitivity, val.name
        )
        decisive = Decisive(calibration=calibration, operating_point=point)
        path.write_text(decisive.model_dump_json(indent=1), encoding="utf-8")
        return {"temperature": calibration.temperature, "threshold": point.threshold}

    def _validate(self, path: Path) -> Metrics:
        groups, manifest = self.learning.judged_views, self._draft("draft", None)
        shift = self.learning.serving_shift(self.training)
        found = validate(load_pruned(self.network), shift, self.fp32(), self.model(), groups, manifest)
        path.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        return {"largest_logit_error": found.largest_logit_error}

    def _evaluate(self, path: Path) -> Metrics:
        manifest, results = self._draft("draft", None), []
        for name in self.splits:
            data, spec = self.learning.recipe.data, self.learning.recipe.preprocessing
            split = load_split(self.learning.data_dir, name, data, spec)
            decisions = decide(model_logits(self.model(), split.images), manifest)
            results.append(evaluate(decisions, split.malignant(data), split.name, manifest.form))
        path.write_bytes(RESULTS.dump_json(tuple(results), indent=1))
        return {f"{result.split}_auroc": result.auroc.value for result in results}

    def _time(self, path: Path) -> Metrics:
        entries = latencies(self.model(), self.learning.recipe.preprocessing)
        path.write_bytes(LATENCIES.dump_json(entries, indent=1))
        return {f"ms_batch_{entry.batch}_threads_{entry.threads}": entry.median_ms for entry in entries}
