"""The model is a folder: `model.onnx` and the `manifest.json` that vouches for it. Load it once, verified."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
from pydantic import ValidationError

from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.manifest import Manifest

SHIPPED = Path(__file__).parent.parent / "compression" / "shipped"


@dataclass(frozen=True)
class Model:
    """A verified model, ready to run; `session` may be used by one thread at a time."""

    manifest: Manifest
    session: onnxruntime.InferenceSession

    @property
    def version(self) -> str:
        return self.manifest.model_version


def load_model(folder: Path | None, threads: int) -> Model:
    """Load `folder` (None: the shipped model), refusing a file that its manifest does not describe.

    Raises `Fatal` when something is missing, the manifest is not one, or the checksum differs.
    """
    folder = folder or SHIPPED
    manifest = read_manifest(folder)
    try:
        content = (folder / "model.onnx").read_bytes()
    except OSError as error:
        raise Fatal(f"The model folder has no readable model.onnx ({type(error).__name__}).") from None
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.sha256:
        raise Fatal(
            f"model.onnx has SHA-256 {found[:12]}…, its manifest promises {manifest.sha256[:12]}…: "
            "the folder was changed after it was built. Install the model again."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads are most of the CPU bill when images come now and then.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Model(manifest, session)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a model folder, or `Fatal` with what is wrong about it."""
    try:
        return Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    except OSError as error:
        raise Fatal(f"The model folder has no readable manifest.json ({type(error).__name__}).") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Fatal(f"manifest.json is not valid at '{where}': {error.errors()[0]['msg']}.") from None
