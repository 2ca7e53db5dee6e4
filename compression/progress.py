"""What a person sees while a model is made: on stderr, so that stdout holds answers alone."""

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")

console = Console(stderr=True)


def counted(
    items: Iterable[Item], says: str, total: int | None = None, *, still: bool = False
) -> Iterable[Item]:
    """`items`, with a bar that goes when they are through; no bar where stderr is no terminal.

    `total` is how many there are where they do not know it. `still`: the bar moves between items only, so
    that nothing disturbs one that is timed.
    """
    if not console.is_terminal:
        return items
    return track(items, says, total=total, console=console, transient=True, auto_refresh=not still)
