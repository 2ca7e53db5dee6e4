"""A CSV of outcome reports as a hospital exports it."""

import csv
from pathlib import Path
from uuid import UUID


def write_labels(file: Path, rows: int) -> None:
    """`rows` reports of that many images, by screening id; the same file every time."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("screening_id", "outcome", "source", "reported_at", "verification_reason"))
        for number in range(rows):
            outcome = "benign" if number % 12 else "malignant"
            writer.writerow(
                (
                    UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128),
                    outcome,
                    "histopathology",
                    f"2026-{number % 9 + 1:02}-{number % 28 + 1:02}",
                    "routine",
                )
            )
