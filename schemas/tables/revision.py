"""The revision of the schema that this code was written for."""

REVISION = "0014"
"""The newest revision in `migrations/`; a test holds the two together."""
