"""boto3 with its transfer manager, s3fs, pyarrow."""
import base64
import hashlib
import io
import os
import socket
import zlib

import pyarrow.fs
import pytest
import s3fs
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from keys import CONTROL, HOSTILE
from story import METADATA, bodies_of, curl, parts_etag

MIB = 1 << 20
PARALLEL = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
# What stays itself in an API of paths: their own rules clean, split or strip the others.
AS_PATHS = [key for key in HOSTILE if "//" not in key and not key.startswith("/") and not key.endswith("/")
            and not {".", ".."} & set(key.split("/")) and len(key.encode()) < 1024]


@pytest.fixture
def big():
    return os.urandom(17 * MIB + 5)


@pytest.fixture(params=["path", "virtual"])
def by_style(server, request, monkeypatch):
    """boto3 in both styles. Names under localhost are this machine's, but the C library does not know them."""
    ask = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: ask(
        "127.0.0.1" if str(host).endswith("localhost") else host, *rest, **more))
    made = server.clients("s3", signature_version="s3v4", s3={"addressing_style": request.param})[0]
    if request.param == "path":
        return made
    url = server.url
    server.url = f"http://localhost:{server.port}"
    try:
        return server.clients("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})[0]
    finally:
        server.url = url


def code_of(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize("keys", [HOSTILE, CONTROL], ids=["hostile", "control"])
def test_boto3_keeps_every_key(by_style, bucket, keys):
    s3 = by_style
    for key, body in zip(keys, bodies_of(keys)):
        put = s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=METADATA, ChecksumAlgorithm="CRC32")
        assert put["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode()
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body.encode(), key
        assert s3.head_object(Bucket=bucket, Key=key)["Metadata"] == METADATA
        url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
        curl(url, "-X", "PUT", "-H", "Content-Type:", "--data-binary", "changed")
        assert curl(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})) == b"changed", key
    s3.delete_object(Bucket=bucket, Key="copy")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    assert [item["Key"] for page in pages for item in page["Contents"]] == sorted(keys, key=str.encode)
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_the_transfer_manager_goes_up_and_down_in_parallel(by_style, bucket, big, tmp_path):
    (tmp_path / "up").write_bytes(big)
    by_style.upload_file(str(tmp_path / "up"), bucket, "dir/../ü +%", Config=PARALLEL, ExtraArgs={"Metadata": METADATA})
    by_style.download_file(bucket, "dir/../ü +%", str(tmp_path / "down"), Config=PARALLEL)
    assert (tmp_path / "down").read_bytes() == big
    head = by_style.head_object(Bucket=bucket, Key="dir/../ü +%")
    assert head["ETag"] == parts_etag(big) and head["Metadata"] == METADATA
    by_style.copy({"Bucket": bucket, "Key": "dir/../ü +%"}, bucket, "copy/of it", Config=PARALLEL)
    out = io.BytesIO()
    by_style.download_fileobj(bucket, "copy/of it", out, Config=PARALLEL)
    assert hashlib.sha256(out.getvalue()).digest() == hashlib.sha256(big).digest()


def test_the_transfer_manager_takes_a_stream_of_unknown_length(s3, bucket, big):
    class Stream(io.RawIOBase):
        def __init__(self):
            self.rest = io.BytesIO(big)

        def readable(self):
            return True

        def readinto(self, buffer):
            return self.rest.readinto(buffer)

    s3.upload_fileobj(Stream(), bucket, "stream", Config=PARALLEL)
    assert s3.get_object(Bucket=bucket, Key="stream", Range="bytes=-1000")["Body"].read() == big[-1000:]


def test_boto3_writes_under_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")) == "PreconditionFailed"
    assert code_of(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch='"0"')) == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


@pytest.fixture
def files(server):
    return s3fs.S3FileSystem(key="test", secret="test", endpoint_url=server.url, skip_instance_cache=True,
                             client_kwargs={"region_name": "us-east-1"})


def test_s3fs_keeps_every_path(files, s3, bucket):
    for key, body in zip(AS_PATHS, bodies_of(AS_PATHS)):
        files.pipe_file(f"{bucket}/{key}", body.encode())
        assert files.cat_file(f"{bucket}/{key}") == body.encode(), key
        assert files.cat_file(f"{bucket}/{key}", start=3, end=10) == body.encode()[3:10]
        assert files.info(f"{bucket}/{key}")["size"] == len(body)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body.encode(), key
    assert sorted(files.find(bucket)) == sorted(f"{bucket}/{key}" for key in AS_PATHS)
    files.copy(f"{bucket}/a b+c d.txt", f"{bucket}/copied+to here")
    assert files.cat_file(f"{bucket}/copied+to here") == files.cat_file(f"{bucket}/a b+c d.txt")
    files.rm(files.find(bucket))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_s3fs_streams_in_parts(files, s3, bucket, big):
    with files.open(f"{bucket}/dir/parts", "wb", block_size=5 * MIB) as out:
        for at in range(0, len(big), 1_000_003):
            out.write(big[at:at + 1_000_003])
    assert s3.head_object(Bucket=bucket, Key="dir/parts")["ETag"].endswith('-3"')
    with files.open(f"{bucket}/dir/parts", "rb", block_size=MIB) as back:
        assert back.read() == big
        back.seek(12_345_678)
        assert back.read(777) == big[12_345_678:12_345_678 + 777]
    url = files.sign(f"{bucket}/dir/parts", expiration=600)
    assert hashlib.sha256(curl(url)).digest() == hashlib.sha256(big).digest()
    assert files.ls(f"{bucket}/dir") == [f"{bucket}/dir/parts"]


@pytest.fixture(params=[False, True], ids=["path", "virtual"])
def arrow(server, request):
    host = "localhost" if request.param else "127.0.0.1"
    return pyarrow.fs.S3FileSystem(access_key="test", secret_key="test", endpoint_override=f"{host}:{server.port}", scheme="http",
                                   region="us-east-1", force_virtual_addressing=request.param)


def test_pyarrow_keeps_every_path(arrow, s3, bucket):
    for key, body in zip(AS_PATHS, bodies_of(AS_PATHS)):
        with arrow.open_output_stream(f"{bucket}/{key}", metadata={"Content-Type": "text/x-story"}) as out:
            out.write(body.encode())
        with arrow.open_input_file(f"{bucket}/{key}") as back:
            assert back.read_at(7, 3) == body.encode()[3:10], key
            assert back.read_at(back.size(), 0) == body.encode(), key
        assert s3.head_object(Bucket=bucket, Key=key)["ContentType"] == "text/x-story"
    listed = arrow.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
    assert sorted(item.path for item in listed if item.is_file) == sorted(f"{bucket}/{key}" for key in AS_PATHS)
    arrow.copy_file(f"{bucket}/a b+c d.txt", f"{bucket}/copied+to here")
    arrow.delete_file(f"{bucket}/a b+c d.txt")
    assert s3.head_object(Bucket=bucket, Key="copied+to here")["ContentLength"] > 0


def test_pyarrow_streams_in_parts(arrow, s3, bucket, big):
    with arrow.open_output_stream(f"{bucket}/dir/parts") as out:
        for at in range(0, len(big), 1_000_003):
            out.write(big[at:at + 1_000_003])
    with arrow.open_input_stream(f"{bucket}/dir/parts") as back:
        assert hashlib.sha256(back.read()).digest() == hashlib.sha256(big).digest()
    assert "-" in s3.head_object(Bucket=bucket, Key="dir/parts")["ETag"]
