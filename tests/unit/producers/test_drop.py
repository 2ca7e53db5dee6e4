"""`drop` judges everything before it stores anything, and never stores an identifier."""

import json
from pathlib import Path

import pytest

from evenscreen.pipeline.pseudonym import Pseudonymizer
from evenscreen.pipeline.store.file import FileStore
from evenscreen.producers.drop import drop
from evenscreen.producers.drop_plan import Refused, check_options, plan
from evenscreen.schemas.errors import Fatal

KEY = Pseudonymizer(b"k" * 32, 1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "camera"
    (folder / "left").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a")
    (folder / "left" / "b.jpg").write_bytes(b"b")
    (folder / ".hidden.jpg").write_bytes(b"h")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    (tmp_path / "bucket").mkdir()
    return FileStore(tmp_path / "bucket")


def test_folders_keep_their_paths_and_files_their_names(source: Path) -> None:
    drops = plan([source, source / "left" / "b.jpg"], "ward 3/", {}, None)
    assert [one.key for one in drops] == ["ward 3/a.jpg", "ward 3/left/b.jpg", "ward 3/b.jpg"]


def test_stored_files_carry_their_metadata(source: Path, store: FileStore) -> None:
    dropped = drop(plan([source], "", {"fst": "IV", "site": "Köln", "age": "41"}, None), store, replace=False)
    assert [one.key for one in dropped.stored] == ["a.jpg", "left/b.jpg"]
    standing = store.head("a.jpg")
    assert standing is not None
    fetched = store.get("a.jpg", etag=standing.etag, version_id=None, max_bytes=10)
    assert fetched.metadata == {"fst": "4", "fst_source": "reported", "site": "Köln", "age": "41"}


def test_sidecar_comes_along_and_wins_over_options(source: Path) -> None:
    (source / "a.jpg.json").write_text(json.dumps({"fst": 2, "device": "camera 7"}))
    first, second = plan([source], "", {"fst": "5"}, None)
    assert (first.metadata["fst"], first.metadata["device"]) == ("2", "camera 7")
    assert second.metadata == {"fst": "5", "fst_source": "reported"}


def test_patient_is_stored_as_pseudonym_only(source: Path, store: FileStore, tmp_path: Path) -> None:
    drop(plan([source], "", {"patient": " 4711 ", "issuer": "KIS"}, KEY), store, replace=False)
    text = (tmp_path / "bucket" / "a.jpg.json").read_text()
    assert KEY.of("KIS", "4711") in text
    assert "4711" not in text.replace(KEY.of("KIS", "4711"), "")
    assert "KIS" not in text


def test_patient_without_a_key_stops_before_anything_is_stored(source: Path) -> None:
    with pytest.raises(Fatal, match="PSEUDONYM_KEY_FILE"):
        plan([source], "", {"patient": "4711"}, None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fst": "7"}, "--fst cannot be '7'"),
        ({"age": "old"}, "--age"),
        ({"sex": "x"}, "--sex"),
        ({"modality": "xray"}, "--modality"),
        ({"acquired_at": "2026-11-21"}, "--acquired-at"),
        ({"acquired_at": "2026-11-21T10:00:00"}, "with its zone"),
        ({"site": "s" * 65}, "--site"),
        ({"fst_source": "reported"}, "--fst-source"),
        ({"fst": "3", "fst_source": "unknown"}, "--fst-source"),
        ({"fst": "3", "fst_source": "guess"}, "--fst-source"),
    ],
)
def test_bad_option_is_named_in_a_sentence(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        check_options(options)


def test_unusable_sidecars_are_refused_before_anything_is_stored(source: Path) -> None:
    (source / "a.jpg.json").write_text("{")
    with pytest.raises(Refused, match=r"a\.jpg\.json"):
        plan([source], "", {}, None)
    (source / "a.jpg.json").write_text('{"fst": 9}')
    with pytest.raises(Refused, match="fst_invalid"):
        plan([source], "", {}, None)


def test_wrong_paths_are_sentences(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.json").write_text("{}")
    for path, sentence in (
        (tmp_path / "nowhere", "There is no"),
        (tmp_path / "empty", "no images in"),
        (tmp_path / "x.json", "no image by its name"),
    ):
        with pytest.raises(Refused, match=sentence):
            plan([path], "", {}, None)
    with pytest.raises(Refused, match="twice"):
        plan([source, source], "", {}, None)


@pytest.mark.parametrize("prefix", ["../x", ".evenscreen", "a/.b/c", "a/../b"])
def test_prefix_stays_within_the_bucket(source: Path, prefix: str) -> None:
    with pytest.raises(Refused, match="--prefix"):
        plan([source], prefix, {}, None)


def test_same_content_is_already_there_and_other_content_is_refused(source: Path, store: FileStore) -> None:
    drops = plan([source], "", {}, None)
    drop(drops, store, replace=False)
    (source / "a.jpg").write_bytes(b"another")
    again = drop(plan([source], "", {}, None), store, replace=False)
    assert [one.key for one in again.refused] == ["a.jpg"]
    assert [one.key for one in again.already_there] == ["left/b.jpg"]
    assert not again.stored
    replaced = drop(plan([source], "", {}, None), store, replace=True)
    assert [one.key for one in replaced.stored] == ["a.jpg", "left/b.jpg"]
    standing = store.head("a.jpg")
    assert standing is not None
    assert standing.size_bytes == len(b"another")
