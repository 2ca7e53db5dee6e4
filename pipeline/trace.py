"""Everything the database knows about one image, without its key: for `evenscreen trace` and for support."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

ARRIVAL = text(
    "SELECT door, first_seen_at, last_modified, size_bytes, trace_id FROM arrivals WHERE screening_id = :id"
)
LISTING = text("SELECT last_modified, walk_id FROM listings WHERE screening_id = :id")
TERMINAL = text(
    """
    SELECT a.model_version, a.outcome, a.reason, d.detail, a.fst, a.fst_source, a.site, a.device, a.modality,
           a.modality_intended, a.metadata_problem, a.trace_id, a.recorded_at, p.score, p.flagged
    FROM audit_records a
    LEFT JOIN predictions p USING (audit_id)
    LEFT JOIN dead_letters d USING (audit_id)
    WHERE a.screening_id = :id
    ORDER BY a.audit_id
    """
)
OUTBOX = text(
    "SELECT topic, created_at, published_at FROM outbox WHERE screening_id = :id ORDER BY message_id"
)


def trace(connection: Connection, screening_id: UUID) -> dict[str, Any]:
    """Arrival, listing, terminal rows (oldest first) and outbox of one image; empty where nothing is known.

    Reads as the operator role: no key, no pseudonym, no raw event.
    """
    parameters = {"id": screening_id}

    def rows(statement: Any) -> list[Mapping[str, Any]]:
        return [dict(row) for row in connection.execute(statement, parameters).mappings()]

    return {
        "screening_id": screening_id,
        "arrival": next(iter(rows(ARRIVAL)), None),
        "listing": next(iter(rows(LISTING)), None),
        "terminal": rows(TERMINAL),
        "outbox": rows(OUTBOX),
    }


def is_known(found: Mapping[str, Any]) -> bool:
    """Whether a trace tells of anything: an arrival, a listing or a terminal row."""
    return bool(found["arrival"] or found["listing"] or found["terminal"])
