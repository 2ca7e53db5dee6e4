"""One class per process; every field says what it is for."""

from evenscreen.schemas.settings.audits import AuditSettings
from evenscreen.schemas.settings.base import (
    DatabaseSettings,
    HealthSettings,
    KafkaSettings,
    PseudonymSettings,
    StoreSettings,
)
from evenscreen.schemas.settings.doors import (
    FolderSettings,
    OutboxSettings,
    ReconcilerSettings,
    RelaySettings,
)
from evenscreen.schemas.settings.labels import LabelImportSettings, LabelSettings
from evenscreen.schemas.settings.screening import ImageSettings, ScreeningSettings

__all__ = [
    "AuditSettings",
    "DatabaseSettings",
    "FolderSettings",
    "HealthSettings",
    "ImageSettings",
    "KafkaSettings",
    "LabelImportSettings",
    "LabelSettings",
    "OutboxSettings",
    "PseudonymSettings",
    "ReconcilerSettings",
    "RelaySettings",
    "ScreeningSettings",
    "StoreSettings",
]
