"""Settings of a command: the environment first, then what the embedded stack says of itself."""

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from evenscreen.infra.local.reach import Role
    from evenscreen.schemas.settings.base import Settings

S = TypeVar("S", bound="Settings")


def settings_for(kind: type[S], role: "Role", **given: object) -> S:
    """`kind` for the database role `role`; `given` are command-line options, None meaning not given.

    Raises pydantic's ValidationError when something is missing or wrong; main() makes it a sentence.
    """
    from evenscreen.infra.local.reach import environment, read
    from evenscreen.infra.local.settings import StackSettings

    if (reach := read(StackSettings().root)) is not None:
        for name, value in environment(role, reach).items():
            os.environ.setdefault(name, value)
    return kind(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
