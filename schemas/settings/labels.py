"""Settings of the label worker and of the import."""

from pydantic import Field

from evenscreen.schemas.settings.base import (
    DatabaseSettings,
    HealthSettings,
    KafkaSettings,
    PseudonymSettings,
)


class LabelImportSettings(KafkaSettings, PseudonymSettings):
    """The import of reports from a file."""


class LabelSettings(KafkaSettings, DatabaseSettings, HealthSettings):
    """The worker that writes outcome and skin-type reports."""

    label_group: str = Field(default="evenscreen-labels", description="Consumer group of the label workers.")
    batch_labels: int = Field(default=500, ge=1, le=5_000, description="Reports per transaction, at most.")
    session_timeout_s: float = Field(
        default=10.0, ge=6, description="After this long without a heartbeat others take over the partitions."
    )
    retry_cap_s: float = Field(
        default=30.0, gt=0, description="Longest pause between two tries in bad weather."
    )
