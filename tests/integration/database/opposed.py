"""Two pieces of work in opposite order, both caught half way: a deadlock, unless both sort."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, Engine, text

from evenscreen.pipeline.database import transaction

BLOCKED = text("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND wait_event_type = 'Lock'
""")


def opposed(
    engine: Engine, hold: Callable[[Connection], None], works: Sequence[Callable[[], object]]
) -> list[object]:
    """Runs `works` against what `hold` keeps uncommitted, lets it go once all of them wait, and returns what
    they returned. Let `hold` take the middle one of three rows."""
    with ThreadPoolExecutor(len(works)) as pool:
        with transaction(engine) as holder:
            hold(holder)
            running = [pool.submit(work) for work in works]
            while blocked(engine) < len(works):
                assert not any(one.done() for one in running), "one did not wait"
                time.sleep(0.01)
        return [one.result() for one in running]


def blocked(engine: Engine) -> int:
    with transaction(engine) as connection:
        return int(connection.scalar(BLOCKED) or 0)
