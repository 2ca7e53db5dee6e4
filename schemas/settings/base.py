"""What every process reads: environment variables `EVENSCREEN_…`, or files so named in a secrets folder."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Frozen; a wrong value is named without being shown. Secrets may come from EVENSCREEN_SECRETS_DIR."""

    model_config = SettingsConfigDict(
        env_prefix="EVENSCREEN_",
        secrets_dir=os.environ.get("EVENSCREEN_SECRETS_DIR"),
        frozen=True,
        hide_input_in_errors=True,
        extra="ignore",
    )


class KafkaSettings(Settings):
    """How to reach the brokers."""

    kafka: str = Field(description="Bootstrap brokers, host:port, separated by commas.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Security protocol of the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="SASL mechanism, where the protocol is SASL."
    )
    kafka_sasl_username: str = Field(default="", description="SASL user.")
    kafka_sasl_password: SecretStr = Field(default=SecretStr(""), description="SASL password.")
    kafka_ssl_cafile: Path | None = Field(
        default=None, description="CA certificates that sign the brokers' certificates."
    )

    @property
    def brokers(self) -> list[str]:
        return [broker.strip() for broker in self.kafka.split(",") if broker.strip()]


class DatabaseSettings(Settings):
    """How to reach Postgres, as the role of this process."""

    database_url: SecretStr = Field(description="postgresql://role:password@host:port/database.")


class StoreSettings(Settings):
    """Which buckets may be read, and how."""

    bucket: str = Field(
        description="Bucket URLs, by commas: file:///path/of/folder or s3://name. Only these are read."
    )
    s3_endpoint: str | None = Field(default=None, description="S3 endpoint; unset means AWS.")
    s3_region: str = Field(default="us-east-1", description="S3 region.")
    s3_access_key: SecretStr | None = Field(
        default=None, description="S3 access key; unset leaves it to the usual AWS sources."
    )
    s3_secret_key: SecretStr | None = Field(default=None, description="S3 secret key.")
    max_image_bytes: int = Field(default=50_000_000, gt=0, description="Larger objects are rejected unread.")

    @field_validator("bucket")
    @classmethod
    def _urls(cls, value: str) -> str:
        urls = [url.strip() for url in value.split(",") if url.strip()]
        if not urls or not all(url.startswith(("file://", "s3://")) for url in urls):
            raise ValueError("a bucket is file:///path/of/folder or s3://name")
        return ",".join(urls)

    @property
    def bucket_urls(self) -> list[str]:
        return self.bucket.split(",")


class PseudonymSettings(Settings):
    """How identifiers become pseudonyms."""

    pseudonym_key_file: Path | None = Field(
        default=None, description="File of at least 32 bytes that keys pseudonyms."
    )
    pseudonym_key_number: int = Field(
        default=1, ge=1, description="Number of that key, written before each pseudonym (k1:…)."
    )


class HealthSettings(Settings):
    """Where /healthz, /readyz and /metrics are served."""

    health_host: str = Field(default="127.0.0.1", description="Address of the health and metrics server.")
    health_port: int = Field(
        default=0, ge=0, le=65535, description="Its port; 0 takes a free one and logs it."
    )
