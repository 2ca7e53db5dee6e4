"""What is wrong with a file of reports, by row and column, in sentences for the person who wrote it.

No value is quoted: in a file whose columns have slipped any of them may be a name.
"""

from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 10


class Unusable(Exception):
    """The file cannot be imported; the message is a sentence for the person who named it."""


@dataclass(frozen=True)
class Problem:
    """One thing to correct; rows are counted as a spreadsheet does, the header being row 1."""

    row: int
    column: str
    sentence: str

    def __str__(self) -> str:
        return f"row {self.row:,}, column {self.column}: {self.sentence}"


@dataclass
class Problems:
    """The first few, and how many there are."""

    first: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, problem: Problem) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(problem)
