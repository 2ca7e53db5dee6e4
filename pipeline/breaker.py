"""Step 7 of a batch: stop everything when most of what comes in is rejected, whoever rejected it."""

from sqlalchemy import Connection, text

from evenscreen.schemas.errors import Tripped
from evenscreen.schemas.topics import IMAGES_ARRIVED

# Every rejection leaves a dead letter, and so does every unreadable event. Dead letters are few and have a
# B-tree on their time, so good days end at the first count; else all rows of the window are counted, too,
# from the last pages of the table (BRIN).
COUNT = text("""
WITH rejected AS MATERIALIZED (
    SELECT count(*) AS total, count(*) FILTER (WHERE audit_id IS NULL) AS unreadable
    FROM dead_letters
    WHERE recorded_at > statement_timestamp() - make_interval(secs => :window_s)
        -- What a relay could not read never came to a worker: it says nothing about screening.
        AND (audit_id IS NOT NULL OR topic = :topic)
)
SELECT
    total,
    CASE WHEN total >= :rejections THEN unreadable + (
        SELECT count(*)
        FROM audit_records
        WHERE recorded_at > statement_timestamp() - make_interval(secs => :window_s)
    ) END AS finished
FROM rejected
""")


def check_breaker(connection: Connection, *, rejections: int, share: float, window_s: int) -> None:
    """Raises Tripped when the last `window_s` seconds hold at least `rejections` dead letters, of any worker,
    and they are more than `share` of all that ended. Counted in Postgres, so that no restart forgets it."""
    parameters = {"window_s": window_s, "rejections": rejections, "topic": IMAGES_ARRIVED}
    rejected, finished = connection.execute(COUNT, parameters).one()
    if finished is not None and rejected > share * finished:
        raise Tripped(rejected, finished, window_s)
