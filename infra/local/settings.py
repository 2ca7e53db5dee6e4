"""What a person can say about the embedded stack."""

import os
from pathlib import Path

from pydantic import Field, SecretStr

from evenscreen.schemas.settings.base import Settings


class StackSettings(Settings):
    """Which parts run outside, and where everything else of the stack lives."""

    state_dir: Path | None = Field(
        default=None,
        description="Folder of the stack; unset takes /var/lib/evenscreen for root, else ~/.local/state.",
    )
    kafka: str | None = Field(default=None, description="External brokers; unset starts one.")
    database_url: SecretStr | None = Field(
        default=None, description="External database, as its owner; unset starts PostgreSQL."
    )
    bucket: str | None = Field(default=None, description="External bucket URL; unset makes a folder.")
    postgres_user: str = Field(
        default="nobody", description="System user that runs PostgreSQL where `up` runs as root."
    )
    partitions: int = Field(default=12, ge=1, description="Partitions of each topic that `up` creates.")

    @property
    def root(self) -> Path:
        """The state folder, absolute."""
        return (self.state_dir or default_state_dir()).expanduser().absolute()


def default_state_dir() -> Path:
    """/var/lib/evenscreen for root, else the XDG state folder of this user."""
    if os.geteuid() == 0:
        return Path("/var/lib/evenscreen")
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "evenscreen"


def cache_dir() -> Path:
    """Downloads that all stacks of this user share: the XDG cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "evenscreen"
