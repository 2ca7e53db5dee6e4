"""Settings of the doors: notification relay, folder door, reconciler, outbox relay."""

from typing import Literal

from pydantic import Field

from evenscreen.schemas.settings.base import DatabaseSettings, HealthSettings, KafkaSettings, StoreSettings


class RelaySettings(StoreSettings, KafkaSettings, DatabaseSettings, HealthSettings):
    """The relay from bucket notifications to `images.arrived`."""

    relay_group: str = Field(default="evenscreen-relay", description="Consumer group of the relays.")
    raw_topic: str = Field(
        default="images.raw", description="Topic that S3 servers write their notifications to."
    )
    dialect: Literal["auto", "minio", "aws", "ceph", "versity"] = Field(
        default="auto", description="Whose notifications these are; `auto` goes by the marks in each message."
    )
    session_timeout_s: float = Field(
        default=10.0, ge=6, description="After this long without a heartbeat others take over the partitions."
    )


class OutboxSettings(KafkaSettings, DatabaseSettings, HealthSettings):
    """The relay from the outbox table to Kafka."""

    outbox_poll_s: float = Field(
        default=0.5, gt=0, description="Pause between two looks at an empty outbox, in seconds."
    )
    outbox_batch: int = Field(default=500, ge=1, description="Messages published and marked per transaction.")


class FolderSettings(StoreSettings, KafkaSettings, HealthSettings):
    """The door that watches a `file://` bucket."""

    settle_s: float = Field(
        default=0.5,
        ge=0.05,
        description="A file has settled when size and time stood still this long, in seconds.",
    )
    rescan_s: float = Field(
        default=60.0,
        ge=1,
        description="Pause between two looks at the whole folder, for what the system did not announce.",
    )
    sidecar: Literal["off", "optional", "required"] = Field(
        default="optional", description="Whether an image waits for its side-car IMAGE.json."
    )
    sidecar_wait_s: float = Field(
        default=5.0, ge=0, description="How long `optional` waits after the image has settled, in seconds."
    )


class ReconcilerSettings(StoreSettings, KafkaSettings, DatabaseSettings):
    """The walk that finds what notifications lost."""

    reconcile_grace_s: float = Field(
        default=300.0,
        ge=0,
        description="Younger arrivals and objects are left to the doors and workers, in seconds.",
    )
    walk_page: int = Field(default=1000, ge=1, le=10_000, description="Objects compared per round trip.")
