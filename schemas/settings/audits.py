"""Settings of the audit."""

from pathlib import Path

from pydantic import Field, SecretStr

from evenscreen.schemas.settings.base import DatabaseSettings


class AuditSettings(DatabaseSettings):
    """The audit and its nightly run."""

    audit_webhook: str | None = Field(
        default=None, description="https:// address that is told when the nightly verdict changes."
    )
    audit_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="Signs what the webhook is told (HMAC-SHA256)."
    )
    audit_webhook_patience_s: float = Field(
        default=60.0, ge=0, description="How long the nightly run tries again while nobody takes it (s)."
    )
    audit_metrics_file: Path | None = Field(
        default=None, description="File (*.prom) that the nightly audit writes its conclusion to."
    )
