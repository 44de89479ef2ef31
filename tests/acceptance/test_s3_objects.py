"""Everyday S3: put, get, head, delete, copy, ranges, metadata, tags, buckets."""
import hashlib

import pytest
from botocore.exceptions import ClientError
from support.wire import Signer, head_bytes, send_bytes


def code_of(error):
    return error.value.response["Error"]["Code"]


def status_of(error):
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_what_was_put_is_what_is_got(s3, bucket):
    body = bytes(range(256)) * 40
    put = s3.put_object(Bucket=bucket, Key="a/b.bin", Body=body, ContentType="application/x-thing")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a/b.bin")
    assert got["Body"].read() == body
    assert got["ETag"] == put["ETag"]
    assert got["ContentType"] == "application/x-thing"
    assert got["ContentLength"] == len(body)
    assert got["AcceptRanges"] == "bytes"


def test_an_empty_object_is_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="empty")
    got = s3.get_object(Bucket=bucket, Key="empty")
    assert got["ContentLength"] == 0 and got["Body"].read() == b""
    assert got["ContentType"] == "binary/octet-stream"


def test_an_upload_has_to_say_how_long_it_is(server, s3, bucket):
    path = f"/{bucket}/unsaid"
    signed = Signer(f"127.0.0.1:{server.port}", "s3").headers("PUT", path)
    answer = send_bytes(server, head_bytes("PUT", path, signed), "PUT")
    assert answer.status == 411 and "<Code>MissingContentLength</Code>" in answer.text
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_large_body_survives(s3, bucket):
    body = hashlib.sha256(b"seed").digest() * (3 * 1024 * 1024 // 32)
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body


def test_the_second_put_replaces_the_first(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"first", Metadata={"a": "1"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"second one")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"second one" and got["Metadata"] == {}


def test_head_tells_what_get_would(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345", CacheControl="no-cache", ContentDisposition="inline",
                  ContentEncoding="gzip", ContentLanguage="de", Metadata={"colour": "blue"})
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == 5
    assert head["CacheControl"] == "no-cache"
    assert head["ContentDisposition"] == "inline"
    assert head["ContentEncoding"] == "gzip"
    assert head["ContentLanguage"] == "de"
    assert head["Metadata"] == {"colour": "blue"}
    assert head["LastModified"].tzinfo is not None


@pytest.mark.parametrize("asked, given, content_range", [
    ("bytes=0-3", b"0123", "bytes 0-3/10"),
    ("bytes=4-", b"456789", "bytes 4-9/10"),
    ("bytes=-3", b"789", "bytes 7-9/10"),
    ("bytes=8-99", b"89", "bytes 8-9/10"),
    ("bytes=-99", b"0123456789", "bytes 0-9/10"),
])
def test_a_range_is_a_part(s3, bucket, asked, given, content_range):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"] == content_range
    assert got["Body"].read() == given


def test_a_range_past_the_end_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-20")
    assert code_of(error) == "InvalidRange" and status_of(error) == 416


def test_a_range_that_is_none_is_ignored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range="elephants=1-2")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["Body"].read() == b"0123456789"


def test_a_missing_key_is_no_such_key(s3, bucket):
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="nothing")
    assert code_of(error) == "NoSuchKey" and status_of(error) == 404
    assert error.value.response["Error"]["Key"] == "nothing"
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=bucket, Key="nothing")
    assert code_of(error) == "404"


def test_a_missing_bucket_is_no_such_bucket(s3):
    for call in (lambda: s3.get_object(Bucket="no-such-bucket-here", Key="k"),
                 lambda: s3.put_object(Bucket="no-such-bucket-here", Key="k", Body=b"x"),
                 lambda: s3.list_objects_v2(Bucket="no-such-bucket-here")):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "NoSuchBucket" and status_of(error) == 404


def test_delete_is_quiet_about_what_is_not_there(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_many_keys_go_in_one_call(s3, bucket):
    names = [f"k{i:03}" for i in range(30)]
    for name in names:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": n} for n in names[:20]] + [{"Key": "none"}]})
    assert {item["Key"] for item in answer["Deleted"]} == {*names[:20], "none"}
    assert "Errors" not in answer
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": n} for n in names[20:]], "Quiet": True})
    assert "Deleted" not in quiet
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_more_than_a_thousand_keys_in_one_delete_are_refused(s3, bucket):
    with pytest.raises(ClientError) as error:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"k{i}"} for i in range(1001)]})
    assert code_of(error) == "MalformedXML"


def test_a_copy_is_equal_and_independent(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from me", Body=b"body", Metadata={"a": "1"}, ContentType="text/x")
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from me"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"body").hexdigest()}"'
    s3.delete_object(Bucket=bucket, Key="from me")
    got = s3.get_object(Bucket=bucket, Key="to")
    assert got["Body"].read() == b"body" and got["Metadata"] == {"a": "1"} and got["ContentType"] == "text/x"


def test_a_copy_may_replace_the_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body", Metadata={"a": "1"})
    s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/k", MetadataDirective="REPLACE",
                   Metadata={"b": "2"}, ContentType="text/y")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"] == {"b": "2"} and head["ContentType"] == "text/y"


def test_a_copy_onto_itself_must_change_something(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/k")
    assert code_of(error) == "InvalidRequest"


def test_the_source_of_a_copy_is_url_encoded_and_may_start_with_a_slash(s3, bucket):
    key = "a b+c/ü%41"
    s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"/{bucket}/{key}")  # boto3 encodes it
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"1"


def test_a_copy_of_nothing_is_no_such_key(s3, bucket):
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/nothing")
    assert code_of(error) == "NoSuchKey"


def test_tags_are_kept_beside_the_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=two+words")
    assert s3.head_object(Bucket=bucket, Key="k").get("TagCount", 2) == 2
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]}
    assert tags == {"a": "1", "b": "two words"}
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_more_than_ten_tags_are_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError) as error:
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={
            "TagSet": [{"Key": f"k{i}", "Value": "v"} for i in range(11)]})
    assert code_of(error) in ("InvalidTag", "BadRequest") and status_of(error) == 400


def test_a_bucket_comes_and_goes(s3, client):
    s3.create_bucket(Bucket="here-and-gone")
    s3.create_bucket(Bucket="here-and-gone")  # one's own, in us-east-1: no error
    assert s3.head_bucket(Bucket="here-and-gone")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "here-and-gone" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket="here-and-gone", Key="k", Body=b"x")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket="here-and-gone")
    assert code_of(error) == "BucketNotEmpty" and status_of(error) == 409
    s3.delete_object(Bucket="here-and-gone", Key="k")
    s3.delete_bucket(Bucket="here-and-gone")
    with pytest.raises(ClientError) as error:
        s3.head_bucket(Bucket="here-and-gone")
    assert code_of(error) == "404"


def test_a_bucket_made_elsewhere_says_where(client):
    west = client("s3", region_name="eu-west-1")
    west.create_bucket(Bucket="made-in-the-west", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert west.get_bucket_location(Bucket="made-in-the-west")["LocationConstraint"] == "eu-west-1"


def test_a_bucket_of_us_east_1_has_no_location(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") is None


@pytest.mark.parametrize("name", ["UPPER-case", "ab", "192.168.1.1", "under_score", "ends-", "two..dots", "a" * 64])
def test_a_name_that_no_bucket_may_have_is_refused(s3, name):
    with pytest.raises(ClientError) as error:
        s3.create_bucket(Bucket=name)
    assert code_of(error) == "InvalidBucketName" and status_of(error) == 400


def test_the_sample_bucket_is_there_and_read_only(s3):
    body = s3.get_object(Bucket="sagemaker-sample-files", Key="datasets/tabular/iris/iris.data")["Body"].read()
    rows = [row for row in body.decode().split("\n") if row]
    assert len(rows) == 150 and all(len(row.split(",")) == 5 for row in rows)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="sagemaker-sample-files", Key="new", Body=b"x")
    assert code_of(error) == "AccessDenied" and status_of(error) == 403


def test_accounts_do_not_see_one_anothers_objects(server, client):
    mine = client("s3", aws_access_key_id="111111111111", aws_secret_access_key="x")
    other = client("s3", aws_access_key_id="222222222222", aws_secret_access_key="x")
    mine.create_bucket(Bucket="only-of-ones")
    assert "only-of-ones" not in [b["Name"] for b in other.list_buckets()["Buckets"]]
    with pytest.raises(ClientError):
        other.list_objects_v2(Bucket="only-of-ones")
