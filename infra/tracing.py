"""From what a person names (a file, a key, an id) to everything known about that image."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from evenscreen.infra.cli.failures import NoInput
from evenscreen.pipeline.database import check_schema, open_database, transaction
from evenscreen.pipeline.store import open_stores
from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.store.open import folder_of
from evenscreen.pipeline.trace import is_known, trace
from evenscreen.schemas.identity import screening_id
from evenscreen.schemas.settings import DatabaseSettings, StoreSettings


class TraceSettings(StoreSettings, DatabaseSettings):
    """Where to look."""


def find(what: str, settings: TraceSettings) -> dict[str, Any]:
    """The trace of the first candidate that anything is known about; raises `NoInput` when there is none."""
    engine = open_database(settings.database_url, application_name="evenscreen trace", pool_size=1)
    check_schema(engine)
    stores = open_stores(settings)
    nothing: dict[str, Any] | None = None
    with transaction(engine) as connection:
        for id_ in candidates(what, stores, settings.bucket_urls):
            found = trace(connection, id_)
            if is_known(found):
                return found
            nothing = nothing or found
    if nothing is not None:
        return nothing
    raise NoInput("that is neither a screening id, nor a file, nor a key of the bucket.")


def candidates(what: str, stores: dict[str, Store], urls: list[str]) -> Iterator[UUID]:
    """Ids that `what` may stand for: an id, a key (or a file inside a bucket), a copy of a dropped file."""
    try:
        yield UUID(what)
    except ValueError:
        pass
    else:
        return
    file = Path(what)
    keys = [what] if not file.is_absolute() else []
    for root in (folder_of(url).resolve() for url in urls if url.startswith("file://")):
        if file.resolve().is_relative_to(root):
            keys.append(file.resolve().relative_to(root).as_posix())
    for name, store in stores.items():
        for key in keys:
            if (found := store.head(key)) is not None:
                yield screening_id(name, key, found.etag)
        if os.path.isfile(file):  # a key may be longer than a name can be, which Path.is_file() does not bear
            etag = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
            yield screening_id(name, file.name, etag)
