"""A second connection that sees what the first sees, so that an audit can use two cores.

PostgreSQL shares a snapshot between transactions (pg_export_snapshot): figures that are asked for on either
connection are of the same moment.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, TextClause, text

P = ParamSpec("P")
T = TypeVar("T")

EXPORT = text("SELECT pg_export_snapshot()")
ISOLATION = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
IMPORT = text("SET TRANSACTION SNAPSHOT :snapshot")


class Beside:
    """One thread with a connection of its own: what is submitted runs in order."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection, self._thread = connection, thread

    def submit(
        self, ask: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """What `ask(connection, *args)` will have found; its errors are raised by `result()`."""
        return self._thread.submit(ask, self._connection, *args, **kwargs)


@contextmanager
def beside(engine: Engine, first: Connection, settings: Sequence[TextClause]) -> Iterator[Beside]:
    """A connection of `engine` in the snapshot of `first`.

    `first` is in REPEATABLE READ and outlives the block. `settings` are statements
    for its transaction. An error in the block cancels what still runs.
    """
    snapshot = first.execute(EXPORT).scalar_one()
    with engine.begin() as second, ThreadPoolExecutor(1, "beside") as thread:
        second.execute(ISOLATION)
        second.execute(IMPORT, {"snapshot": snapshot})
        for setting in settings:
            second.execute(setting)
        try:
            yield Beside(second, thread)
        except BaseException:
            thread.shutdown(wait=False, cancel_futures=True)
            second.connection.driver_connection.cancel()  # type: ignore[union-attr]
            raise
