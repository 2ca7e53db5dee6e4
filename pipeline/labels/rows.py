"""From one row of a file to the report it makes, or to what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from evenscreen.pipeline.labels.problems import Problem
from evenscreen.pipeline.labels.times import reported_time
from evenscreen.pipeline.pseudonym import Pseudonymizer, accession_pseudonym
from evenscreen.schemas.events import LabelArrived
from evenscreen.schemas.labels import Diagnosis, OutcomeSource, VerificationReason
from evenscreen.schemas.metadata import FST_ROMAN

REFERENCE: Final = ("screening_id", "bucket", "key", "etag", "accession", "issuer")
OUTCOME: Final = (
    "outcome",
    "diagnosis",
    "source",
    "verification_reason",
    "sampling_probability",
    "supersedes",
)
SKIN_TYPE: Final = ("fst", "fst_source")
COLUMNS: Final = (*REFERENCE, "reported_at", *OUTCOME, *SKIN_TYPE)

FST_ARABIC: Final = {str(fst): fst for fst in FST_ROMAN.values()}

AHEAD: Final = timedelta(days=1)
"""A plain date means the end of its day, somewhere on earth; what lies further ahead is a wrong year."""

EXPECTED: Final = {
    "screening_id": "must be a screening id (a UUID)",
    "bucket": "must be the name of a bucket",
    "key": "must be a key of at most 1,024 characters",
    "etag": "must be an ETag",
    "accession": "must be an accession number",
    "outcome": "must be malignant or benign",
    "diagnosis": f"must be one of {', '.join(Diagnosis)}",
    "source": f"must be one of {', '.join(OutcomeSource)}",
    "verification_reason": f"must be one of {', '.join(VerificationReason)}",
    "sampling_probability": "must be a number above 0, up to 1, such as 0.05",
    "supersedes": "must be the id of a report (a UUID)",
    "fst": "must be a Fitzpatrick skin type, 1 to 6 or I to VI",
    "fst_source": "must be reported, estimated or simulated",
    "reported_at": "must lie after 1970",
}


@dataclass(frozen=True)
class Reading:
    """How rows are read: what the command line adds to them."""

    imported_by: str
    batch_id: UUID
    bucket: str | None = None
    zone: ZoneInfo | None = None
    pseudonymizer: Pseudonymizer | None = None
    now: datetime | None = None
    """What counts as the future; the present unless a test says otherwise."""

    def report(self, row: int, written: Mapping[str, str]) -> LabelArrived | Problem:
        """The report of row number `row`; blank cells say nothing. Raises `Fatal` where a key is missing."""
        values = {name: text for name, cell in written.items() if (text := cell.strip())}
        try:
            return self._report(row, values)
        except _Wrong as wrong:
            return Problem(row, wrong.column, wrong.sentence)
        except ValidationError as error:
            return Problem(row, *_place(error))

    def _report(self, row: int, values: Mapping[str, str]) -> LabelArrived:
        return LabelArrived.model_validate(
            {
                **self._reference(values),
                "reported_at": self._reported_at(values),
                "outcome": _outcome(values),
                "skin_type": _skin_type(values),
                "imported_by": self.imported_by,
                "batch_id": self.batch_id,
                "row": row,
            }
        )

    def _reference(self, values: Mapping[str, str]) -> dict[str, object]:
        forms = [name for name in ("screening_id", "key", "accession") if name in values]
        if len(forms) != 1:
            raise _Wrong(
                forms[1] if forms else "screening_id",
                "stands beside another: a row names one of screening_id, key and accession"
                if forms
                else "is empty, and so are key and accession: a row names one of them",
            )
        if forms == ["accession"]:
            number = accession_pseudonym(values.get("issuer", ""), values["accession"], self.pseudonymizer)
            return {"accession": number}
        if forms == ["screening_id"]:
            return {"screening_id": _uuid("screening_id", values)}
        bucket = values.get("bucket", self.bucket)
        if bucket is None:
            raise _Wrong("bucket", "is empty beside a key: fill it in, or use --bucket")
        return {"bucket": bucket, "key": values["key"], "etag": values.get("etag")}

    def _reported_at(self, values: Mapping[str, str]) -> datetime:
        if "reported_at" not in values:
            raise _Wrong("reported_at", "is empty: a report has its date")
        try:
            when = reported_time(values["reported_at"], self.zone)
        except ValueError as sentence:
            raise _Wrong("reported_at", str(sentence)) from None
        if when > (self.now or datetime.now(UTC)) + AHEAD:
            raise _Wrong("reported_at", "lies in the future")
        return when


class _Wrong(Exception):
    def __init__(self, column: str, sentence: str) -> None:
        self.column = column
        self.sentence = sentence
        super().__init__(column)


def _outcome(values: Mapping[str, str]) -> dict[str, object] | None:
    told = [name for name in OUTCOME if name in values]
    if not told:
        if not any(name in values for name in SKIN_TYPE):
            raise _Wrong("outcome", "is empty, and so is fst: a row says one of them or both")
        return None
    if "outcome" not in values:
        raise _Wrong(told[0], "is given without an outcome")
    if "source" not in values:
        raise _Wrong("source", f"is empty: it {EXPECTED['source']}")
    outcome = values["outcome"].lower()
    if outcome not in ("malignant", "benign"):
        raise _Wrong("outcome", EXPECTED["outcome"])
    said: dict[str, object] = {"malignant": outcome == "malignant", "source": values["source"].lower()}
    for name in ("diagnosis", "verification_reason"):
        if name in values:
            said[name] = values[name].lower()
    if "sampling_probability" in values:
        said["sampling_probability"] = _number("sampling_probability", values)
    if "supersedes" in values:
        said["supersedes"] = _uuid("supersedes", values)
    return said


def _skin_type(values: Mapping[str, str]) -> dict[str, object] | None:
    if "fst" not in values:
        if "fst_source" in values:
            raise _Wrong("fst_source", "is given without a skin type")
        return None
    written = values["fst"].upper().removesuffix(".0")
    fst = FST_ROMAN.get(written, FST_ARABIC.get(written))
    if fst is None:
        raise _Wrong("fst", EXPECTED["fst"])
    return {"fst": fst, "fst_source": values.get("fst_source", "reported").lower()}


def _uuid(column: str, values: Mapping[str, str]) -> UUID:
    try:
        return UUID(values[column])
    except ValueError:
        raise _Wrong(column, EXPECTED[column]) from None


def _number(column: str, values: Mapping[str, str]) -> float:
    try:
        return float(values[column])
    except ValueError:
        raise _Wrong(column, EXPECTED[column]) from None


def _place(error: ValidationError) -> tuple[str, str]:
    """Column and sentence of the first thing that validation found."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    column = str(first["loc"][-1]) if first["loc"] else "screening_id"
    if column == "outcome":  # a rule between two fields, told by its own sentence
        sample = "random" in first["msg"]
        return (
            ("sampling_probability", "is empty beside verification_reason random_sample")
            if sample
            else ("diagnosis", "contradicts the outcome")
        )
    return column, EXPECTED.get(column, "cannot be used")
