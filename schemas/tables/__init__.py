"""Every table, so that one import gives the whole metadata."""

from evenscreen.schemas.tables.arrivals import Arrival, Listing, Walk
from evenscreen.schemas.tables.audit import AuditRecord, DeadLetter, Model, Patient, Prediction
from evenscreen.schemas.tables.base import Table
from evenscreen.schemas.tables.imports import HeldReport, LabelImport
from evenscreen.schemas.tables.increments import (
    CaseEntry,
    Group,
    Increment,
    Kind,
    Period,
    PeriodSum,
    Stratum,
)
from evenscreen.schemas.tables.labels import GroundTruth, SkinTypeReport
from evenscreen.schemas.tables.outbox import OutboxMessage
from evenscreen.schemas.tables.results import AuditAnnouncement, AuditPlan, AuditResult
from evenscreen.schemas.tables.verification import VerificationDraw, VerificationSample

__all__ = [
    "Arrival",
    "AuditAnnouncement",
    "AuditPlan",
    "AuditRecord",
    "AuditResult",
    "CaseEntry",
    "DeadLetter",
    "GroundTruth",
    "Group",
    "HeldReport",
    "Increment",
    "Kind",
    "LabelImport",
    "Listing",
    "Model",
    "OutboxMessage",
    "Patient",
    "Period",
    "PeriodSum",
    "Prediction",
    "SkinTypeReport",
    "Stratum",
    "Table",
    "VerificationDraw",
    "VerificationSample",
    "Walk",
]
