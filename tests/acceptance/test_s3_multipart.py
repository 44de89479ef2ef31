"""Multipart uploads, by hand and by boto3's transfer manager."""
import base64
import hashlib
import io

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from support.checksums import crc32, crc32c, crc64nvme, sha1, sha256

MIB = 1024 * 1024
PART = 5 * MIB


def code_of(error):
    return error.value.response["Error"]["Code"]


def upload(s3, bucket, key, parts):
    made = s3.create_multipart_upload(Bucket=bucket, Key=key, Metadata={"a": "1"}, ContentType="text/x")["UploadId"]
    tags = [{"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=made, PartNumber=number,
                                                           Body=body)["ETag"]} for number, body in parts]
    return made, tags


def test_parts_become_one_object(s3, bucket):
    bodies = [(1, b"a" * PART), (2, b"b" * PART), (7, b"end")]
    made, tags = upload(s3, bucket, "k", bodies)
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": tags})
    md5s = b"".join(hashlib.md5(body).digest() for _, body in bodies)
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(body for _, body in bodies)
    assert got["Metadata"] == {"a": "1"} and got["ContentType"] == "text/x"
    assert got["ETag"] == done["ETag"]


def test_a_part_can_be_read_alone(s3, bucket):
    made, tags = upload(s3, bucket, "k", [(1, b"a" * PART), (2, b"end")])
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": tags})
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert got["Body"].read() == b"end" and got["PartsCount"] == 2
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_part_sent_again_replaces_the_first(s3, bucket):
    made, old = upload(s3, bucket, "k", [(1, b"first")])
    new = s3.upload_part(Bucket=bucket, Key="k", UploadId=made, PartNumber=1, Body=b"second")["ETag"]
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": old})
    assert code_of(error) == "InvalidPart"
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": new}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"


def test_an_object_appears_only_at_the_end(s3, bucket):
    made, tags = upload(s3, bucket, "k", [(1, b"x")])
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(item["Key"], item["UploadId"]) for item in listed] == [("k", made)]
    parts = s3.list_parts(Bucket=bucket, Key="k", UploadId=made)["Parts"]
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in parts] == [(1, 1, tags[0]["ETag"])]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": tags})
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_an_aborted_upload_leaves_nothing(s3, bucket):
    made, _ = upload(s3, bucket, "k", [(1, b"x")])
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=made)
    with pytest.raises(ClientError) as error:
        s3.upload_part(Bucket=bucket, Key="k", UploadId=made, PartNumber=2, Body=b"x")
    assert code_of(error) == "NoSuchUpload"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.delete_bucket(Bucket=bucket)


def test_a_small_part_before_the_last_is_refused(s3, bucket):
    made, tags = upload(s3, bucket, "k", [(1, b"small"), (2, b"end")])
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": tags})
    assert code_of(error) == "EntityTooSmall"


def test_parts_must_come_in_order(s3, bucket):
    made, tags = upload(s3, bucket, "k", [(1, b"a" * PART), (2, b"end")])
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": tags[::-1]})
    assert code_of(error) == "InvalidPartOrder"


def test_completing_with_no_parts_is_malformed(s3, bucket):
    made, _ = upload(s3, bucket, "k", [(1, b"a")])
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": []})
    assert code_of(error) == "MalformedXML"


def test_completing_respects_a_condition(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    made, tags = upload(s3, bucket, "k", [(1, b"a")])
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={"Parts": tags},
                                     IfNoneMatch="*")
    assert code_of(error) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"there"


def test_a_part_may_be_copied_from_a_range(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    made = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=made, PartNumber=1,
                               CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange="bytes=2-5")
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2345"


@pytest.mark.parametrize("algorithm, digest", [("CRC32", crc32), ("CRC32C", crc32c), ("SHA1", sha1),
                                               ("SHA256", sha256)])
def test_the_checksum_of_an_upload_is_the_checksum_of_the_parts_checksums(s3, bucket, algorithm, digest):
    field = f"Checksum{algorithm}"
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)
    assert made["ChecksumAlgorithm"] == algorithm and made["ChecksumType"] == "COMPOSITE"
    parts = []
    for number, body in ((1, b"a" * PART), (2, b"end")):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=made["UploadId"], PartNumber=number, Body=body,
                              **{field: digest(body)})
        assert part[field] == digest(body)
        parts.append({"PartNumber": number, "ETag": part["ETag"], field: part[field]})
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made["UploadId"],
                                        MultipartUpload={"Parts": parts})
    joined = b"".join(base64.b64decode(part[field]) for part in parts)
    assert done["ChecksumType"] == "COMPOSITE" and done[field] == digest(joined) + "-2"
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == done[field]


@pytest.mark.parametrize("algorithm, digest", [("CRC32", crc32), ("CRC64NVME", crc64nvme)])
def test_a_full_object_checksum_is_that_of_the_whole(s3, bucket, algorithm, digest):
    field = f"Checksum{algorithm}"
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    assert made["ChecksumType"] == "FULL_OBJECT"
    bodies = [b"small"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=made["UploadId"], PartNumber=1, Body=bodies[0],
                          **{field: digest(bodies[0])})
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=made["UploadId"], ChecksumType="FULL_OBJECT",
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"], field: part[field]}]})
    assert done["ChecksumType"] == "FULL_OBJECT" and done[field] == digest(b"small")
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == digest(b"small")


def test_the_transfer_manager_round_trips_a_large_file(s3, bucket, tmp_path):
    body = hashlib.sha512(b"seed").digest() * (20 * MIB // 64) + b"odd tail"
    s3.upload_fileobj(io.BytesIO(body), bucket, "big", Config=TransferConfig(multipart_threshold=8 * MIB))
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')
    s3.download_file(bucket, "big", str(tmp_path / "big"), Config=TransferConfig(multipart_threshold=8 * MIB))
    assert (tmp_path / "big").read_bytes() == body


def test_the_transfer_manager_copies(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x" * (9 * MIB))
    s3.copy({"Bucket": bucket, "Key": "a"}, bucket, "b", Config=TransferConfig(multipart_threshold=8 * MIB))
    assert s3.head_object(Bucket=bucket, Key="b")["ContentLength"] == 9 * MIB
