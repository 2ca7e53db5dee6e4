"""Scoring files without a stack: the pipeline's decode, preprocess, infer and decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evenscreen.infra.cli.failures import NoInput
from evenscreen.pipeline.candidate import pixels_of
from evenscreen.pipeline.decide import Decision, decide
from evenscreen.pipeline.infer import infer
from evenscreen.pipeline.model import Model, load_model
from evenscreen.pipeline.store.names import is_image_key
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.manifest import Manifest
from evenscreen.schemas.reasons import Reason
from evenscreen.schemas.settings import ImageSettings


@dataclass(frozen=True)
class Score:
    """What became of one file: a decision, or the reason why there is none."""

    file: Path
    model: Manifest
    decision: Decision | None = None
    reason: Reason | None = None
    detail: str = ""


def score_files(paths: Sequence[Path], model_folder: Path | None) -> tuple[Iterator[Score], Manifest]:
    """Score files one after the other, as an iterator; raises `NoInput` for a path that leads nowhere.

    `model_folder` wins over EVENSCREEN_MODEL, which wins over the shipped model.
    """
    files = list(_files(paths))
    settings = ImageSettings(bucket="file:///")
    model = load_model(model_folder or settings.model, settings.inference_threads)
    return (_score(file, model, settings) for file in files), model.manifest


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            below = (file for file in path.rglob("*") if is_image_key(file.relative_to(path).as_posix()))
            found = sorted(file for file in below if file.is_file())
            if not found:
                raise NoInput(f"there is no image in the folder {path}.")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise NoInput(f"there is no file or folder {path}.")


def _score(file: Path, model: Model, settings: ImageSettings) -> Score:
    try:
        if file.stat().st_size > settings.max_image_bytes:
            raise Rejected(Reason.OBJECT_TOO_LARGE, f"{file.stat().st_size} bytes")
        pixels = pixels_of(file.read_bytes(), settings, model.manifest.preprocessing)
    except Rejected as rejected:
        return Score(file, model.manifest, reason=rejected.reason, detail=rejected.detail)
    except OSError as error:
        raise NoInput(f"{file} cannot be read ({error.strerror}).") from None
    (decision,) = decide(infer(model, [pixels]), model.manifest)
    return Score(file, model.manifest, decision)
