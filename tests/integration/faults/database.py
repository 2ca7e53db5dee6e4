"""What may happen to a database under a worker's hands."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from sqlalchemy import Engine

from evenscreen.infra.local import postgres
from evenscreen.infra.local.state import State

WORKERS = "('worker', 'labeller')"


@dataclass(frozen=True)
class Database:
    """The database of a clinic, as its superuser; `engine` leads there as its owner."""

    state: State
    engine: Engine

    @property
    def name(self) -> str:
        return str(self.engine.url.database)

    @contextmanager
    def held(self, table: str) -> Iterator[None]:
        """Nobody can write to `table` meanwhile: who tries, waits inside its transaction."""
        with closing(self._superuser()) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("BEGIN; LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
            yield
            with suppress(psycopg2.Error):  # the server may have gone down meanwhile
                cursor.execute("ROLLBACK")

    def waiting(self) -> int:
        """Sessions of workers that wait for a lock, inside a transaction."""
        query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename IN {WORKERS} "
        return int(str(self._ask(query + "AND wait_event_type = 'Lock'")[0][0]))

    def cut_sessions(self) -> int:
        """End every session of a worker, whatever it does; returns how many there were."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        return len(self._ask(query + f"WHERE datname = %s AND usename IN {WORKERS}"))

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Down, as far as workers can tell: no session stays and none is let in."""
        self._limit(0)
        try:
            self.cut_sessions()
            yield
        finally:
            self._limit(-1)

    def execute(self, statement: str) -> None:
        """As the superuser."""
        with closing(self._superuser()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def _limit(self, connections: int) -> None:
        self.execute(f'ALTER DATABASE "{self.name}" CONNECTION LIMIT {connections}')

    def _ask(self, query: str) -> list[tuple[object, ...]]:
        with closing(self._superuser()) as connection, connection.cursor() as cursor:
            cursor.execute(query, (self.name,))
            return list(cursor.fetchall())

    def _superuser(self) -> "psycopg2.extensions.connection":
        return postgres.connection(self.state, self.name)
