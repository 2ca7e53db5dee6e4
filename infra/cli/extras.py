"""Commands that need an extra say so in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from evenscreen.schemas.errors import Fatal


@contextmanager
def training_extra() -> Iterator[None]:
    """Around the imports of a command that makes or measures models."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise Fatal(f"This needs {missing.name}: install it with  pip install 'evenscreen[train]'") from None
