"""Versity Gateway: looks like AWS, but its keys are NOT encoded: decoding would turn `+` into a space.

Told from AWS by the spelling `PrincipalId` and by the `s3:` before the event's name, neither of which AWS
writes. ETags carry literal quotes, version ids are null or empty. Seen on the wire and in `s3event/event.go`.
"""

from typing import Any

from evenscreen.producers.dialects import fields

read_key = fields.raw_key


def wrote(record: dict[str, Any]) -> bool:
    """Whether Versity wrote this record that says `aws:s3`."""
    identity = record.get("userIdentity")
    if isinstance(identity, dict) and ("PrincipalId" in identity or "principalId" in identity):
        return "PrincipalId" in identity
    return str(record.get("eventName")).startswith("s3:")
