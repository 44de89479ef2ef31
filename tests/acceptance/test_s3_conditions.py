"""Conditional requests: reads, writes and copies."""
import datetime

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def tagged(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"body")["ETag"]
    return bucket, etag


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"], error.value.response["Error"]["Code"]


def test_a_matching_etag_gives_the_object(s3, tagged):
    bucket, etag = tagged
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"body"
    assert refused(lambda: s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"')) == (412, "PreconditionFailed")


def test_an_unchanged_object_is_304(s3, tagged):
    bucket, etag = tagged
    assert refused(lambda: s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag))[0] == 304
    assert refused(lambda: s3.head_object(Bucket=bucket, Key="k", IfNoneMatch=etag))[0] == 304
    assert s3.get_object(Bucket=bucket, Key="k", IfNoneMatch='"other"')["Body"].read() == b"body"


def test_times_are_conditions_too(s3, tagged):
    bucket, _ = tagged
    now = datetime.datetime.now(datetime.timezone.utc)
    early, late = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
    assert s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=early)["ContentLength"] == 4
    assert s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=late)["ContentLength"] == 4
    assert refused(lambda: s3.get_object(Bucket=bucket, Key="k", IfUnmodifiedSince=early))[0] == 412


def test_a_put_with_if_none_match_star_makes_only_new_objects(s3, tagged):
    bucket, _ = tagged
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")) == \
        (412, "PreconditionFailed")
    s3.put_object(Bucket=bucket, Key="new", Body=b"2", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"


def test_a_put_with_if_match_replaces_only_what_was_seen(s3, tagged):
    bucket, etag = tagged
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch='"other"')) == \
        (412, "PreconditionFailed")
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="nothing", Body=b"2", IfMatch=etag))[0] == 404


def test_a_failed_condition_of_a_copy_is_412_never_304(s3, tagged):
    bucket, etag = tagged
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, CopySourceIfMatch=etag)
    assert refused(lambda: s3.copy_object(Bucket=bucket, Key="to", CopySource=source,
                                          CopySourceIfNoneMatch=etag)) == (412, "PreconditionFailed")
    assert refused(lambda: s3.copy_object(Bucket=bucket, Key="to", CopySource=source,
                                          CopySourceIfMatch='"other"')) == (412, "PreconditionFailed")
