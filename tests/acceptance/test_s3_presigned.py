"""Presigned URLs of both signature versions, virtual-host style, Expect: 100-continue."""
import socket
import urllib.error
import urllib.request

import pytest
from botocore.config import Config

from support import wire

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
VERSIONS = {"version 2": "s3", "version 4": "s3v4"}


def fetch(url, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with OPENER.open(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture(params=VERSIONS.values(), ids=VERSIONS)
def signing(client, request):
    return client("s3", config=Config(signature_version=request.param))


def test_a_presigned_get_gives_the_object(signing, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b/ü+%.txt", Body=b"body")
    url = signing.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/ü+%.txt"})
    assert ("Signature=" in url) or ("X-Amz-Signature=" in url)
    assert fetch(url) == (200, b"body")


def test_a_presigned_put_stores_the_body_whatever_its_content_type(signing, s3, bucket):
    url = signing.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    status, _ = fetch(url, "PUT", b"a=1&b=2", {"Content-Type": "" if "AWSAccessKeyId" in url else
                                               "application/x-www-form-urlencoded"})
    assert status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"a=1&b=2"


def test_a_presigned_url_may_fix_the_answers_headers(signing, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    url = signing.generate_presigned_url("get_object", Params={
        "Bucket": bucket, "Key": "k", "ResponseContentDisposition": 'attachment; filename="x y"',
        "ResponseContentType": "text/special"})
    with OPENER.open(url, timeout=20) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="x y"'
        assert answer.headers["Content-Type"] == "text/special"


def test_an_expired_url_is_refused(signing, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    url = signing.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=-10)
    status, body = fetch(url)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body


def test_a_presigned_url_for_too_long_is_refused(client, s3, bucket):
    signing = client("s3", config=Config(signature_version="s3v4"))
    url = signing.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=604801)
    assert fetch(url)[0] in (400, 403)


def test_a_bucket_may_stand_in_the_host_name(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="dir/k", Body=b"by host")
    host = f"{bucket}.localhost:{server.port}"
    signer = wire.Signer(host, "s3")
    sent = signer.headers("GET", "/dir/k")
    answer = wire.send_bytes(server, wire.head_bytes("GET", "/dir/k", sent))
    assert answer.status == 200 and answer.body == b"by host"


def test_virtual_host_style_over_https_works_with_boto3(client, s3, bucket):
    secure = client("s3", endpoint_url="https://s3.us-east-1.amazonaws.com",
                    config=Config(s3={"addressing_style": "virtual"}))
    secure.put_object(Bucket=bucket, Key="k", Body=b"virtual")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"virtual"


def test_100_continue_comes_before_the_body(server, bucket):
    signer = wire.Signer(f"127.0.0.1:{server.port}", "s3")
    sent = signer.headers("PUT", f"/{bucket}/k", body=b"body")
    sent.update({"content-length": "4", "expect": "100-continue"})
    with wire.connect(server) as connection:
        connection.sendall(wire.head_bytes("PUT", f"/{bucket}/k", sent))
        connection.settimeout(5)
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        connection.sendall(b"body")
        assert wire.read_answer(connection, "PUT").status == 200


def test_a_refusal_comes_in_place_of_100_continue(server):
    signer = wire.Signer(f"127.0.0.1:{server.port}", "s3")
    sent = signer.headers("PUT", "/no-such-bucket-at-all/k", body=b"body")
    sent.update({"content-length": "4", "expect": "100-continue"})
    with wire.connect(server) as connection:
        connection.sendall(wire.head_bytes("PUT", "/no-such-bucket-at-all/k", sent))
        answer = wire.read_answer(connection, "PUT")
        assert answer.status == 404 and "NoSuchBucket" in answer.text


def test_requests_may_be_pipelined(server, s3, bucket):
    for i in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{i}", Body=f"body {i}".encode())
    signer = wire.Signer(f"127.0.0.1:{server.port}", "s3")
    raw = b"".join(wire.head_bytes("GET", f"/{bucket}/k{i}", signer.headers("GET", f"/{bucket}/k{i}"))
                   for i in range(5))
    with wire.connect(server) as connection:
        connection.sendall(raw)
        received = b""
        connection.settimeout(5)
        while received.count(b"body ") < 5:
            try:
                received += connection.recv(65536)
            except socket.timeout:
                break
    assert [received.index(f"body {i}".encode()) for i in range(5)] == sorted(
        received.index(f"body {i}".encode()) for i in range(5))
