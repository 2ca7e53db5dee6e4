"""Data that is wrong is a sentence, before anything is learned from it, and names no image."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'evenscreen[train]'")

from evenscreen.compression.build import Build
from evenscreen.compression.data import data_checksum, load_split
from evenscreen.compression.recipe import read_recipe
from evenscreen.schemas.errors import Fatal

Spoil = Callable[[Path], object]


def changed(old: str, new: str) -> Spoil:
    """Replaces a text of labels.csv wherever it stands."""

    def spoil(folder: Path) -> None:
        text = (folder / "labels.csv").read_text()
        assert old in text
        (folder / "labels.csv").write_text(text.replace(old, new))

    return spoil


def without(*texts: str) -> Spoil:
    """Leaves out the rows that hold all of `texts`."""

    def spoil(folder: Path) -> None:
        rows = (folder / "labels.csv").read_text().splitlines(keepends=True)
        kept = [row for row in rows if not all(text in row for text in texts)]
        assert len(kept) < len(rows)
        (folder / "labels.csv").write_text("".join(kept))

    return spoil


def cut(name: str, keep: float) -> Spoil:
    """Leaves a share of an image's bytes."""

    def spoil(folder: Path) -> None:
        content = (folder / "images" / name).read_bytes()
        (folder / "images" / name).write_bytes(content[: int(keep * len(content))])

    return spoil


SPOILS: dict[str, Spoil] = {
    "missing or has no labels.csv": lambda folder: (folder / "labels.csv").unlink(),
    "no folder images/": lambda folder: shutil.rmtree(folder / "images"),
    "line 2, column image: this image cannot be read": lambda folder: (
        folder / "images" / "train_MEL_0.png"
    ).unlink(),
    "line 93, column image: this image is damaged": cut("unlabelled_MEL_1.png", 0.5),
    "line 68, column image: this image is damaged": cut("test_MEL_0.png", 0),
    "has no column image": changed("image,", "picture,"),
    "has no column split": changed(",split", ",part"),
    "has no column dx": changed(",dx", ",diagnosis"),
    "no column melanoma, which": changed(",melanoma", ",mel"),
    "not a table in UTF-8": lambda folder: (folder / "labels.csv").write_bytes(
        (folder / "labels.csv").read_bytes() + "ä.png,other,NV,0,0\n".encode("latin-1")
    ),
    "line 3: it has not as many fields": changed("train_MEL_1.png,train,MEL,1,1", "train_MEL_1.png,train"),
    "line 4: it has not as many fields": changed("train_MEL_2.png,train", "train_MEL_2.png,,,train"),
    "line 3, column image: a file name is needed that": changed("train_MEL_1.png", "train_MEL_0.png"),
    "line 3, column image: a file name": changed("train_MEL_1.png", ""),
    "no image in split 'test'": changed(",test,", ",tset,"),
    "labels that the recipe does not know: ..SCC": changed("test,NV", "test,SCC"),
    "0 malignant and 16 benign images in split 'val'": without(",val,MEL"),
    "8 malignant and 0 benign images in split 'test'": lambda folder: (
        without(",test,NV")(folder),
        without(",test,VASC")(folder),
    ),
}


@pytest.mark.parametrize("sentence", SPOILS)
def test_wrong_data_is_a_sentence_before_anything_is_learned(
    sentence: str, lesions: Path, recipe_path: Path, tmp_path: Path
) -> None:
    shutil.copytree(lesions, tmp_path / "data")
    SPOILS[sentence](tmp_path / "data")
    with pytest.raises(Fatal, match=sentence) as error:
        Build(recipe_path, tmp_path / "data", tmp_path / "run", None).learning.guides()
    assert ".png" not in str(error.value)
    assert not list((tmp_path / "run").glob("*-work"))


def test_a_byte_order_mark_is_no_part_of_a_column(lesions: Path, recipe_path: Path, tmp_path: Path) -> None:
    shutil.copytree(lesions, tmp_path / "data")
    (tmp_path / "data" / "labels.csv").write_bytes(b"\xef\xbb\xbf" + (lesions / "labels.csv").read_bytes())
    recipe = read_recipe(recipe_path)
    assert len(load_split(tmp_path / "data", "val", recipe.data, recipe.preprocessing).images) == 24


def test_the_checksum_sees_one_changed_byte(lesions: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(lesions, copy)
    assert data_checksum(copy) == data_checksum(lesions)
    changed = next((copy / "images").iterdir())
    changed.write_bytes(changed.read_bytes() + b"\0")
    assert data_checksum(copy) != data_checksum(lesions)
