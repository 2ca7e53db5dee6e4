"""Settings of the screening worker."""

from pathlib import Path

from pydantic import Field

from evenscreen.schemas.settings.base import (
    DatabaseSettings,
    HealthSettings,
    KafkaSettings,
    PseudonymSettings,
    StoreSettings,
)


class ImageSettings(StoreSettings, PseudonymSettings):
    """What counts as an image that can be screened, and which model screens it."""

    model: Path | None = Field(
        default=None, description="Model folder (model.onnx and manifest.json); unset takes the shipped one."
    )
    max_image_pixels: int = Field(
        default=100_000_000, gt=0, description="Images whose header promises more are rejected undecoded."
    )
    min_image_side: int = Field(
        default=32, gt=0, description="Images with a shorter side (pixels) are rejected."
    )
    inference_threads: int = Field(
        default=1, ge=1, description="Threads of one inference; scale by processes instead."
    )
    fetch_threads: int = Field(
        default=4, ge=1, description="Images of a batch that are fetched and decoded at the same time."
    )


class ScreeningSettings(ImageSettings, KafkaSettings, DatabaseSettings, HealthSettings):
    """Everything a screening worker needs."""

    group: str = Field(default="evenscreen-screening", description="Consumer group of the screening workers.")
    batch_images: int = Field(default=32, ge=1, le=256, description="Images per transaction, at most.")
    poll_s: float = Field(
        default=0.02, gt=0, le=1, description="How long a lone image may wait for company, in seconds."
    )
    session_timeout_s: float = Field(
        default=10.0, ge=6, description="After this long without a heartbeat others take over the partitions."
    )
    retry_cap_s: float = Field(
        default=30.0, gt=0, description="Longest pause between two tries in bad weather."
    )
    breaker_rejections: int = Field(
        default=100, ge=1, description="Rejections within the window that may open the breaker."
    )
    breaker_share: float = Field(
        default=0.5, gt=0, le=1, description="Share of rejections above which it opens."
    )
    breaker_window_s: int = Field(default=600, ge=1, description="Window of the breaker, in seconds.")
