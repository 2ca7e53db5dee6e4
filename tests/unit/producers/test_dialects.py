"""Every server's words for "an object was created" come out the same."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenscreen.producers.dialects import Dialect, Ignored, ObjectReference, Problem, normalise
from evenscreen.schemas.identity import screening_id

RECORDED = Path(__file__).parent / "recorded"
RECEIVED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.json").read_bytes()


def changed(name: str, **fields: Any) -> bytes:
    """A recorded message whose first record says something else: `s3.object.key` is `s3__object__key`."""
    message = json.loads(recorded(name))
    for path, value in fields.items():
        *way, last = path.split("__")
        part = message if name.startswith("eventbridge") else message["Records"][0]
        for step in way:
            part = part[step]
        if value is ...:
            part.pop(last, None)
        else:
            part[last] = value
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    ("name", "dialect", "bucket", "key", "etag", "size_bytes", "version_id"),
    [
        (
            "minio_put",
            Dialect.MINIO,
            "images",
            "wards 3/myphoto+1.jpg",
            "a3410f4f8788b510d6f19c5067e60a90",
            6474,
            None,
        ),
        (
            "aws_put",
            Dialect.AWS,
            "amzn-s3-demo-bucket",
            "red flower+1.jpg",
            "d41d8cd98f00b204e9800998ecf8427e",
            1024,
            "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        ),
        (
            "sns_put",
            Dialect.AWS,
            "amzn-s3-demo-bucket",
            "red flower+1.jpg",
            "d41d8cd98f00b204e9800998ecf8427e",
            1024,
            "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        ),
        (
            "eventbridge_created",
            Dialect.EVENTBRIDGE,
            "amzn-s3-demo-bucket1",
            "red flower+1.jpg",
            "b1946ac92492d2347c6235b4d2611184",
            5,
            "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        ),
        (
            "ceph_put",
            Dialect.CEPH,
            "mybucket1",
            "myimage1.jpg",
            "37b51d194a7513e45b56f6524f2d51f2",
            1024,
            None,
        ),
        (
            "versity_put",
            Dialect.VERSITY,
            "clinic",
            "a b/ü+1%2F.jpg",
            "336311a016184326ddbdd61edd4eeb52",
            10,
            None,
        ),
        (
            "versity_copy",
            Dialect.VERSITY,
            "clinic",
            "copy.jpg",
            "336311a016184326ddbdd61edd4eeb52",
            None,
            None,
        ),
        (
            "versity_multipart",
            Dialect.VERSITY,
            "clinic",
            "multi.jpg",
            "d250e29a9f628272a4704a74dbde3731-1",
            None,
            None,
        ),
    ],
)
def test_recorded_creation_names_its_object(
    name: str,
    dialect: Dialect,
    bucket: str,
    key: str,
    etag: str,
    size_bytes: int | None,
    version_id: str | None,
) -> None:
    said = normalise(recorded(name), RECEIVED)
    assert said.dialect is dialect
    (object_,) = said.objects
    assert (object_.bucket, object_.key, object_.etag) == (bucket, key, etag)
    assert (object_.size_bytes, object_.version_id) == (size_bytes, version_id)
    assert object_.last_modified.utcoffset() is not None
    assert not said.ignored
    assert not said.problems


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("aws_test", Ignored.TEST),
        ("versity_test", Ignored.TEST),
        ("sns_confirmation", Ignored.TEST),
        ("aws_delete", Ignored.REMOVED),
        ("minio_delete", Ignored.REMOVED),
        ("versity_delete", Ignored.REMOVED),
        ("eventbridge_deleted", Ignored.REMOVED),
        ("versity_tagging", Ignored.OTHER),
    ],
)
def test_recorded_message_without_new_content_is_counted_and_announces_nothing(
    name: str, ignored: Ignored
) -> None:
    said = normalise(recorded(name), RECEIVED)
    assert said.ignored == {ignored: 1}
    assert not said.objects
    assert not said.problems


def test_versity_test_event_is_told_from_that_of_aws() -> None:
    assert normalise(recorded("versity_test"), RECEIVED).dialect is Dialect.VERSITY
    assert normalise(recorded("aws_test"), RECEIVED).dialect is Dialect.AWS


# Keys as clinics make them: any Unicode without surrogates and NUL, and more of what escaping is about.
keys = st.text(
    st.one_of(
        st.sampled_from("+ %/&=?#'\"\\äß漢\u0301😀"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    min_size=1,
    max_size=60,
)


@given(keys)
def test_every_key_survives_every_dialect(key: str) -> None:
    slash_encoded, slash_plain = quote_plus(key), quote_plus(key, safe="/")
    sns = json.loads(recorded("sns_put"))
    sns["Message"] = changed("aws_put", s3__object__key=slash_plain).decode()
    messages = {
        "minio": changed("minio_put", s3__object__key=slash_encoded),
        "aws": changed("aws_put", s3__object__key=slash_plain),
        "sns": json.dumps(sns).encode(),
        "eventbridge": changed("eventbridge_created", detail__object__key=key),
        "ceph": changed("ceph_put", s3__object__key=key),
        "versity": changed("versity_put", s3__object__key=key),
    }
    for name, message in messages.items():
        said = normalise(message, RECEIVED)
        assert [object_.key for object_ in said.objects] == [key], name


@given(keys)
def test_percent_encoded_spaces_mean_the_same_as_plus(key: str) -> None:
    """Some servers write %20: it decodes alike."""
    (object_,) = normalise(changed("aws_put", s3__object__key=quote(key, safe="")), RECEIVED).objects
    assert object_.key == key


def test_one_object_has_one_identity_in_every_dialect() -> None:
    key, etag = "a b/ü+1.jpg", "9bb58f26192e4ba00f01e2e7b136bbd8"
    here: dict[str, Any] = {"s3__bucket__name": "b"}
    messages = [
        changed("minio_put", **here, s3__object__key=quote_plus(key), s3__object__eTag=etag),
        changed("aws_put", **here, s3__object__key=quote_plus(key, safe="/"), s3__object__eTag=etag),
        changed("ceph_put", **here, s3__object__key=key, s3__object__eTag=etag),
        changed("versity_put", **here, s3__object__key=key, s3__object__eTag=f'"{etag}"'),
        changed(
            "eventbridge_created",
            detail__bucket__name="b",
            detail__object__key=key,
            detail__object__etag=etag,
        ),
    ]
    objects = [object_ for message in messages for object_ in normalise(message, RECEIVED).objects]
    assert len(objects) == len(messages)
    assert {screening_id(one.bucket, one.key, one.etag or "") for one in objects} == {
        screening_id("b", key, etag)
    }


def test_forced_dialect_overrules_the_marks() -> None:
    message = changed("versity_put", s3__object__key="a+b%20c.jpg")
    assert normalise(message, RECEIVED).objects[0].key == "a+b%20c.jpg"
    assert normalise(message, RECEIVED, Dialect.AWS).objects[0].key == "a b c.jpg"


@pytest.mark.parametrize(
    ("marks", "dialect"),
    [
        ({"eventSource": "ceph:s3"}, Dialect.CEPH),
        ({"eventSource": "aws:s3", "eventId": ""}, Dialect.CEPH),
        ({"eventSource": "aws:s3", "userIdentity": {"PrincipalId": "x"}}, Dialect.VERSITY),
        (
            {"eventSource": "aws:s3", "userIdentity": ..., "eventName": "s3:ObjectCreated:Put"},
            Dialect.VERSITY,
        ),
        ({"eventSource": "aws:s3", "eventName": "s3:ObjectCreated:Put"}, Dialect.AWS),
        ({"eventSource": "minio:s3"}, Dialect.MINIO),
        ({"eventSource": "sgws:s3"}, Dialect.AWS),
        ({"eventSource": ...}, Dialect.AWS),
    ],
)
def test_dialect_goes_by_the_marks_of_the_writer(marks: dict[str, Any], dialect: Dialect) -> None:
    assert normalise(changed("aws_put", **marks), RECEIVED).dialect is dialect


@pytest.mark.parametrize("name", ["ObjectCreated:PutSideways", "s3:ObjectCreated", "ObjectSynced:Create"])
def test_every_kind_of_creation_is_a_creation(name: str) -> None:
    (object_,) = normalise(changed("ceph_put", eventName=name), RECEIVED).objects
    assert object_.etag == "37b51d194a7513e45b56f6524f2d51f2"


@pytest.mark.parametrize("name", ["UNKNOWN_EVENT", "ObjectAppended:Append", "", None, 7, ...])
def test_unknown_event_asks_the_store_instead_of_being_believed_or_lost(name: Any) -> None:
    (object_,) = normalise(changed("ceph_put", eventName=name), RECEIVED).objects
    assert (object_.key, object_.etag, object_.size_bytes) == ("myimage1.jpg", None, None)


@pytest.mark.parametrize(
    "name",
    [
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectLifecycle:Expiration:Current",
        "LifecycleExpiration:Delete",
        "ObjectSynced:Delete",
    ],
)
def test_removals_of_every_kind_are_counted_as_removals(name: str) -> None:
    assert normalise(changed("ceph_put", eventName=name), RECEIVED).ignored == {Ignored.REMOVED: 1}


def test_records_of_one_message_are_judged_one_by_one() -> None:
    message = json.loads(recorded("aws_put"))
    removal = json.loads(recorded("aws_delete"))["Records"][0]
    broken = json.loads(changed("aws_put", s3__object__key=...))["Records"][0]
    second = json.loads(changed("aws_put", s3__object__key="second.jpg"))["Records"][0]
    message["Records"] += [removal, broken, second, "not a record"]
    said = normalise(json.dumps(message).encode(), RECEIVED)
    assert [object_.key for object_ in said.objects] == ["red flower+1.jpg", "second.jpg"]
    assert said.ignored == {Ignored.REMOVED: 1}
    assert said.problems == (Problem.KEY_UNUSABLE, Problem.RECORD_NOT_AN_OBJECT)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", Problem.NOT_JSON),
        (b"\xff\xfe\xfa", Problem.NOT_JSON),
        (b'{"Records": [', Problem.NOT_JSON),
        (b"[" * 1_000_000, Problem.NOT_JSON),
        (b'{"a":' * 100_000, Problem.NOT_JSON),
        (b"1" * 10_000, Problem.NOT_JSON),
        (b"[]", Problem.NOT_AN_OBJECT),
        (b'"text"', Problem.NOT_AN_OBJECT),
        (b"null", Problem.NOT_AN_OBJECT),
        (b"{}", Problem.NO_RECORDS),
        (b'{"Records": null}', Problem.NO_RECORDS),
        (b'{"Records": []}', Problem.NO_RECORDS),
        (b'{"Records": {"s3": 1}}', Problem.NO_RECORDS),
        (b'{"Records": [null]}', Problem.RECORD_NOT_AN_OBJECT),
        (b'{"Records": [{}]}', Problem.BUCKET_UNUSABLE),
        (b'{"Records": [{"s3": {"bucket": {"name": "b"}, "object": []}}]}', Problem.KEY_UNUSABLE),
        (b'{"TopicArn": "t", "Message": "no json"}', Problem.NOT_JSON),
        (b'{"TopicArn": "t", "Message": "[]"}', Problem.NOT_AN_OBJECT),
        (changed("aws_put", s3__object__key="%ff.jpg"), Problem.KEY_UNUSABLE),
        (changed("aws_put", s3__object__key="a%00b"), Problem.KEY_UNUSABLE),
        (changed("aws_put", s3__object__key="k" * 1025), Problem.KEY_UNUSABLE),
        (changed("aws_put", s3__object__key=""), Problem.KEY_UNUSABLE),
        (changed("ceph_put", s3__object__key="\ud800.jpg"), Problem.KEY_UNUSABLE),
        (changed("aws_put", s3__bucket__name=["b"]), Problem.BUCKET_UNUSABLE),
    ],
)
def test_unreadable_message_is_a_problem_and_never_an_error(raw: bytes, problem: Problem) -> None:
    said = normalise(raw, RECEIVED)
    assert said.problems == (problem,)
    assert not said.objects


@pytest.mark.parametrize("value", [..., None, "", '""', 12, {"a": 1}, "e" * 129, "ü", "a\nb"])
def test_unusable_etag_asks_for_a_head(value: Any) -> None:
    (object_,) = normalise(changed("aws_put", s3__object__eTag=value), RECEIVED).objects
    assert object_.etag is None


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [("1024", 1024), (0, 0), (-1, None), (True, None), (1.5, None), ("x", None), (2**63, None), (..., None)],
)
def test_size_is_a_number_or_unknown(value: Any, size_bytes: int | None) -> None:
    (object_,) = normalise(changed("aws_put", s3__object__size=value), RECEIVED).objects
    assert object_.size_bytes == size_bytes


@pytest.mark.parametrize("value", ["", "null", None, ..., 5, "v" * 1025])
def test_absent_version_ids_are_none(value: Any) -> None:
    (object_,) = normalise(changed("aws_put", s3__object__versionId=value), RECEIVED).objects
    assert object_.version_id is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-21T12:30:44Z", datetime(2026, 11, 21, 12, 30, 44, tzinfo=UTC)),
        ("2026-11-21T13:30:44.123456789+01:00", datetime(2026, 11, 21, 12, 30, 44, 123456, tzinfo=UTC)),
        ("2026-11-21T12:30:44", datetime(2026, 11, 21, 12, 30, 44, tzinfo=UTC)),
        ("yesterday", RECEIVED),
        ("0001-01-01T00:00:00+14:00", RECEIVED),
        ("0001-01-01T00:00:00Z", RECEIVED),
        ("1969-12-31T23:59:59Z", RECEIVED),
        ("9999-06-01T00:00:00Z", RECEIVED),
        (1763728244, RECEIVED),
        (..., RECEIVED),
    ],
)
def test_event_time_falls_back_to_the_time_of_receipt(value: Any, moment: datetime) -> None:
    (object_,) = normalise(changed("aws_put", eventTime=value), RECEIVED).objects
    assert object_.last_modified == moment


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "Records",
                        "s3",
                        "object",
                        "bucket",
                        "key",
                        "name",
                        "detail",
                        "detail-type",
                        "TopicArn",
                        "Message",
                        "Event",
                        "EventName",
                        "Key",
                        "eventName",
                        "userIdentity",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_nothing_at_all_raises(raw: bytes) -> None:
    said = normalise(raw, RECEIVED)
    assert said.objects or said.ignored or said.problems


def test_key_stays_out_of_the_representation() -> None:
    object_ = ObjectReference("b", "Anna Muster.jpg", "e", 1, None, RECEIVED)
    assert "Muster" not in repr(object_)
