"""Object stores: `open_stores` turns settings into buckets by name."""

from evenscreen.pipeline.store.base import Fetched, Listed, Store
from evenscreen.pipeline.store.open import open_stores

__all__ = ["Fetched", "Listed", "Store", "open_stores"]
