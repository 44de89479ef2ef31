"""--s3-upstream: buckets of another S3 store, read through a cache; the store is moto, and another server of ours."""
import hashlib
import os
import time

import pytest
import requests
from botocore.exceptions import ClientError

from support import upstreams
from support.server import Server
from support.training import Training, unique

MIB = 1 << 20
BIG = 9 * MIB + 17
CONFIG = """
jobs:
  stop_grace_seconds: 2
s3:
  upstream:
    url: {url}
    access_key: up
    secret_key: stream
    revalidate_seconds: {revalidate}
    write_through: {write_through}
    cache_limit_mb: {limit}
"""
HOSTILE = ["a//b", "/a", "./a/./b", "dir/", "folder/../up.txt", "a b+c%20.txt", "ünïcödé/🚀", "?query=1&x", "x" * 1024]


def through(store, folder=None, *, revalidate=3600, write_through=False, limit=1000, **options):
    config = CONFIG.format(url=store.url, revalidate=revalidate, write_through=str(write_through).lower(), limit=limit)
    return Server(folder=folder, config=config, **options)


@pytest.fixture(scope="module", params=[upstreams.Moto, upstreams.Sagelet], ids=["moto", "sagelet"])
def store(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("upstream")) as running:
        running.s3 = upstreams.client(running.url)
        yield running


@pytest.fixture(scope="module")
def cached(store):
    with through(store) as running:
        running.s3 = upstreams.client(running.url)
        yield running


@pytest.fixture
def bucket(store):
    name = unique("upstream").lower()
    store.s3.create_bucket(Bucket=name)
    return name


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]


def body_of(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def test_an_object_is_what_it_is_upstream(store, cached, bucket):
    store.s3.put_object(Bucket=bucket, Key="k", Body=b"the body", ContentType="text/x", Metadata={"a": "1"}, CacheControl="no-store")
    for _ in range(2):  # from the store, then from the cache
        there, here = (s3.get_object(Bucket=bucket, Key="k") for s3 in (store.s3, cached.s3))
        assert here["Body"].read() == b"the body"
        for field in ("ETag", "LastModified", "ContentType", "Metadata", "CacheControl", "ContentLength"):
            assert here[field] == there[field], field
    assert cached.s3.head_object(Bucket=bucket, Key="k")["ETag"] == there["ETag"]


def test_hostile_keys_are_the_same_there_and_here(store, cached, bucket):
    for index, key in enumerate(HOSTILE):
        store.s3.put_object(Bucket=bucket, Key=key, Body=f"body {index}")
    for index, key in enumerate(HOSTILE):
        assert body_of(cached.s3, bucket, key) == f"body {index}".encode(), key
    pages = cached.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in pages for item in page["Contents"]] == sorted(HOSTILE, key=str.encode)


def walked(s3, operation, bucket):
    keys, groups = [], []
    for page in s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}):
        keys += [item["Key"] for item in page.get("Contents", [])]
        groups += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
    return keys, groups


def test_lists_are_the_stores_with_groups_and_pages_of_both_versions(store, cached, bucket):
    for key in ("a/1", "a/2", "b/1", "c", "d e+f"):
        store.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    for operation in ("list_objects", "list_objects_v2"):
        keys, groups = walked(cached.s3, operation, bucket)
        assert (keys, groups) == walked(store.s3, operation, bucket)
        assert (keys, sorted(set(groups))) == (["c", "d e+f"], ["a/", "b/"]), operation  # moto repeats groups
    listed = cached.s3.list_objects_v2(Bucket=bucket, Prefix="a/", StartAfter="a/1")["Contents"]
    assert [item["Key"] for item in listed] == ["a/2"] and listed[0]["Size"] == 1


def test_a_large_object_streams_and_is_kept(store, cached, bucket):
    big = os.urandom(BIG)
    store.s3.put_object(Bucket=bucket, Key="big", Body=big)
    assert body_of(cached.s3, bucket, "big", Range="bytes=1000000-1000099") == big[1_000_000:1_000_100]
    for _ in range(2):
        assert hashlib.sha256(body_of(cached.s3, bucket, "big")).digest() == hashlib.sha256(big).digest()
        assert body_of(cached.s3, bucket, "big", Range="bytes=-5") == big[-5:]
    store.s3.delete_object(Bucket=bucket, Key="big")  # what is fresh in the cache is not asked for again
    assert hashlib.sha256(body_of(cached.s3, bucket, "big")).digest() == hashlib.sha256(big).digest()


def test_a_reader_that_goes_away_does_not_end_the_fetch(store, cached, bucket):
    big = os.urandom(BIG)
    for wait in (0.5, 2, 8):  # for the fetch to end; a slow machine gets more
        store.s3.put_object(Bucket=bucket, Key=f"big-{wait}", Body=big)
        body = cached.s3.get_object(Bucket=bucket, Key=f"big-{wait}")["Body"]
        body.read(100)
        body.close()
        time.sleep(wait)
        store.s3.delete_object(Bucket=bucket, Key=f"big-{wait}")
        if kept := reads(cached.s3, bucket, f"big-{wait}"):
            assert body_of(cached.s3, bucket, f"big-{wait}") == big
            break
    assert kept


def test_conditions_hold(store, cached, bucket):
    etag = store.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    for _ in range(2):
        assert refused(lambda: cached.s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag))["Code"] == "304"
        assert refused(lambda: cached.s3.get_object(Bucket=bucket, Key="k", IfMatch='"no"'))["Code"] == "PreconditionFailed"
        assert body_of(cached.s3, bucket, "k", IfMatch=etag) == b"1"


def test_what_is_missing_is_missing(store, cached, bucket):
    assert refused(lambda: cached.s3.get_object(Bucket=bucket, Key="nothing"))["Code"] == "NoSuchKey"
    assert refused(lambda: cached.s3.head_object(Bucket=bucket, Key="nothing"))["Code"] == "404"
    assert refused(lambda: cached.s3.list_objects_v2(Bucket="no-such-bucket-up-there"))["Code"] == "NoSuchBucket"
    assert refused(lambda: cached.s3.head_bucket(Bucket="no-such-bucket-up-there"))["Code"] == "404"
    assert cached.s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_writes_are_refused_and_say_how_to_allow_them(store, cached, bucket):
    store.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for call in (lambda: cached.s3.put_object(Bucket=bucket, Key="k", Body=b"2"),
                 lambda: cached.s3.delete_object(Bucket=bucket, Key="k"),
                 lambda: cached.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]}),
                 lambda: cached.s3.create_multipart_upload(Bucket=bucket, Key="k"),
                 lambda: cached.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": []})):
        error = refused(call)
        assert error["Code"] == "AccessDenied" and "s3.upstream.write_through" in error["Message"]
    assert body_of(store.s3, bucket, "k") == b"1"


def test_our_own_buckets_are_ours_and_take_copies(store, cached, bucket):
    own = unique("own").lower()
    cached.s3.create_bucket(Bucket=own)
    store.s3.put_object(Bucket=bucket, Key="k", Body=b"up there", Metadata={"a": "1"})
    cached.s3.copy_object(Bucket=own, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert body_of(cached.s3, own, "copy") == b"up there"
    assert cached.s3.head_object(Bucket=own, Key="copy")["Metadata"] == {"a": "1"}
    assert refused(lambda: store.s3.head_bucket(Bucket=own))["Code"] == "404"
    assert [item["Name"] for item in cached.s3.list_buckets()["Buckets"] if "/" in item["Name"]] == []


def test_what_changed_upstream_is_seen_after_the_time(store, bucket):
    with through(store, revalidate=0) as running:
        s3 = upstreams.client(running.url)
        for body in (b"first", b"second", b"second"):
            store.s3.put_object(Bucket=bucket, Key="k", Body=body)
            assert body_of(s3, bucket, "k") == body
        store.s3.delete_object(Bucket=bucket, Key="k")
        assert refused(lambda: s3.get_object(Bucket=bucket, Key="k"))["Code"] == "NoSuchKey"


def test_the_cache_keeps_to_its_limit(store, bucket):
    with through(store, limit=1) as running:
        s3 = upstreams.client(running.url)
        for index in range(4):
            store.s3.put_object(Bucket=bucket, Key=f"k{index}", Body=bytes([index]) * (MIB // 2 - 1000))
            assert len(body_of(s3, bucket, f"k{index}")) == MIB // 2 - 1000
        for index in range(4):
            store.s3.delete_object(Bucket=bucket, Key=f"k{index}")
        kept = [index for index in (3, 2, 1, 0) if reads(s3, bucket, f"k{index}")]
        assert kept == [3, 2]


def reads(s3, bucket, key):
    try:
        return body_of(s3, bucket, key) is not None
    except ClientError:
        return False


def test_writes_go_through_where_that_is_wanted(store, bucket):
    with through(store, write_through=True) as running:
        s3 = upstreams.client(running.url)
        for key in HOSTILE:
            etag = s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"a": "1"}, ContentType="text/x")["ETag"]
            there = store.s3.get_object(Bucket=bucket, Key=key)
            assert (there["Body"].read(), there["ETag"]) == (key.encode(), etag), key
            assert (there["Metadata"], there["ContentType"]) == ({"a": "1"}, "text/x")
            assert body_of(s3, bucket, key) == key.encode()
        big = os.urandom(BIG)
        s3.put_object(Bucket=bucket, Key="big", Body=big)
        assert body_of(store.s3, bucket, "big") == big
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": HOSTILE[0]})
        assert body_of(store.s3, bucket, "copy") == HOSTILE[0].encode()
        s3.delete_object(Bucket=bucket, Key="copy")
        assert refused(lambda: store.s3.head_object(Bucket=bucket, Key="copy"))["Code"] == "404"
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in HOSTILE]})
        assert [item["Key"] for item in store.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["big"]


def test_what_cannot_go_through_is_refused_and_nothing_is_lost(store, bucket):
    etag = store.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    with through(store, write_through=True) as running:
        s3 = upstreams.client(running.url)
        for call in (lambda: s3.delete_object(Bucket=bucket, Key="k", VersionId="a-version"),
                     lambda: s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag),
                     lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"2", SSECustomerAlgorithm="AES256", SSECustomerKey="0" * 32),
                     lambda: s3.create_multipart_upload(Bucket=bucket, Key="k"),
                     lambda: s3.get_object_tagging(Bucket=bucket, Key="k"),
                     lambda: s3.get_object_acl(Bucket=bucket, Key="k"),
                     lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": []}),
                     lambda: s3.get_bucket_versioning(Bucket=bucket),
                     lambda: s3.put_bucket_policy(Bucket=bucket, Policy="{}")):
            assert refused(call)["Code"] == "NotImplemented"
        outcome = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": "a-version"}]})
        assert [error["Code"] for error in outcome["Errors"]] == ["NotImplemented"]
        assert refused(lambda: s3.get_object(Bucket=bucket, Key="k", VersionId="a-version"))["Code"] == "NoSuchVersion"
        assert s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])["ObjectSize"] == 1
        assert body_of(s3, bucket, "k") == b"1"


def test_nobody_reads_upstream_without_a_name(store, cached, bucket):
    store.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert body_of(cached.s3, bucket, "k") == b"1"
    for path in (f"{bucket}/k", bucket, f"upstream%2F{bucket}/k"):
        assert requests.get(f"{cached.url}/{path}", timeout=30).status_code in (400, 403, 404), path
    own = unique("own").lower()
    cached.s3.create_bucket(Bucket=own)
    for source in (f"upstream/{bucket}/k", f"upstream%2F{bucket}/k"):  # the cache's own place
        error = refused(lambda s=source: cached.s3.copy_object(Bucket=own, Key="copy", CopySource=s))
        assert error["Code"] in ("AccessDenied", "NoSuchBucket", "NoSuchKey"), source


def test_the_cache_serves_while_the_store_is_away_also_after_a_restart(tmp_path):
    with upstreams.Sagelet(tmp_path) as away:
        s3 = upstreams.client(away.url)
        s3.create_bucket(Bucket="data-set")
        s3.put_object(Bucket="data-set", Key="k", Body=b"kept")
        s3.put_object(Bucket="data-set", Key="not-read", Body=b"not kept")
        running = through(away, folder=tmp_path / "here", revalidate=0, ephemeral=False).start()
        assert body_of(upstreams.client(running.url), "data-set", "k") == b"kept"
        away.stop()
        try:
            for _ in range(2):
                here = upstreams.client(running.url)
                assert body_of(here, "data-set", "k") == b"kept"
                error = refused(lambda s3=here: s3.get_object(Bucket="data-set", Key="not-read"))
                assert error["Code"] == "ServiceUnavailable" and "--s3-upstream" in error["Message"]
                running.stop()
                running.start()
        finally:
            running.stop()


def test_wrong_keys_are_named(tmp_path):
    with upstreams.Sagelet(tmp_path) as store, Server("--s3-upstream", store.url, environment={
            "AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"}) as running:
        upstreams.client(store.url).create_bucket(Bucket="data-set")
        error = refused(lambda: upstreams.client(running.url).list_objects_v2(Bucket="data-set"))
        assert error["Code"] == "AccessDenied" and "AWS_ACCESS_KEY_ID" in error["Message"]


def test_a_training_job_reads_its_input_from_upstream(store, bucket, cached):
    s3, sagemaker, logs = cached.clients("s3", "sagemaker", "logs")
    own = unique("jobs").lower()
    s3.create_bucket(Bucket=own)
    for index in range(3):
        store.s3.put_object(Bucket=bucket, Key=f"train/part-{index}.csv", Body=f"{index}\n" * 1000)
    job = Training(sagemaker, s3, logs, own).run(
        "import pathlib\nfor path in sorted(pathlib.Path('/opt/ml/input/data/train').iterdir()):\n    print(path.name, path.stat().st_size)\n",
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}}}])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
