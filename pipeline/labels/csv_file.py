"""Rows of a CSV file (RFC 4180; comma, semicolon or tab), in UTF-8, one after the other."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from evenscreen.pipeline.labels.problems import Problem, Unusable
from evenscreen.pipeline.labels.rows import COLUMNS, REFERENCE

DELIMITERS = (",", ";", "\t")
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAVE_AS = "save it as CSV in UTF-8 (in Excel: 'CSV UTF-8')"

Row = tuple[int, Mapping[str, str] | Problem]


def csv_rows(file: BinaryIO) -> Iterator[Row]:
    """Every row with its number and its cells by column, or what is wrong with its shape.

    Reads on from the begin of `file`, which stays open. Raises `Unusable` for an encoding or a header that
    no row can be read with, and for a file that ends within quotes.
    """
    file.seek(0)
    if file.read(2) in UTF16:
        raise Unusable(f"The file is encoded in UTF-16: {SAVE_AS}.")
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield from _rows(text)
    except UnicodeDecodeError:
        raise Unusable(f"The file is not encoded in UTF-8: {SAVE_AS}.") from None
    finally:
        text.detach()


def _rows(text: io.TextIOWrapper) -> Iterator[Row]:
    first = text.readline()
    delimiter = max(DELIMITERS, key=first.count)
    header = checked_header(next(csv.reader([first], delimiter=delimiter), []))
    number = 1
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise Unusable(
                f"Row {number:,} cannot be read: its quotes do not close, or a cell is larger than 128 KiB."
            ) from None
        if not any(cells):
            continue
        if len(cells) == len(header):
            yield number, dict(zip(header, cells, strict=True))
        else:
            place = header[min(len(cells), len(header)) - 1]
            yield number, Problem(number, place, f"the row has {len(cells)} cells, the header {len(header)}")


def checked_header(names: Sequence[str]) -> list[str]:
    """Columns in our spelling. Raises `Unusable` with every name that is wrong, missing or there twice."""
    folded = [name.strip().lower().replace("-", "_").replace(" ", "_") for name in names]
    strange = [name.strip() for name, known in zip(names, folded, strict=True) if known not in COLUMNS]
    if strange:
        listed = ", ".join(repr(name[:40]) for name in strange[:10])
        raise Unusable(
            f"Row 1 (the header) names columns that are not known: {listed}. Known are {', '.join(COLUMNS)}."
        )
    if twice := sorted({name for name in folded if folded.count(name) > 1}):
        raise Unusable(f"Row 1 (the header) names columns twice: {', '.join(twice)}.")
    missing = [] if "reported_at" in folded else ["reported_at"]
    if not {"screening_id", "key", "accession"} & set(folded):
        missing.append(
            " or ".join(name for name in REFERENCE if name in ("screening_id", "key", "accession"))
        )
    if not {"outcome", "fst"} & set(folded):
        missing.append("outcome or fst")
    if missing:
        raise Unusable(f"Row 1 (the header) lacks {', '.join(missing)}.")
    return folded
