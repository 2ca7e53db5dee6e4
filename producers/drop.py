"""Storing files in the bucket, from where a door announces them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evenscreen.pipeline.pseudonym import Pseudonymizer
from evenscreen.pipeline.store import Store, open_stores
from evenscreen.producers.drop_plan import Drop, Refused
from evenscreen.producers.patience import Patience
from evenscreen.schemas.settings import ImageSettings, StoreSettings


def only_store(settings: StoreSettings) -> Store:
    """The bucket to store into. Raises `Refused` when several are configured."""
    stores = open_stores(settings)
    if len(stores) != 1:
        raise Refused(f"EVENSCREEN_BUCKET names {len(stores)} buckets: name the one to drop into.")
    (store,) = stores.values()
    return store


def pseudonymizer(settings: ImageSettings) -> Pseudonymizer | None:
    """The configured one, if any. Raises `Fatal` for a key file that cannot be used."""
    if settings.pseudonym_key_file is None:
        return None
    return Pseudonymizer.load(settings.pseudonym_key_file, settings.pseudonym_key_number)


@dataclass
class Dropped:
    """What became of each file, in the order of the plan."""

    stored: list[Drop] = field(default_factory=list)
    already_there: list[Drop] = field(default_factory=list)
    """The same content stands at the key: screening it again would say the same."""
    refused: list[Drop] = field(default_factory=list)
    """Other content stands at the key, and `replace` was not given."""


def drop(
    drops: Sequence[Drop],
    store: Store,
    *,
    replace: bool,
    progress: Callable[[int], None] = lambda _files: None,
    patience: Patience | None = None,
) -> Dropped:
    """Stores each file unless its key is taken; `progress` hears of each. Durable on return.

    Raises `Transient` in lasting bad weather and `Refused` for a file that cannot be read: what was stored
    until then stays, and the same command goes on from there.
    """
    patience = patience or Patience()
    dropped = Dropped()
    for one in drops:
        _outcome(one, store, replace, patience, dropped).append(one)
        progress(1)
    return dropped


def _outcome(one: Drop, store: Store, replace: bool, patience: Patience, dropped: Dropped) -> list[Drop]:
    standing = patience.ride_out(lambda: store.head(one.key))
    try:
        if standing is not None and not replace:
            # An ETag that is no MD5 (multipart upload, encryption) never matches: refusing is safe.
            return dropped.already_there if standing.etag == _md5(one.source) else dropped.refused
        patience.ride_out(lambda: store.put(one.key, one.source, one.metadata))
    except OSError as error:
        raise Refused(f"{one.source} cannot be read ({type(error).__name__}).") from None
    return dropped.stored


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
