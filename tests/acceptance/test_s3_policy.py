"""Bucket policies among two accounts and nobody, with every signature verified."""
import json
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from support.server import Server
from support.training import unique

CONFIG = """
auth:
  accounts:
    - { id: "111111111111", name: main, keys: [ { access_key: AKMAIN, secret_key: s3cret } ] }
    - { id: "222222222222", name: alt,  keys: [ { access_key: AKALT,  secret_key: s3cret2 } ] }
"""


@pytest.fixture(scope="module")
def strict():
    with Server("--auth", "strict", config=CONFIG) as running:
        yield running


def client(server, access_key=None, secret_key=None):
    config = Config(retries={"total_max_attempts": 1}, **({} if access_key else {"signature_version": UNSIGNED}))
    return boto3.client("s3", endpoint_url=server.url, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
                        region_name="us-east-1", config=config)


@pytest.fixture
def owner(strict):
    return client(strict, "AKMAIN", "s3cret")


@pytest.fixture
def other(strict):
    return client(strict, "AKALT", "s3cret2")


@pytest.fixture
def nobody(strict):
    return client(strict)


@pytest.fixture
def bucket(owner):
    name = unique("policy").lower()
    owner.create_bucket(Bucket=name)
    owner.put_object(Bucket=name, Key="open/a", Body=b"a")
    owner.put_object(Bucket=name, Key="closed/a", Body=b"a")
    return name


def statement(bucket, action="s3:GetObject", path="/*", effect="Allow", principal="*", **more):
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": f"arn:aws:s3:::{bucket}{path}", **more}


def put_policy(s3, bucket, *statements):
    return s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]


def test_a_policy_is_kept_as_it_was_sent(owner, bucket):
    assert refused(owner.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement(bucket)]}, indent=3)
    assert owner.put_bucket_policy(Bucket=bucket, Policy=text)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert owner.get_bucket_policy(Bucket=bucket)["Policy"] == text
    owner.delete_bucket_policy(Bucket=bucket)
    assert refused(owner.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"


def test_a_policy_opens_a_prefix_to_everybody(owner, other, nobody, bucket):
    for caller in (other, nobody):
        assert refused(caller.get_object, Bucket=bucket, Key="open/a") == "AccessDenied"
    put_policy(owner, bucket, statement(bucket, path="/open/*"))
    for caller in (other, nobody):
        assert caller.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"
        assert refused(caller.get_object, Bucket=bucket, Key="closed/a") == "AccessDenied"
        assert refused(caller.put_object, Bucket=bucket, Key="open/b", Body=b"b") == "AccessDenied"
        assert refused(caller.list_objects_v2, Bucket=bucket) == "AccessDenied"
    owner.delete_bucket_policy(Bucket=bucket)
    assert refused(nobody.get_object, Bucket=bucket, Key="open/a") == "AccessDenied"


def test_an_account_may_be_let_in_alone(owner, other, nobody, bucket):
    put_policy(owner, bucket, statement(bucket, "s3:*", principal={"AWS": "arn:aws:iam::222222222222:root"}),
               statement(bucket, "s3:ListBucket", path="", principal={"AWS": "222222222222"}))
    other.put_object(Bucket=bucket, Key="theirs", Body=b"x")
    assert [one["Key"] for one in other.list_objects_v2(Bucket=bucket)["Contents"]] == ["closed/a", "open/a", "theirs"]
    other.delete_object(Bucket=bucket, Key="theirs")
    assert refused(nobody.get_object, Bucket=bucket, Key="open/a") == "AccessDenied"
    assert refused(other.get_bucket_policy, Bucket=bucket) == "AccessDenied"


def test_a_denial_binds_the_owner_too_but_for_the_policy_itself(owner, bucket):
    put_policy(owner, bucket, statement(bucket, "s3:*", effect="Deny"), statement(bucket, "s3:*", path="", effect="Deny"))
    assert refused(owner.get_object, Bucket=bucket, Key="open/a") == "AccessDenied"
    assert refused(owner.list_objects_v2, Bucket=bucket) == "AccessDenied"
    owner.delete_bucket_policy(Bucket=bucket)
    assert owner.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"


def test_uploads_must_say_what_the_policy_asks_for(owner, bucket):
    put_policy(owner, bucket,
               statement(bucket, "s3:PutObject", effect="Deny", Condition={"Null": {"s3:x-amz-server-side-encryption": "true"}}),
               statement(bucket, "s3:PutObject", effect="Deny", Condition={
                   "StringNotEquals": {"s3:x-amz-storage-class": ["STANDARD", "STANDARD_IA"]},
                   "Null": {"s3:x-amz-storage-class": "false"}}))
    assert refused(owner.put_object, Bucket=bucket, Key="k", Body=b"x") == "AccessDenied"
    assert refused(owner.create_multipart_upload, Bucket=bucket, Key="k") == "AccessDenied"
    owner.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256")
    assert refused(owner.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256",
                   StorageClass="GLACIER") == "AccessDenied"


def test_tags_decide(owner, other, bucket):
    put_policy(owner, bucket,
               statement(bucket, Condition={"StringEquals": {"s3:ExistingObjectTag/Team": "blue"}}),
               statement(bucket, "s3:PutObject", Condition={"StringEquals": {"s3:RequestObjectTag/Team": "blue"},
                                                            "ForAllValues:StringLike": {"s3:RequestObjectTagKeys": "T*"}}))
    owner.put_object_tagging(Bucket=bucket, Key="open/a", Tagging={"TagSet": [{"Key": "Team", "Value": "blue"}]})
    owner.put_object_tagging(Bucket=bucket, Key="closed/a", Tagging={"TagSet": [{"Key": "Team", "Value": "red"}]})
    assert other.get_object(Bucket=bucket, Key="open/a")["Body"].read() == b"a"
    assert refused(other.get_object, Bucket=bucket, Key="closed/a") == "AccessDenied"
    assert refused(other.put_object, Bucket=bucket, Key="k", Body=b"x") == "AccessDenied"
    assert refused(other.put_object, Bucket=bucket, Key="k", Body=b"x", Tagging="Team=blue&Other=1") == "AccessDenied"
    put_policy(owner, bucket, statement(bucket, ["s3:PutObject", "s3:PutObjectTagging"],
                                        Condition={"StringEquals": {"s3:RequestObjectTag/Team": "blue"}}))
    other.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="Team=blue&Other=1")


def test_lists_are_bound_to_a_prefix(owner, other, bucket):
    put_policy(owner, bucket, statement(bucket, "s3:ListBucket", path="", Condition={
        "StringLike": {"s3:prefix": "open/*"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}))
    listed = other.list_objects_v2(Bucket=bucket, Prefix="open/", MaxKeys=10)
    assert [one["Key"] for one in listed["Contents"]] == ["open/a"]
    assert refused(other.list_objects_v2, Bucket=bucket, Prefix="open/", MaxKeys=11) == "AccessDenied"
    assert refused(other.list_objects_v2, Bucket=bucket, Prefix="closed/", MaxKeys=10) == "AccessDenied"
    assert refused(other.list_objects_v2, Bucket=bucket, MaxKeys=10) == "AccessDenied"


def test_copies_need_the_source_and_the_target(owner, other, bucket):
    target = unique("target").lower()
    owner.create_bucket(Bucket=target)
    put_policy(owner, bucket, statement(bucket))
    put_policy(owner, target, statement(target, "s3:PutObject", Condition={
        "StringLike": {"s3:x-amz-copy-source": f"{bucket}/open/*"}}))
    other.copy_object(Bucket=target, Key="k", CopySource={"Bucket": bucket, "Key": "open/a"})
    assert refused(other.copy_object, Bucket=target, Key="k", CopySource={"Bucket": bucket, "Key": "closed/a"}) == "AccessDenied"
    assert refused(other.put_object, Bucket=target, Key="k", Body=b"x") == "AccessDenied"
    owner.delete_bucket_policy(Bucket=bucket)
    assert refused(other.copy_object, Bucket=target, Key="k", CopySource={"Bucket": bucket, "Key": "open/a"}) == "AccessDenied"


def test_addresses_pages_and_transport_decide(strict, owner, nobody, bucket):
    url = f"{strict.url}/{bucket}/open/a"

    def status(**headers):
        try:
            return urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status
        except urllib.error.HTTPError as error:
            return error.code

    for condition, expected in [({"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1"]}}, 200),
                                ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, 403),
                                ({"Bool": {"aws:SecureTransport": "true"}}, 403),
                                ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01"}}, 200),
                                ({"StringEquals": {"aws:PrincipalAccount": "111111111111"}}, 403)]:
        put_policy(owner, bucket, statement(bucket, Condition=condition))
        assert status() == expected, condition
    put_policy(owner, bucket, statement(bucket, Condition={"StringLike": {"aws:Referer": "http://a.example/*"}}))
    assert (status(Referer="http://a.example/page"), status(Referer="http://b.example/"), status()) == (200, 403, 403)


def test_public_policies_may_be_blocked(owner, nobody, bucket):
    assert owner.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    put_policy(owner, bucket, statement(bucket))
    assert owner.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    owner.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True, "BlockPublicPolicy": True})
    assert refused(nobody.get_object, Bucket=bucket, Key="open/a") == "AccessDenied"
    with pytest.raises(ClientError) as error:
        put_policy(owner, bucket, statement(bucket))
    assert error.value.response["Error"]["Code"] == "AccessDenied"
    assert "BlockPublicPolicy" in error.value.response["Error"]["Message"]
    put_policy(owner, bucket, statement(bucket, principal={"AWS": "222222222222"}))
    assert owner.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False


def test_what_is_no_policy_is_refused(owner, bucket):
    def message(text):
        with pytest.raises(ClientError) as error:
            owner.put_bucket_policy(Bucket=bucket, Policy=text)
        assert error.value.response["Error"]["Code"] == "MalformedPolicy"
        return error.value.response["Error"]["Message"]

    assert message("nothing") == "Policies must be valid JSON and the first byte must be '{'"
    assert message(json.dumps({"Statement": [statement("another-bucket")]})) == "Policy has invalid resource"
    assert message(json.dumps({"Statement": [statement(bucket, "s3:Nothing")]})) == "Policy has invalid action"
    assert message(json.dumps({"Statement": [statement(bucket, path="")]})) == (
        "Action does not apply to any resource(s) in statement")
