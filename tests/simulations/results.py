"""What has been simulated so far, in a file: complete after every chunk, so that a stopped run can go on."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from entries import Entry

from evenscreen.pipeline.audit.code_version import checksum

HERE = Path(__file__).parent
JUDGING = [
    *sorted((HERE.parent.parent / "pipeline" / "evidence").glob("*.py")),
    *[HERE.parent.parent / "pipeline" / "audit" / f"{name}.py" for name in ("judge", "missing", "plan")],
    *[HERE / f"{name}.py" for name in ("columns", "draws", "looks")],
]
CODE = checksum(JUDGING)[:16]
"""Of all that draws and judges."""


class Results:
    """Counts by entry, with the chunks that they hold. `path` None keeps them in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[str, Any] = {"runs": [], "entries": {}}
        if path is not None and path.exists():
            self._found = json.loads(path.read_text(encoding="utf-8"))

    def begin(self, machine: str) -> None:
        """Before a run on `machine` adds to them."""
        if machine not in self._found["runs"]:
            self._found["runs"].append(machine)

    @property
    def machines(self) -> list[str]:
        return list(self._found["runs"])

    def has(self, entry: Entry, chunk: int) -> bool:
        return chunk in self._of_this_code(entry)["chunks"]

    def add(self, entry: Entry, chunk: int, said: Counter[str]) -> None:
        own = self._found["entries"][entry.name] = self._of_this_code(entry)
        own["audits"] += entry.chunk
        own["chunks"] = sorted([*own["chunks"], chunk])
        own["said"] = dict(sorted((Counter(own["said"]) + said).items()))

    def _of_this_code(self, entry: Entry) -> dict[str, Any]:
        """What is known of `entry`; nothing if other code counted: two procedures have no rate together."""
        own: dict[str, Any] = self._found["entries"].get(entry.name, {})
        return own if own.get("code") == CODE else {"code": CODE, "audits": 0, "chunks": [], "said": {}}

    def save(self) -> None:
        """Whole or not at all."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial = self._path.with_suffix(".partial")
            partial.write_text(self._text(), encoding="utf-8")
            os.replace(partial, self._path)

    def _text(self) -> str:
        """One entry a line, so that a difference can be read."""
        head = {"runs": self._found["runs"]}
        entries = [
            f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(own)}"
            for name, own in sorted(self._found["entries"].items())
        ]
        start = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
        return start + ',\n "entries": {\n' + ",\n".join(entries) + "\n }\n}\n"

    def audits(self, entry: Entry) -> int:
        return int(self._found["entries"].get(entry.name, {}).get("audits", 0))

    def share(self, entry: Entry, said: str) -> float | None:
        """Of the entry's audits, those that said it; None before any."""
        audits = self.audits(entry)
        return self._found["entries"][entry.name]["said"].get(said, 0) / audits if audits else None
