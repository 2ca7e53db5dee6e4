"""Every table, so that one import gives the whole metadata."""

from evenscreen.schemas.tables.arrivals import Arrival, Listing, Walk
from evenscreen.schemas.tables.audit import AuditRecord, DeadLetter, Model, Patient, Prediction
from evenscreen.schemas.tables.base import Table
from evenscreen.schemas.tables.outbox import OutboxMessage

__all__ = [
    "Arrival",
    "AuditRecord",
    "DeadLetter",
    "Listing",
    "Model",
    "OutboxMessage",
    "Patient",
    "Prediction",
    "Table",
    "Walk",
]
