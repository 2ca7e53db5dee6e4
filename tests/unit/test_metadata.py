"""What clinics write beside their images, and what may be believed of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from evenscreen.schemas.metadata import ImageMetadata, parse_metadata
from evenscreen.schemas.reasons import FstSource, MetadataProblem, Modality


@pytest.mark.parametrize(
    "written",
    ["3", "III", "iii", " III ", "3.0", 3, 3.0],
)
def test_skin_type_is_read_as_roman_or_whole_number(written: object) -> None:
    metadata, problem = parse_metadata({"fst": written})
    assert (metadata.fst, metadata.fst_source, problem) == (3, FstSource.REPORTED, None)


@pytest.mark.parametrize("written", [None, "", "  ", "unknown", "Unknown"])
def test_no_skin_type_is_no_problem_and_has_no_source(written: object) -> None:
    metadata, problem = parse_metadata({"fst": written, "fst_source": "reported"})
    assert (metadata.fst, metadata.fst_source, problem) == (None, FstSource.UNKNOWN, None)


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "7",
        "VII",
        "3.5",
        3.5,
        True,
        False,
        float("nan"),
        float("inf"),
        "-3",
        "1_0",
        [3],
        {"fst": 3},
        10**4000,
    ],
)
def test_impossible_skin_type_is_left_out_and_reported(written: object) -> None:
    metadata, problem = parse_metadata({"fst": written, "site": "north"})
    assert (metadata.fst, metadata.fst_source) == (None, FstSource.UNKNOWN)
    assert metadata.site == "north"
    assert problem is MetadataProblem.FST_INVALID


@pytest.mark.parametrize("source", ["guessed", "unknown", 3, True, ["reported"]])
def test_skin_type_of_unknown_or_strange_source_is_never_taken_for_reported(source: object) -> None:
    metadata, problem = parse_metadata({"fst": "II", "fst_source": source})
    assert (metadata.fst, metadata.fst_source) == (None, FstSource.UNKNOWN)
    assert problem is MetadataProblem.FST_INVALID


@pytest.mark.parametrize("source", ["estimated", "ESTIMATED", " simulated "])
def test_source_of_a_skin_type_is_kept(source: str) -> None:
    metadata, _ = parse_metadata({"fst": "II", "fst_source": source})
    assert metadata.fst_source == source.strip().lower()


def test_skin_type_and_source_cannot_be_parted() -> None:
    with pytest.raises(ValidationError):
        ImageMetadata(fst=3)
    with pytest.raises(ValidationError):
        ImageMetadata(fst_source=FstSource.REPORTED)


def test_names_are_read_in_any_case_and_with_hyphens() -> None:
    metadata, problem = parse_metadata({"FST": "V", "Fst-Source": "simulated", "body-site": "left arm"})
    assert (metadata.fst, metadata.fst_source, metadata.body_site) == (5, FstSource.SIMULATED, "left arm")
    assert problem is None


@pytest.mark.parametrize(
    ("written", "meaning"),
    [("F", "female"), ("Male", "male"), (" OTHER ", "other"), ("unknown", None), ("", None)],
)
def test_sex_is_read_in_any_case_and_as_in_dicom(written: str, meaning: str | None) -> None:
    metadata, problem = parse_metadata({"sex": written})
    assert (metadata.sex, problem) == (meaning, None)


@pytest.mark.parametrize(
    "written",
    [
        "2024-01-31T10:00:00",
        "2024-01-31",
        "20240131",
        1706695200,
        "0001-01-01T00:00:00+23:00",
        "yesterday",
        True,
    ],
)
def test_time_without_zone_or_of_another_notation_is_left_out(written: object) -> None:
    metadata, problem = parse_metadata({"acquired_at": written, "fst": "I"})
    assert (metadata.acquired_at, metadata.fst) == (None, 1)
    assert problem is MetadataProblem.FIELD_INVALID


def test_time_is_kept_in_utc() -> None:
    metadata, _ = parse_metadata({"acquired_at": "2024-01-31T10:00:00+02:00"})
    assert metadata.acquired_at == datetime(2024, 1, 31, 8, tzinfo=UTC)


def test_number_as_identifier_is_text() -> None:
    metadata, problem = parse_metadata({"patient": 4711, "age": "44"})
    assert (metadata.patient, metadata.age, problem) == ("4711", 44, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patient", "a\x00b"),
        ("patient", "\ud800"),
        ("patient", "x" * 257),
        ("patient", True),
        ("patient", 1.5),
        ("site", {"a": 1}),
        ("age", 131),
        ("age", True),
        ("age", float("nan")),
        ("sex", "f" * 1_000_000),
        ("modality", "x-ray"),
        ("device", "d" * 1_000_000),
    ],
)
def test_field_that_cannot_be_stored_is_left_out_and_the_rest_is_kept(name: str, value: object) -> None:
    metadata, problem = parse_metadata({name: value, "fst": "VI", "body_site": "back"})
    assert getattr(metadata, name) == getattr(ImageMetadata(), name)
    assert (metadata.fst, metadata.body_site) == (6, "back")
    assert problem is MetadataProblem.FIELD_INVALID


def test_skin_type_problem_comes_before_others() -> None:
    _, problem = parse_metadata({"age": "old", "fst": "beige"})
    assert problem is MetadataProblem.FST_INVALID


@pytest.mark.parametrize("source", ["unknown", " Unknown ", "UNKNOWN"])
def test_skin_type_of_unknown_source_beside_another_bad_field_does_not_raise(source: str) -> None:
    metadata, problem = parse_metadata({"fst": "3", "fst_source": source, "site": "s" * 65, "age": 40})
    assert (metadata.fst, metadata.fst_source, metadata.age) == (None, FstSource.UNKNOWN, 40)
    assert problem is MetadataProblem.FST_INVALID


def test_unknown_fields_and_unknown_modality_are_fine() -> None:
    metadata, problem = parse_metadata({"colour": "red", "modality": "unknown", "device": "Dermlite"})
    assert (metadata.modality, metadata.device, problem) == (Modality.UNKNOWN, "Dermlite", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(alphabet="\ud800\x00 VI3"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*ImageMetadata.model_fields, "FST", "other"]) | st.text(), JSON))
def test_no_metadata_ever_raises(raw: dict[str, object]) -> None:
    metadata, _ = parse_metadata(raw)
    assert (metadata.fst is None) == (metadata.fst_source is FstSource.UNKNOWN)
