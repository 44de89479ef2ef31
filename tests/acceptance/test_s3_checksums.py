"""The five checksums: as headers, as trailers of aws-chunked bodies, and asked back."""
import hashlib

import pytest
from botocore.exceptions import ClientError

from support import wire
from support.checksums import ALL, crc32


@pytest.mark.parametrize("algorithm", ALL)
def test_a_checksum_sent_is_checked_and_given_back(s3, bucket, algorithm):
    field, digest = f"Checksum{algorithm}", ALL[algorithm]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"body", **{field: digest(b"body")})
    assert put[field] == digest(b"body")
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == digest(b"body")
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == digest(b"body")


@pytest.mark.parametrize("algorithm", ALL)
def test_a_wrong_checksum_is_refused_and_changes_nothing(s3, bucket, algorithm):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"body", **{f"Checksum{algorithm}": ALL[algorithm](b"other")})
    assert error.value.response["Error"]["Code"] == "BadDigest"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


def test_the_crc32_that_boto3_sends_unasked_comes_back(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    assert put["ChecksumCRC32"] == crc32(b"body") and put["ChecksumType"] == "FULL_OBJECT"
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC32"] == crc32(b"body")


def test_get_object_attributes_tells_size_and_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ETag", "ObjectSize", "Checksum"])
    assert told["ObjectSize"] == 4 and told["ETag"] == hashlib.md5(b"body").hexdigest()
    assert told["Checksum"]["ChecksumCRC32"] == crc32(b"body")


@pytest.mark.parametrize("header, code", [("not base64!", "InvalidDigest"), ("", "InvalidDigest"), ("YQ==", "InvalidDigest"),
                                          ("CY9rzUYh03PK3k6DJie09g==", "BadDigest")])
def test_a_bad_content_md5_is_refused(server, bucket, header, code):
    answer = wire.call(server, "PUT", f"/{bucket}/k", body=b"body", headers={"content-md5": header})
    assert answer.status == 400 and f"<Code>{code}</Code>" in answer.text


def test_a_wrong_payload_hash_is_refused(server, s3, bucket):
    answer = wire.call(server, "PUT", f"/{bucket}/k", body=b"body", payload=hashlib.sha256(b"other").hexdigest())
    assert answer.status == 400 and "<Code>XAmzContentSHA256Mismatch</Code>" in answer.text
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def put_chunked(server, path, body, *, payload, headers, chunked_transfer=False):
    signer = wire.Signer(f"127.0.0.1:{server.port}", "s3")
    sent = signer.headers("PUT", path, payload=payload, headers={"content-encoding": "aws-chunked", **headers})
    if chunked_transfer:
        sent["transfer-encoding"] = "chunked"
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    else:
        sent["content-length"] = str(len(body))
    return wire.send_bytes(server, wire.head_bytes("PUT", path, sent) + body, "PUT")


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("chunked_transfer", [False, True])
def test_a_trailer_carries_the_checksum_of_a_stream(server, s3, bucket, algorithm, chunked_transfer):
    name, digest = f"x-amz-checksum-{algorithm.lower()}", ALL[algorithm]
    framed = b"4\r\nbody\r\n6\r\n comes\r\n0\r\n" + f"{name}:{digest(b'body comes')}\r\n\r\n".encode()
    answer = put_chunked(server, f"/{bucket}/k", framed, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                         headers={"x-amz-trailer": name, "x-amz-decoded-content-length": "10"},
                         chunked_transfer=chunked_transfer)
    assert answer.status == 200, answer.text
    assert answer.headers[name] == digest(b"body comes")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"body comes" and "ContentEncoding" not in got


def test_a_wrong_trailer_is_refused_and_keeps_the_old_object(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    framed = b"4\r\nbody\r\n0\r\n" + f"x-amz-checksum-crc32:{crc32(b'other')}\r\n\r\n".encode()
    answer = put_chunked(server, f"/{bucket}/k", framed, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                         headers={"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-decoded-content-length": "4"})
    assert answer.status == 400 and "BadDigest" in answer.text
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


@pytest.mark.parametrize("framed, length", [
    (b"zz\r\nbody\r\n0\r\n\r\n", "4"), (b"4\r\nbodyXX0\r\n\r\n", "4"), (b"4\r\nbody\r\n", "4"), (b"4\r\nbo", "4"),
    (b"4\r\nbody\r\n0\r\n\r\n", "5"), (b"ffffffffffffffffff\r\nbody\r\n0\r\n\r\n", "4"), (b"", "4"),
])
def test_broken_chunk_framing_is_refused(server, s3, bucket, framed, length):
    answer = put_chunked(server, f"/{bucket}/k", framed, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                         headers={"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-decoded-content-length": length})
    assert answer is not None and 400 <= answer.status < 500, answer.status
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_signed_chunks_are_put_together(server, s3, bucket):
    signer = wire.Signer(f"127.0.0.1:{server.port}", "s3")
    path, body = f"/{bucket}/k", b"a" * 8192 + b"tail"
    sent = signer.headers("PUT", path, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", headers={
        "content-encoding": "gzip, aws-chunked", "x-amz-decoded-content-length": str(len(body))})
    framed, previous = b"", signer.seed
    for part in (body[:8192], body[8192:], b""):
        chunk, previous = signer.chunk(part, previous)
        framed += chunk
    sent["content-length"] = str(len(framed))
    answer = wire.send_bytes(server, wire.head_bytes("PUT", path, sent) + framed, "PUT")
    assert answer.status == 200, answer.text
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ContentEncoding"] == "gzip"


def test_boto3_over_https_sends_trailers_and_they_are_right(server, client, bucket):
    secure = client("s3", endpoint_url="https://s3.us-east-1.amazonaws.com")
    body = b"over tls " * 5000
    put = secure.put_object(Bucket=bucket, Key="k", Body=body)
    assert put["ChecksumCRC32"] == crc32(body)
    assert secure.get_object(Bucket=bucket, Key="k")["Body"].read() == body
