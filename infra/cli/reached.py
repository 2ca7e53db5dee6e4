"""Settings of a command: the environment first, then what the embedded stack says of itself."""

import os
from typing import TypeVar

from evenscreen.schemas.settings.base import Settings

S = TypeVar("S", bound=Settings)


def settings_for(kind: type[S], role: str, **given: object) -> S:
    """`kind` for the database role `role`; `given` are command-line options, None meaning not given.

    Raises pydantic's ValidationError when something is missing or wrong; main() makes it a sentence.
    """
    from evenscreen.infra.local.reach import environment, read
    from evenscreen.infra.local.state import state_dir

    if (reach := read(state_dir())) is not None:
        for name, value in environment(role, reach).items():
            os.environ.setdefault(name, value)
    return kind(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
