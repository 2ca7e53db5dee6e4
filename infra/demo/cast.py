"""The processes of the demo: all started together, all stopped in the end."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from evenscreen.infra.local.child import Child


@contextmanager
def cast(
    parts: Mapping[str, list[str]], environment: Mapping[str, str], logs: Path
) -> Iterator[dict[str, Child]]:
    """Start every part (name → arguments), wait until all are ready, stop all of them in the end."""
    actors: dict[str, Child] = {}
    try:
        for name, arguments in parts.items():
            actors[name] = Child(arguments, {**os.environ, **environment}, logs / f"{name}.log")
        for actor in actors.values():
            actor.wait_ready()
        yield actors
    finally:
        for actor in actors.values():
            actor.stop()
