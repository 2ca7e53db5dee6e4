"""Steps of a run: each leaves one file, and one that has been done is not done again."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from evenscreen.compression.machine import machine_and_accelerator
from evenscreen.compression.progress import console

MADE_WITH = ("evenscreen", "torch", "torch-pruning", "onnx", "onnxruntime", "numpy", "pillow")

Metrics = Mapping[str, object]
"""What a step measured, fit for JSON."""


class Record(BaseModel):
    """Where a file comes from and what was measured on it: `FILE.json` beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """SHA-256 over every decision that made it."""
    sha256: str
    made_from: dict[str, str]
    """SHA-256 of each file of the run folder that was read, by its path in there."""
    images: dict[str, str] = {}
    """SHA-256 of each folder of images that was read (with its labels.csv), by the option that names it."""
    seed: int
    versions: dict[str, str]
    machine: str
    seconds: float
    """How long the last, uninterrupted part of making it took."""
    metrics: dict[str, object]


class Steps:
    """The steps of one run folder.

    A step is skipped while its file stands and its key, which covers everything it was made from, is the
    one recorded. Its file appears whole or not at all, and before its record: after a kill it is made again.
    Keys cover recipe and data, not this package's code: new code wants a new run folder.
    """

    def __init__(self, folder: Path, seed: int, run_dir: Path | None = None) -> None:
        """Steps whose files lie in `folder`, which is or is within `run_dir`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._seed, self._run_dir = folder, seed, run_dir or folder
        self._told: set[str] = set()

    def run(
        self,
        file: str,
        key: str,
        make: Callable[[Path], Metrics | None],
        made_from: Sequence[Path] = (),
        images: Mapping[str, str] | None = None,
        seed: int | None = None,
    ) -> Path:
        """The path of `file`, made by `make(path)`, which returns metrics, unless that is done already.

        `made_from` are the files of the run folder that it reads, `images` the checksums of folders, `seed`
        its own where it is not that of the folder.
        """
        path, record = self.folder / file, self.folder / f"{file}.json"
        if path.exists() and record.exists() and read_record(path).key == key:
            if file not in self._told:
                console.print(f"{file}: already done")
            self._told.add(file)
            return path
        began = time.monotonic()
        partial = path.with_name(f"partial-{file}")
        with resumable(f"in {file}"):
            metrics = make(partial)
        partial.replace(path)
        made = Record(
            key=key,
            sha256=sha256(path),
            made_from={source.relative_to(self._run_dir).as_posix(): sha256(source) for source in made_from},
            images=dict(images or {}),
            seed=self._seed if seed is None else seed,
            versions={name: version(name) for name in MADE_WITH},
            machine=machine_and_accelerator(),
            seconds=round(time.monotonic() - began, 1),
            metrics=dict(metrics or {}),
        )
        replace(record, made.model_dump_json(indent=1).encode())
        console.print(f"{file}: done")
        self._told.add(file)
        return path


@contextmanager
def resumable(where: str, then: str = "the same command goes on from what is finished") -> Iterator[None]:
    """Ctrl-C within says what comes of it, once: the innermost of several knows best where it was."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if interrupt.args:
            raise
        # A bar that was interrupted has hidden it.
        console.show_cursor()
        console.print(f"stopped {where}: {then}")
        raise KeyboardInterrupt(where) from None


def read_record(path: Path) -> Record:
    """The record of the file at `path`."""
    return Record.model_validate_json(path.with_name(f"{path.name}.json").read_bytes())


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key(*parts: str) -> str:
    """SHA-256 over `parts`, in their order."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
