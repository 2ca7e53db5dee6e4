"""Rows of a Parquet file, a few thousand at a time."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from evenscreen.pipeline.labels.csv_file import Row, checked_header
from evenscreen.pipeline.labels.problems import Unusable
from evenscreen.schemas.errors import Fatal

BATCH_ROWS = 5_000


def parquet_rows(path: Path) -> Iterator[Row]:
    """Every row with its number and its cells as a CSV would write them; the first row is row 2.

    Raises `Fatal` where pyarrow is missing, `Unusable` for what is no Parquet file or has other columns.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError:
        raise Fatal("Parquet needs pyarrow: install it with  pip install 'evenscreen[labels]'") from None
    try:
        with parquet.ParquetFile(path) as file:
            header = checked_header(file.schema_arrow.names)
            number = 1
            for batch in file.iter_batches(BATCH_ROWS):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, dict(zip(header, map(_written, values), strict=True))
    except ArrowException as error:
        raise Unusable(f"The file is no Parquet file that can be read ({type(error).__name__}).") from None


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)
