"""The side-car `IMG.jpg.json`: one flat JSON object of metadata beside an image."""

import json
from collections.abc import Mapping

MAX_SIDECAR_BYTES = 64 * 1024


def parse_sidecar(text: bytes) -> Mapping[str, object] | None:
    """The object in a side-car (UTF-8, or UTF-16/32 as RFC 4627 detects it), or None if there is none.

    Too long, not JSON, not an object, nested beyond reason or with a name twice (which of two skin types
    would be right?) are all unreadable. Values are passed on as they are; `parse_metadata` judges them.
    """
    if len(text) > MAX_SIDECAR_BYTES:
        return None
    try:
        parsed = json.loads(text, object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def render_sidecar(metadata: Mapping[str, str]) -> bytes:
    """The side-car that `parse_sidecar` reads back as `metadata`."""
    return json.dumps(dict(metadata), ensure_ascii=False, indent=1).encode()
