"""From bucket URLs to stores."""

from pathlib import Path

import pytest

from evenscreen.pipeline.store import open_stores
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import StoreSettings


def test_buckets_are_opened_by_the_name_of_their_folder(tmp_path: Path) -> None:
    folders = [tmp_path / "clinic a", tmp_path / "b#1"]
    stores = open_stores(StoreSettings(bucket=",".join(folder.as_uri() for folder in folders)))
    assert list(stores) == ["clinic a", "b#1"]
    with pytest.raises(Fatal, match="does not exist"):
        stores["b#1"].check()
    folders[1].mkdir()
    stores["b#1"].check()


@pytest.mark.parametrize("urls", ["file:///a/x,file:///b/x", "file:///a/x,s3://x"])
def test_two_buckets_of_one_name_are_fatal(urls: str) -> None:
    with pytest.raises(Fatal, match="Two buckets are named x"):
        open_stores(StoreSettings(bucket=urls))


@pytest.mark.parametrize("url", ["file://relative/x", "file:///", "s3://", "s3://name/prefix"])
def test_url_that_names_no_bucket_is_fatal(url: str) -> None:
    with pytest.raises(Fatal, match="bucket is written"):
        open_stores(StoreSettings(bucket=url))
