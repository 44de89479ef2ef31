"""Keys are bytes, never paths."""
import pytest
from botocore.exceptions import ClientError

from support import wire

HOSTILE = [
    "a//b", "/a", "//", "./a/./b", "folder/../up.txt", "dir/", "dir", "dir/file", " leading and trailing ", "a+b c",
    "a%2Fb", "a%20b", "100%", "?query=1&x", "#fragment", "semi;colon,comma", "quote'\"<>&", "back\\slash", "tilde~", "*",
    "ünïcödé/日本語/🚀", "e\u0301", "\u00e9", "line\nbreak", "tab\there", "null-byte-like-%00", ".", "a/..", "a/.",
    "".join(map(chr, range(1, 128))), "\x00", "".join(map(chr, range(128, 576))) + "x" * 128, "\U0010ffff\ufffe\u0085",
    "x" * 1024, "ü" * 512, "very/" * 200 + "deep", "..%2f..%2fetc%2fpasswd", "con", "a:b", "\u202eright-to-left",
]


@pytest.mark.parametrize("key", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_key_is_just_a_key(s3, bucket, key):
    body = b"body of " + key.encode()[:40]
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(body)
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [item["Key"] for item in s3.list_objects(Bucket=bucket, Prefix=key)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_all_hostile_keys_live_side_by_side(s3, bucket):
    for key in HOSTILE:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(HOSTILE, key=str.encode)
    for key in HOSTILE:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in HOSTILE
                                                             if min(key) >= " " and "\ufffe" not in key]})
    assert "Errors" not in gone


@pytest.mark.parametrize("key", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_key_in_virtual_host_style(server, s3, bucket, key):
    signer = wire.Signer(f"{bucket}.localhost:{server.port}", "s3")
    path = "/" + wire.quote(key)

    def call(method, target, body=b""):
        sent = signer.headers(method, target, body=body) | {"content-length": str(len(body))}
        return wire.send_bytes(server, wire.head_bytes(method, target, sent) + body, method)

    assert call("PUT", path, b"by host").status == 200
    assert call("GET", path).body == b"by host"
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"by host"
    assert wire.quote(key) in call("GET", "/?encoding-type=url&list-type=2").text.replace("*", "%2A")
    assert call("DELETE", path).status == 204
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_longer_than_1024_bytes_is_refused(s3, bucket):
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="ü" * 513, Body=b"x")
    assert error.value.response["Error"]["Code"] == "KeyTooLongError"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_metadata_is_kept_as_sent(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"mixed-Case": "Two  blanks", "empty": ""})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"mixed-case": "Two  blanks", "empty": ""}


def test_too_much_metadata_is_refused(s3, bucket):
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "x" * 2100})
    assert error.value.response["Error"]["Code"] == "MetadataTooLarge"
