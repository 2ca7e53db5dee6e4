"""User metadata as S3 carries it: lower-case header names, ASCII values, two kilobytes in all."""

from collections.abc import Mapping
from urllib.parse import quote, unquote

_KEPT = " !#$&'()*+,/:;<=>?@[]^`{|}~\""
"""ASCII that stands for itself in a header value; `%` itself is escaped."""


def encoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """For `PutObject`: `fst_source` becomes `fst-source` (some proxies drop names with an underscore),
    values are percent-encoded UTF-8 wherever they are not plain ASCII.
    """
    return {
        name.lower().replace("_", "-"): quote(value, safe=_KEPT, encoding="utf-8")
        for name, value in metadata.items()
    }


def decoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """From `GetObject`: either spelling of a name is read; text without valid %XX is left as it is."""
    return {name.lower().replace("-", "_"): unquote(value) for name, value in metadata.items()}
