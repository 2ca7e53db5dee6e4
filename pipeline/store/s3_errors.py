"""What an answer of an S3 server, or the lack of one, means for an image."""

from botocore.exceptions import ClientError

WEATHER = {"RequestTimeout", "SlowDown", "RequestTimeTooSkewed", "ExpiredToken", "Throttling"}
"""Codes in the 4xx range that say nothing about the object."""
UNKNOWN_CREDENTIALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "XAdminUserNotFound"}
"""The last is Versity's, and comes as a 404."""
NO_BUCKET = "NoSuchBucket"
NO_OBJECT = {"NoSuchKey", "NoSuchVersion", "KeyTooLongError"}


def status(error: ClientError) -> int:
    """The HTTP status, 0 where the answer had none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code(error: ClientError) -> str:
    """The server's error code, or the status where the answer had no body (HEAD)."""
    return str(error.response.get("Error", {}).get("Code") or status(error))


def is_weather(error: ClientError) -> bool:
    """Whether only waiting helps: server errors, throttling, and all that concerns bucket or credentials."""
    answer = status(error)
    concerns_all = WEATHER | UNKNOWN_CREDENTIALS | {NO_BUCKET}
    return answer < 400 or answer >= 500 or answer in (408, 429) or code(error) in concerns_all


def is_gone(error: ClientError) -> bool:
    """Whether the server itself says that this version does not stand there (a delete marker is a 405).

    A bare 404 without an S3 code is not believed: a proxy that lost its backend answers the same.
    """
    no_version = status(error) == 400 and code(error) in (
        "InvalidArgument",
        "NoSuchVersion",
        "InvalidVersionId",
    )
    return code(error) in NO_OBJECT or status(error) == 405 or no_version
