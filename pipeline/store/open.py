"""From bucket URLs to stores."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.store.file import FileStore
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import ImageSettings, StoreSettings

DEFAULT_CONNECTIONS = 10


def open_stores(settings: StoreSettings) -> dict[str, Store]:
    """The configured buckets by the name that events carry. Nothing is contacted yet: see `Store.check`.

    boto3 is imported only for an `s3://` bucket. Raises `Fatal` for a URL that names no bucket, for two
    buckets of one name, and for half a pair of S3 keys.
    """
    stores: dict[str, Store] = {}
    for url in settings.bucket_urls:
        store = FileStore(folder_of(url)) if url.startswith("file://") else _s3(url, settings)
        if store.bucket in stores:
            raise Fatal(f"Two buckets are named {store.bucket}: events could mean either.")
        stores[store.bucket] = store
    return stores


def folder_of(url: str) -> Path:
    """The absolute path that a `file://` URL names. Raises `Fatal` for a relative one, and for `/` itself."""
    path = Path(unquote(url.removeprefix("file://")))
    if not path.is_absolute() or not path.name:
        raise Fatal("A folder bucket is written file:///absolute/path/of/folder.")
    return Path(os.path.abspath(path))


def _s3(url: str, settings: StoreSettings) -> Store:
    from evenscreen.pipeline.store.s3 import S3Store, s3_client

    parts = urlsplit(url)
    if not parts.netloc or parts.path not in ("", "/"):
        raise Fatal("An S3 bucket is written s3://name, without a path.")
    if (settings.s3_access_key is None) != (settings.s3_secret_key is None):
        raise Fatal("Set both EVENSCREEN_S3_ACCESS_KEY and EVENSCREEN_S3_SECRET_KEY, or neither.")
    connections = settings.fetch_threads if isinstance(settings, ImageSettings) else DEFAULT_CONNECTIONS
    return S3Store(parts.netloc, s3_client(settings, connections))
