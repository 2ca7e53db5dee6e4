"""`stack.json`: how to reach the parts of a running stack, and the environment made from it."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evenscreen.schemas.errors import Fatal

Role = Literal["owner", "worker", "door", "labeller", "operator", "auditor", "nightly"]


class Reach(BaseModel):
    """Addresses and credentials; the file has mode 0600 and its URLs stay out of `repr`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka: str
    """host:port of the brokers, separated by commas."""
    bucket: str
    """file:///path or s3://name."""
    database_urls: dict[Role, str] = Field(repr=False)
    """postgresql://role:password@host:port/database for every role; an external database has one for all."""
    pseudonym_key_file: Path


def read(state_dir: Path) -> Reach | None:
    """What the last `up` of this state folder wrote, or None. Says nothing about what still runs."""
    path = state_dir / "stack.json"
    try:
        return Reach.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except PermissionError:
        raise Fatal(
            f"{path} belongs to another user: run as that user, or set EVENSCREEN_STATE_DIR."
        ) from None
    except ValidationError:
        raise Fatal(f"{path} is not a stack of this version: delete it and run `evenscreen up`.") from None


def environment(role: Role, reach: Reach) -> dict[str, str]:
    """The environment variables that let a process of `role` use the stack; real ones should win."""
    return {
        "EVENSCREEN_KAFKA": reach.kafka,
        "EVENSCREEN_DATABASE_URL": reach.database_urls[role],
        "EVENSCREEN_BUCKET": reach.bucket,
        "EVENSCREEN_PSEUDONYM_KEY_FILE": str(reach.pseudonym_key_file),
    }
