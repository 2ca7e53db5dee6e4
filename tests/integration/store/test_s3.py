"""What only an S3 server does: versions, credentials, missing buckets, broken answers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from evenscreen.pipeline.store import open_stores
from evenscreen.pipeline.store.base import Store
from evenscreen.pipeline.store.digest import md5
from evenscreen.pipeline.store.s3 import S3Store, s3_client
from evenscreen.schemas.errors import Fatal, Rejected, Superseded, Transient
from evenscreen.schemas.reasons import Reason
from evenscreen.schemas.settings import StoreSettings

BODY = b"pixels"
ETAG = md5(BODY)


def test_older_version_that_can_still_be_fetched_is_fetched(s3_bucket: Any, client: Any) -> None:
    name = s3_bucket.store.bucket
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = s3_bucket.put("a.jpg", b"one")
    s3_bucket.put("a.jpg", b"two")
    assert first.version_id
    get = s3_bucket.store.get
    assert get("a.jpg", etag=first.etag, version_id=first.version_id, max_bytes=99).body == b"one"
    with pytest.raises(Superseded):
        get("a.jpg", etag=first.etag, version_id=None, max_bytes=99)
    s3_bucket.remove("a.jpg")
    assert get("a.jpg", etag=first.etag, version_id=first.version_id, max_bytes=99).body == b"one"
    client.delete_object(Bucket=name, Key="a.jpg", VersionId=first.version_id)
    with pytest.raises(Rejected) as caught:
        get("a.jpg", etag=first.etag, version_id=first.version_id, max_bytes=99)
    assert caught.value.reason is Reason.OBJECT_NOT_FOUND


def test_version_id_of_another_content_is_not_believed(s3_bucket: Any, client: Any) -> None:
    versioning = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=s3_bucket.store.bucket, VersioningConfiguration=versioning)
    first, second = s3_bucket.put("a.jpg", b"one"), s3_bucket.put("a.jpg", b"two")
    get = s3_bucket.store.get
    assert get("a.jpg", etag=second.etag, version_id=first.version_id, max_bytes=99).body == b"two"


def test_bucket_that_does_not_exist_stops_the_start_but_holds_running_work(client: Any) -> None:
    store = S3Store("no-such-bucket-here", client)
    with pytest.raises(Fatal, match="does not exist"):
        store.check()
    for use in (
        lambda: get(store, "a.jpg"),
        lambda: store.head("a.jpg"),
        lambda: list(store.list()),
    ):
        with pytest.raises(Transient, match="NoSuchBucket"):
            use()


@pytest.mark.parametrize("field", ["s3_access_key", "s3_secret_key"])
def test_wrong_keys_stop_the_start_but_never_reject_an_image(
    s3_settings: StoreSettings, s3_bucket: Any, field: str
) -> None:
    s3_bucket.put("a.jpg", BODY)
    wrong = s3_settings.model_copy(update={field: SecretStr("wrong" * 8)})
    store = S3Store(s3_bucket.store.bucket, s3_client(wrong, 1))
    with pytest.raises(Fatal, match="does not know these S3 keys"):
        store.check()
    for use in (lambda: get(store, "a.jpg"), lambda: store.head("a.jpg"), lambda: list(store.list())):
        with pytest.raises(Transient):
            use()
    assert get(s3_bucket.store, "a.jpg") == BODY


def test_nobody_listening_is_weather(s3_settings: StoreSettings) -> None:
    store = S3Store("b", s3_client(s3_settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"}), 1))
    for use in (store.check, lambda: store.head("a.jpg"), lambda: get(store, "a.jpg")):
        with pytest.raises(Transient, match="EndpointConnectionError"):
            use()


def test_metadata_from_other_tools_is_read(s3_bucket: Any, client: Any) -> None:
    client.put_object(
        Bucket=s3_bucket.store.bucket,
        Key="a.jpg",
        Body=BODY,
        Metadata={"FST": "II", "fst_source": "estimated"},
    )
    fetched = s3_bucket.store.get("a.jpg", etag=ETAG, version_id=None, max_bytes=99)
    assert fetched.metadata == {"fst": "II", "fst_source": "estimated"}


def test_metadata_beyond_what_s3_takes_is_fatal_not_retried(s3_bucket: Any) -> None:
    with pytest.raises(Fatal, match="does not take"):
        s3_bucket.put("a.jpg", BODY, {"site": "x" * 5000})


Answer = Callable[[BaseHTTPRequestHandler], None]


def error(status: int, code: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = f"<Error><Code>{code}</Code><Message>patient Jane</Message></Error>".encode() if code else b""
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    return answer


def image(body: bytes = BODY, length: int | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        request.send_header("ETag", f'"{ETAG}"')
        request.send_header("Last-Modified", "Wed, 31 Jan 2024 10:00:00 GMT")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)
            request.close_connection = True

    return answer


@contextmanager
def served(answers: dict[str, Answer]) -> Iterator[Store]:
    """A store whose server gives each key its answer: for answers that a healthy server never gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers[self.path.split("?")[0].split("/")[-1]](self)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = StoreSettings(
            bucket="s3://b",
            s3_endpoint=f"http://127.0.0.1:{server.server_port}",
            s3_access_key="a",
            s3_secret_key="s",
        )
        [store] = open_stores(settings).values()
        try:
            yield store
        finally:
            server.shutdown()


def get(store: Store, key: str, version_id: str | None = None) -> bytes:
    return store.get(key, etag=ETAG, version_id=version_id, max_bytes=1000).body


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (error(503, "SlowDown"), "SlowDown"),
        (error(500, "InternalError"), "InternalError"),
        (error(429, "TooManyRequests"), "TooManyRequests"),
        (error(400, "RequestTimeout"), "RequestTimeout"),
        (error(400, "ExpiredToken"), "ExpiredToken"),
        (error(403, "InvalidAccessKeyId"), "InvalidAccessKeyId"),
        (error(404, "NoSuchBucket"), "NoSuchBucket"),
        (error(404, ""), "404"),
        (error(502, ""), "502"),
        (image(length=len(BODY) + 10), "ResponseStreamingError|IncompleteRead"),
    ],
)
def test_bad_weather_is_transient_even_where_another_object_is_readable(answer: Answer, cause: str) -> None:
    with served({"good.jpg": image(), "bad.jpg": answer}) as store:
        assert get(store, "good.jpg") == BODY
        with pytest.raises(Transient, match=cause) as caught:
            get(store, "bad.jpg")
        assert "Jane" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "refusal", [error(403, "AccessDenied"), error(403, "InvalidObjectState"), error(400, "InvalidRequest")]
)
def test_refusal_is_weather_until_the_same_credentials_read_another_object(refusal: Answer) -> None:
    answers = {"good.jpg": image(), "refused.jpg": refusal}
    with served(answers) as store:
        with pytest.raises(Transient):
            get(store, "refused.jpg")
        assert get(store, "good.jpg") == BODY
        with pytest.raises(Rejected) as caught:
            get(store, "refused.jpg")
        assert caught.value.reason is Reason.OBJECT_FORBIDDEN
        answers["good.jpg"] = error(403, "AccessDenied")
        with pytest.raises(Transient):
            get(store, "refused.jpg")


def test_too_large_object_is_rejected_before_its_body_is_sent() -> None:
    with served({"large.jpg": image(b"", length=10**12)}) as store:
        with pytest.raises(Rejected) as caught:
            get(store, "large.jpg")
        assert caught.value.reason is Reason.OBJECT_TOO_LARGE


def test_server_that_ignores_if_match_cannot_pass_off_another_content() -> None:
    with served({"a.jpg": image()}) as store, pytest.raises(Superseded):
        store.get("a.jpg", etag="0" * 32, version_id="v1", max_bytes=1000)


def test_keys_that_may_read_but_not_list_pass_the_check() -> None:
    with served({"b": error(403, "AccessDenied")}) as store:
        store.check()


def test_half_a_pair_of_keys_is_fatal() -> None:
    with pytest.raises(Fatal, match="both"):
        open_stores(StoreSettings(bucket="s3://b", s3_access_key="a"))
