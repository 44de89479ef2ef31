"""Object lock as boto3 sees it: what is locked stays, whatever is tried, across a restart too."""
import datetime

import boto3
import pytest
from botocore.exceptions import ClientError

from support.server import Server
from support.training import unique

pytestmark = pytest.mark.boto3
DAY = datetime.timedelta(days=1)


def later(days):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + days * DAY


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


@pytest.fixture
def locked(s3):
    name = unique("locked").lower()
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def put(s3, bucket, **lock):
    return s3.put_object(Bucket=bucket, Key="k", Body=b"kept", **lock)["VersionId"]


def test_a_retained_version_outlives_every_kind_of_delete(s3, locked):
    version = put(s3, locked, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=later(1))
    name = {"Bucket": locked, "Key": "k"}
    assert refused(s3.delete_object, **name, VersionId=version) == "AccessDenied"
    assert refused(s3.delete_object, **name, VersionId=version, BypassGovernanceRetention=True) == "AccessDenied"
    many = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]})
    assert many["Errors"][0]["Code"] == "AccessDenied"
    s3.delete_object(**name)  # hides it
    put(s3, locked)
    assert s3.get_object(**name, VersionId=version)["Body"].read() == b"kept"
    assert refused(s3.delete_bucket, Bucket=locked) == "BucketNotEmpty"
    assert refused(s3.put_bucket_versioning, Bucket=locked,
                   VersioningConfiguration={"Status": "Suspended"}) == "InvalidBucketState"


def test_governance_gives_way_to_a_bypass_and_a_hold_does_not(s3, locked):
    name = {"Bucket": locked, "Key": "k"}
    version = put(s3, locked, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=later(1),
                  ObjectLockLegalHoldStatus="ON")
    bypass = {**name, "VersionId": version, "BypassGovernanceRetention": True}
    assert refused(s3.delete_object, **bypass) == "AccessDenied"
    s3.put_object_legal_hold(**name, VersionId=version, LegalHold={"Status": "OFF"})
    assert refused(s3.delete_object, **name, VersionId=version) == "AccessDenied"
    s3.delete_object(**bypass)
    assert refused(s3.get_object, **name, VersionId=version) == "NoSuchVersion"


def test_retention_is_lengthened_by_anybody_and_shortened_with_a_bypass(s3, locked):
    put(s3, locked, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=later(2))
    name = {"Bucket": locked, "Key": "k"}
    longer, shorter = ({"Mode": "GOVERNANCE", "RetainUntilDate": later(days)} for days in (3, 1))
    s3.put_object_retention(**name, Retention=longer)
    assert refused(s3.put_object_retention, **name, Retention=shorter) == "AccessDenied"
    s3.put_object_retention(**name, Retention=shorter, BypassGovernanceRetention=True)
    assert s3.get_object_retention(**name)["Retention"] == shorter
    assert s3.head_object(**name)["ObjectLockMode"] == "GOVERNANCE"


def test_a_bucket_without_locks_takes_none(s3, bucket):
    lock = {"Mode": "GOVERNANCE", "RetainUntilDate": later(1)}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert refused(s3.put_object_retention, Bucket=bucket, Key="k", Retention=lock) == "InvalidRequest"
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON") == "InvalidRequest"
    assert refused(s3.get_object_lock_configuration, Bucket=bucket) == "ObjectLockConfigurationNotFoundError"


def test_locks_outlive_a_restart():
    with Server(ephemeral=False) as server:
        options = {"endpoint_url": server.url, "region_name": "us-east-1", "aws_access_key_id": "123456789012",
                   "aws_secret_access_key": "secret"}
        s3 = boto3.client("s3", **options)
        s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})
        version = put(s3, "locked")
        server.stop()
        server.start()
        s3 = boto3.client("s3", **options)
        assert refused(s3.delete_object, Bucket="locked", Key="k", VersionId=version) == "AccessDenied"
        assert s3.head_object(Bucket="locked", Key="k")["ObjectLockMode"] == "COMPLIANCE"
