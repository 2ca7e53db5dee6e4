"""Files as hospitals write them: read where they are clear, refused with row and column where not."""

from collections.abc import Callable
from uuid import UUID

import pytest

from evenscreen.pipeline.labels.check import Checked
from evenscreen.pipeline.labels.problems import Unusable

Check = Callable[..., Checked]
Tell = Callable[..., list[str]]

ID = UUID(int=1)
HEADER = "screening_id,outcome,source,reported_at"
GOOD = f"{HEADER}\n{ID},malignant,histopathology,2026-03-10\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip("\n"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace("screening_id,outcome", "Screening-ID, Outcome").replace(
            "malignant", ' "MALIGNANT" '.strip()
        ),
        GOOD + "\n\n",
        "bucket,key,etag,outcome,source,reported_at\nclinic,Müller.jpg,,benign,registry,2026-03-10T12:00Z\n",
        "accession,issuer,fst,reported_at\n4711,PACS,IV,2026-03-10\n",
    ],
)
def test_a_clear_file_is_taken_as_it_is(checked: Check, content: str) -> None:
    result = checked(content)
    assert (result.reports, result.problems.count) == (1, 0), result.problems.first


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.replace("malignant", "bösartig").encode("cp1252"), "not encoded in UTF-8"),
        (b"", "lacks reported_at, screening_id or key or accession, outcome or fst"),
        (GOOD.replace("outcome", "result"), "not known: 'result'"),
        (GOOD.replace("reported_at", "outcome"), "twice: outcome"),
        (GOOD.replace("reported_at", "issuer"), "lacks reported_at"),
        ("bucket,outcome,reported_at\n", "lacks screening_id or key or accession"),
        (f'{HEADER}\n{ID},"malignant,histopathology,2026-03-10\n', "Row 2 cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_sentence(
    checked: Check, content: str | bytes, sentence: str
) -> None:
    with pytest.raises(Unusable, match=sentence):
        checked(content)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("12,malignant,histopathology,2026-03-10", "screening_id"),
        (",malignant,histopathology,2026-03-10", "screening_id"),
        (f"{ID},Melanom,histopathology,2026-03-10", "outcome"),
        (f"{ID},,histopathology,2026-03-10", "source"),
        (f"{ID},,,2026-03-10", "outcome"),
        (f"{ID},benign,,2026-03-10", "source"),
        (f"{ID},benign,biopsy,2026-03-10", "source"),
        (f"{ID},benign,registry,", "reported_at"),
        (f"{ID},benign,registry,01/02/2026", "reported_at"),
        (f"{ID},benign,registry,1.2.2026", "reported_at"),
        (f"{ID},benign,registry,20260201", "reported_at"),
        (f"{ID},benign,registry,2026-02-30", "reported_at"),
        (f"{ID},benign,registry,2026-02-03 25:00Z", "reported_at"),
        (f"{ID},benign,registry,2026-02-03T10:00", "reported_at"),
        (f"{ID},benign,registry,2062-02-03", "reported_at"),
        (f"{ID},benign,registry,1962-02-03", "reported_at"),
        (f"{ID},benign,registry,0001-01-01T00:00+14:00", "reported_at"),
        (f"{ID},benign,registry", "source"),
        (f"{ID},benign,registry,2026-02-03,more", "reported_at"),
    ],
)
def test_row_and_column_of_a_problem_are_named_and_no_value(told: Tell, cells: str, column: str) -> None:
    good = f"{ID},malignant,histopathology,2026-03-10"
    (problem,) = told(f"{HEADER}\n{good}\n{cells}\n{good}\n")
    assert problem.startswith(f"row 3, column {column}: ")
    assert not {cell for cell in cells.split(",") if cell and cell not in problem[:30]} & set(problem.split())


@pytest.mark.parametrize(
    ("columns", "cells", "column"),
    [
        ("key,fst", "a.jpg,3", "bucket"),
        ("bucket,key,fst", "b,a\x00.jpg,3", "key"),
        ("screening_id,accession,fst", f"{ID},4711,3", "accession"),
        ("screening_id,fst", f"{ID},0", "fst"),
        ("screening_id,fst", f"{ID},VII", "fst"),
        ("screening_id,fst", f"{ID},123", "fst"),
        ("screening_id,fst,fst_source", f"{ID},3,guessed", "fst_source"),
        ("screening_id,fst,fst_source", f"{ID},,reported", "fst_source"),
        ("screening_id,outcome,source,supersedes", f"{ID},benign,registry,the last", "supersedes"),
        (
            "screening_id,outcome,source,sampling_probability",
            f"{ID},benign,registry,0",
            "sampling_probability",
        ),
        (
            "screening_id,outcome,source,sampling_probability",
            f"{ID},benign,registry,nan",
            "sampling_probability",
        ),
        (
            "screening_id,outcome,source,sampling_probability",
            f"{ID},benign,registry,5%",
            "sampling_probability",
        ),
        (
            "screening_id,outcome,source,verification_reason",
            f"{ID},benign,registry,why",
            "verification_reason",
        ),
        (
            "screening_id,outcome,source,verification_reason",
            f"{ID},benign,registry,random_sample",
            "sampling_probability",
        ),
        ("screening_id,outcome,source,diagnosis", f"{ID},benign,registry,melanoma", "diagnosis"),
        ("screening_id,outcome,source,diagnosis", f"{ID},benign,registry,wart", "diagnosis"),
    ],
)
def test_what_cannot_be_is_told_by_its_column(told: Tell, columns: str, cells: str, column: str) -> None:
    (problem,) = told(f"{columns},reported_at\n{cells},2026-03-10\n")
    assert problem.startswith(f"row 2, column {column}: ")


def test_ten_problems_are_told_and_all_are_counted(checked: Check) -> None:
    result = checked(HEADER + f"\n{ID},unclear,registry,2026-03-10" * 500)
    assert (len(result.problems.first), result.problems.count) == (10, 500)
    assert [problem.row for problem in result.problems.first] == list(range(2, 12))


def test_rows_that_say_the_same_are_repeats_and_others_contradict(checked: Check) -> None:
    rows = [
        f"{ID},benign,registry,2026-03-10,2",
        f"{ID},benign,registry,2026-03-10T23:59:59Z,2",
        f"{ID},malignant,histopathology,2026-03-10,2",
        f"{UUID(int=2)},malignant,registry,2026-03-10,2",
        f"{ID},malignant,registry,2026-03-10,2",
        f"{ID},benign,registry,2026-03-11,4",
        f"{ID},benign,registry,2026-03-10,5",
    ]
    result = checked("\n".join([HEADER + ",fst", *rows]))
    assert sorted(map(str, result.problems.first)) == [
        "row 6, column outcome: contradicts row 3, which has the same object, source and time",
        "row 8, column fst: contradicts row 6, which has the same object, source and time",
        "row 8, column outcome: contradicts row 6, which has the same object, source and time",
    ]


def test_a_row_that_names_what_it_replaces_contradicts_nothing(checked: Check) -> None:
    rows = [f"{ID},benign,registry,2026-03-10,", f"{ID},malignant,registry,2026-03-10,{UUID(int=9)}"]
    assert checked("\n".join([HEADER + ",supersedes", *rows])).problems.count == 0
