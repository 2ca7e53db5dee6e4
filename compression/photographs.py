"""Photographs of people with their labels, in the layout of PAD-UFES-20: images/ and labels.csv."""

import csv
from pathlib import Path
from typing import NamedTuple

from evenscreen.compression.pictures import Place
from evenscreen.schemas.errors import Fatal

COLUMNS = ("image", "patient", "malignant", "fst")


class Row(NamedTuple):
    """One photograph; `line` is where labels.csv has it."""

    line: int
    image: str
    patient: str
    malignant: bool
    fst: int
    """0 where it is not recorded."""

    @property
    def place(self) -> Place:
        return self.line, self.image


def labelled_rows(folder: Path) -> list[Row]:
    """The rows of `folder`/labels.csv. Raises Fatal, naming line and column but nobody, when one is wrong."""
    try:
        with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
                raise Fatal(f"labels.csv of the photographs has no column {', '.join(missing)}.")
            rows = [_checked(row, reader.line_num) for row in reader]
    except OSError:
        raise Fatal("The folder of photographs is missing or has no labels.csv that can be read.") from None
    except (UnicodeDecodeError, csv.Error):
        raise Fatal("labels.csv of the photographs is not a table in UTF-8.") from None
    if len({row.image for row in rows}) < len(rows):
        raise Fatal("labels.csv, column image: an image is listed twice.")
    return rows


def _checked(row: dict[str, str | None], line: int) -> Row:
    def value(column: str, wanted: str, allowed: tuple[str, ...] = ()) -> str:
        given = row[column]
        if given is None or (given not in allowed if allowed else not given):
            raise Fatal(f"labels.csv, line {line}, column {column}: {wanted} is needed.")
        return given

    return Row(
        line=line,
        image=value("image", "a file name"),
        patient=value("patient", "a patient"),
        malignant=value("malignant", "0 or 1", ("0", "1")) == "1",
        fst=int(value("fst", "1 to 6 or nothing", ("", *"123456")) or 0),
    )
