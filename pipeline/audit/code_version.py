"""Which code computed an audit: the version of the package says too little between two releases."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNTING = ("pipeline/audit/*.py", "pipeline/evidence/*.py", "pipeline/ledger.py", "migrations/sql/*.sql")
"""What decides a figure or a verdict; plans have a version of their own."""


def checksum(files: Iterable[Path]) -> str:
    """SHA-256 over the bytes of the files, in their order."""
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()


def counting_files() -> list[Path]:
    """The files that count and judge, in a fixed order."""
    return [one for pattern in COUNTING for one in sorted(ROOT.glob(pattern))]


@cache
def code_version() -> str:
    """`0.1.0+ab12cd34`: the version, and the first digits of the checksum of all that counts and judges."""
    return f"{version('evenscreen')}+{checksum(counting_files())[:8]}"
