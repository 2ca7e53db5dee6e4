"""From a recipe and folders of images to a model folder: read learning.py, then finishing.py, then this.

    0 to 5    data are looked at; guides teach a parent; the parent is pruned and teaches what is left of it
    6 to 12   parent and candidate each become a model folder
    13        the candidate is held against its parent, on test, by simulated tone and reported skin type

Running it again skips what is done; training goes on from its last judged epoch.
"""

from functools import cached_property
from pathlib import Path

from evenscreen.compression.compare_folders import compare_folders
from evenscreen.compression.comparison import Comparison, recorded
from evenscreen.compression.finishing import Finishing
from evenscreen.compression.groups import ReportedParts, load_reported
from evenscreen.compression.learning import Learning
from evenscreen.compression.photographs_lineage import described
from evenscreen.compression.progress import console
from evenscreen.compression.publish import publish
from evenscreen.compression.recipe import Quantisation, Recipe, Training, read_recipe
from evenscreen.compression.steps import Metrics, Steps, key, read_record
from evenscreen.schemas.manifest import Manifest, Photographs


class Build:
    """One run: the recipe, its data (read when first needed) and its steps.

    `reported_dir` holds photographs with reported skin types. Raises Fatal, at once or in a step, when
    recipe, data or run folder do not fit.
    """

    def __init__(self, recipe_path: Path, data_dir: Path, run_dir: Path, reported_dir: Path | None) -> None:
        self.recipe_path, self.run_dir, self.reported_dir = recipe_path, run_dir, reported_dir
        self.recipe: Recipe = read_recipe(recipe_path)
        self.seed = self.recipe.parent.training.seed
        self.steps = Steps(run_dir, self.seed)
        measure = self.reported.measure if self.reported else None
        self.learning = Learning(self.recipe, data_dir, self.steps, measure)

    @cached_property
    def reported(self) -> ReportedParts | None:
        """Photographs in two parts, by patient: one to measure importances on, one to judge by."""
        if self.reported_dir is None:
            return None
        return load_reported(self.reported_dir, self.recipe.preprocessing, self.seed)

    @cached_property
    def photographs(self) -> Photographs | None:
        """What the candidate's card says of them: magnitude alone asks no image what matters."""
        if self.reported_dir is None or self.reported is None:
            return None
        return described(self.reported_dir, self.reported, self.recipe.pruning.importance != "magnitude")

    @cached_property
    def parent(self) -> Finishing:
        return self.finishing("parent", self.learning.parent(), self.recipe.parent.training)

    @cached_property
    def candidate(self) -> Finishing:
        network, recipe = self.learning.recovered(), self.recipe
        return self.finishing("candidate", network, recipe.recovery.training, recipe.quantisation)

    def finishing(
        self,
        name: str,
        network: Path,
        training: Training,
        quantisation: Quantisation | None = None,
        splits: tuple[str, ...] = ("val", "test"),
    ) -> Finishing:
        """The way of one network to RUN/name/folder."""
        steps = Steps(self.run_dir / name, training.seed, self.run_dir)
        return Finishing(
            self.recipe_path, self.learning, network, steps, training, quantisation, splits, self.photographs
        )

    def described(self, finishing: Finishing) -> Path:
        """Step 12: RUN/parent/folder or RUN/candidate/folder, `finishing` being the one or the other."""
        self._folder(finishing)
        return finishing.steps.folder / "folder"

    def build(self, out_dir: Path) -> Manifest:
        """Make the model and put its folder at `out_dir`; its card tells if it is promotable.

        On return `out_dir` holds model.onnx, manifest.json and CARD.md; the run folder holds every
        intermediate file with its record, parent/folder, candidate/folder and comparison.json.
        """
        manifest = self.compared()
        publish(manifest, self.candidate.model(), out_dir)
        console.print(f"{manifest.model_version} is ready")
        return manifest

    def compared(self) -> Manifest:
        """Step 13: the candidate's manifest with what the comparison found."""
        parent, candidate = self.parent, self.candidate
        self._folder(parent)
        manifest = self._folder(candidate)
        sides, learning = (parent, candidate), self.learning
        photographs = [self.reported_dir.resolve().name] if self.reported_dir else []
        made = key(
            *(read_record(side.decision()).key for side in sides),
            self.recipe.name,
            *(*photographs, *learning.photographs.values()),
        )
        files = [file for side in sides for file in (side.model(), side.decision(), side.latency())]
        found = self.steps.run("comparison.json", made, self._compare, files, learning.all_images)
        return recorded(manifest, Comparison.model_validate_json(found.read_bytes()))

    def _folder(self, finishing: Finishing) -> Manifest:
        if finishing is self.parent:
            return finishing.folder(f"{self.recipe.name}-parent")
        return finishing.folder(self.recipe.name, self.parent)

    def _compare(self, path: Path) -> Metrics:
        parent, candidate = (made.steps.folder / "folder" for made in (self.parent, self.candidate))
        found = compare_folders(parent, candidate, self.learning.data_dir, self.reported_dir)
        path.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        return {"promotable": found.promotable}
