"""Versions and delete markers as boto3 sees them, across a restart too."""
import boto3
import pytest
from botocore.exceptions import ClientError

from support.server import Server

pytestmark = pytest.mark.boto3


def client(server):
    return boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="123456789012",
                        aws_secret_access_key="secret")


def bodies(s3, bucket, versions):
    return [s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() for version in versions]


def test_versions_outlive_a_restart_and_a_marker_hides_them():
    with Server(ephemeral=False) as server:
        s3 = client(server)
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=b"before")
        s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
        first = s3.put_object(Bucket="kept", Key="k", Body=b"first")["VersionId"]
        large = s3.put_object(Bucket="kept", Key="k", Body=b"L" * 100_000)["VersionId"]
        marker = s3.delete_object(Bucket="kept", Key="k")
        assert marker["DeleteMarker"] is True
        server.stop()
        server.start()
        s3 = client(server)
        with pytest.raises(ClientError) as refused:
            s3.get_object(Bucket="kept", Key="k")
        assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
        assert bodies(s3, "kept", [first, large, "null"]) == [b"first", b"L" * 100_000, b"before"]
        s3.delete_object(Bucket="kept", Key="k", VersionId=marker["VersionId"])
        assert s3.head_object(Bucket="kept", Key="k")["VersionId"] == large


def test_the_pages_of_a_version_list_add_up():
    with Server() as server:
        s3 = client(server)
        s3.create_bucket(Bucket="many")
        s3.put_bucket_versioning(Bucket="many", VersioningConfiguration={"Status": "Enabled"})
        made = [s3.put_object(Bucket="many", Key=key, Body=b"x")["VersionId"] for key in ["a b", "a b", "ü", "a b"]]
        pages = s3.get_paginator("list_object_versions").paginate(Bucket="many", PaginationConfig={"PageSize": 1})
        listed = [(one["Key"], one["VersionId"], one["IsLatest"]) for page in pages for one in page.get("Versions", [])]
        assert listed == [("a b", made[3], True), ("a b", made[1], False), ("a b", made[0], False), ("ü", made[2], True)]
