"""Steps of a run: each leaves one file, and one that has been done is not done again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

console = Console()


class Steps:
    """The steps of one run folder, with what each was made from.

    A step is skipped while its file stands and its key, which covers everything it was made from, is the
    one recorded. Its file appears whole or not at all, and before the record: after a kill it is made again.
    Keys cover recipe and data, not this package's code: new code wants a new run folder.
    """

    def __init__(self, run_dir: Path) -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.folder = run_dir
        self._record = run_dir / "steps.json"

    def run(self, file: str, key: str, make: Callable[[Path], None]) -> Path:
        """The path of `file`, made by `make(path)` unless that is done already."""
        path = self.folder / file
        done = self._done()
        if path.exists() and done.get(file) == key:
            console.print(f"{file}: already done")
            return path
        partial = path.with_name(f"partial-{file}")
        make(partial)
        partial.replace(path)
        replaced = self._record.with_suffix(".partial")
        replaced.write_text(json.dumps({**done, file: key}, indent=1), encoding="utf-8")
        replaced.replace(self._record)
        console.print(f"{file}: done")
        return path

    def _done(self) -> dict[str, str]:
        if not self._record.exists():
            return {}
        recorded: dict[str, str] = json.loads(self._record.read_text(encoding="utf-8"))
        return recorded


def key(*parts: str) -> str:
    """SHA-256 over `parts`, in their order."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
