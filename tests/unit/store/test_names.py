"""Which names are images."""

import pytest

from evenscreen.pipeline.store.names import is_image_key, is_image_name, is_sendable, sidecar_of


@pytest.mark.parametrize(
    "name", ["a.jpg", "IMG 1.JPEG", "no-extension", "1.2.840.113", "a.tmp.jpg", "json", "~a.png"]
)
def test_any_plain_name_may_be_an_image(name: str) -> None:
    assert is_image_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".a.jpg", "a.jpg.json", "a.JSON", "a.tmp", "a.jpg.PART", "a.crdownload", "a.jpg~", ".evenscreen"],
)
def test_hidden_temporary_and_sidecar_names_are_no_images(name: str) -> None:
    assert not is_image_name(name)


def test_image_and_its_sidecar_are_told_apart_whichever_arrives_first() -> None:
    assert is_image_name("a.jpg")
    assert not is_image_name(sidecar_of("a.jpg"))


@pytest.mark.parametrize("key", [".evenscreen/a.png", "a/.b/c.jpg", "a/", "a/b.jpg.json", "a/.b.jpg"])
def test_key_below_a_hidden_folder_or_without_a_name_is_no_image(key: str) -> None:
    assert not is_image_key(key)


def test_events_carry_unicode_of_limited_length_only() -> None:
    assert is_sendable("ü" * 1024)
    assert not any(
        is_sendable(key) for key in ("", "x" * 1025, "a\x00b", b"\xff".decode(errors="surrogateescape"))
    )
