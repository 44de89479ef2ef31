"""Who may do what: two accounts and callers without a signature, by ACLs, ownership and the public access block."""
import uuid

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from support.server import Server

CONFIG = """
auth:
  accounts:
    - { id: "111111111111", name: main, email: main@example.com, keys: [ { access_key: AKMAIN, secret_key: s3cret } ] }
    - { id: "222222222222", name: alt, email: alt@example.com, keys: [ { access_key: AKALT, secret_key: s3cret2 } ] }
"""
KEYS = {"main": ("AKMAIN", "s3cret"), "alt": ("AKALT", "s3cret2")}


@pytest.fixture(scope="module", params=["strict", "lax"])
def server(request):
    with Server("--auth", request.param, config=CONFIG) as running:
        yield running


def client(server, who):
    """who: main, alt, or nobody (no signature)."""
    retries = {"total_max_attempts": 1}
    if who == "nobody":
        return boto3.client("s3", endpoint_url=server.url, region_name="us-east-1",
                            config=Config(signature_version=UNSIGNED, retries=retries))
    access, secret = KEYS[who]
    return boto3.client("s3", endpoint_url=server.url, aws_access_key_id=access, aws_secret_access_key=secret,
                        region_name="us-east-1", config=Config(retries=retries))


@pytest.fixture(scope="module")
def main(server):
    return client(server, "main")


@pytest.fixture(scope="module")
def alt(server):
    return client(server, "alt")


@pytest.fixture(scope="module")
def nobody(server):
    return client(server, "nobody")


@pytest.fixture()
def bucket(main):
    """A bucket of main's that takes ACLs."""
    name = f"acls-{uuid.uuid4().hex[:12]}"
    main.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    return name


def refused(call, *arguments, **options):
    with pytest.raises(ClientError) as error:
        call(*arguments, **options)
    return error.value.response["Error"]["Code"]


def body_of(answer):
    return answer["Body"].read()


def own_id(s3):
    return s3.list_buckets()["Owner"]["ID"]


def test_a_bucket_is_closed_to_other_accounts_and_to_nobody(main, alt, nobody):
    name = f"closed-{uuid.uuid4().hex[:12]}"
    main.create_bucket(Bucket=name)
    main.put_object(Bucket=name, Key="k", Body=b"v")
    for other in (alt, nobody):
        assert refused(other.get_object, Bucket=name, Key="k") == "AccessDenied"
        assert refused(other.get_object, Bucket=name, Key="nothing") == "AccessDenied"
        assert refused(other.list_objects_v2, Bucket=name) == "AccessDenied"
        assert refused(other.put_object, Bucket=name, Key="k", Body=b"") == "AccessDenied"
        assert refused(other.delete_object, Bucket=name, Key="k") == "AccessDenied"
        assert refused(other.delete_bucket, Bucket=name) == "AccessDenied"
        assert refused(other.head_bucket, Bucket=name) == "403"
        assert refused(other.get_object, Bucket=name + "-gone", Key="k") == "NoSuchBucket"
    assert refused(nobody.list_buckets) == "AccessDenied"
    assert refused(nobody.create_bucket, Bucket="nobody-owns-this") == "AccessDenied"
    assert body_of(main.get_object(Bucket=name, Key="k")) == b"v"


def test_a_new_bucket_has_acls_off(main):
    name = f"off-{uuid.uuid4().hex[:12]}"
    main.create_bucket(Bucket=name)
    assert refused(main.put_bucket_acl, Bucket=name, ACL="public-read") == "AccessControlListNotSupported"
    assert refused(main.put_object, Bucket=name, Key="k", ACL="public-read") == "AccessControlListNotSupported"
    main.put_object(Bucket=name, Key="k", ACL="bucket-owner-full-control")
    rules = main.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    main.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    main.put_object(Bucket=name, Key="k", ACL="public-read")
    main.delete_bucket_ownership_controls(Bucket=name)
    assert refused(main.get_bucket_ownership_controls, Bucket=name) == "OwnershipControlsNotFoundError"


def test_a_public_object_can_be_read_from_a_browser(server, main, nobody, bucket):
    main.put_object(Bucket=bucket, Key="open", Body=b"for all", ACL="public-read")
    main.put_object(Bucket=bucket, Key="closed", Body=b"for me")
    assert requests.get(f"{server.url}/{bucket}/open", timeout=20).content == b"for all"
    assert requests.get(f"{server.url}/{bucket}/closed", timeout=20).status_code == 403
    assert requests.get(f"{server.url}/{bucket}/none", timeout=20).status_code == 403
    main.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert requests.get(f"{server.url}/{bucket}/none", timeout=20).status_code == 404
    assert [one["Key"] for one in nobody.list_objects_v2(Bucket=bucket)["Contents"]] == ["closed", "open"]
    grants = main.get_object_acl(Bucket=bucket, Key="open")["Grants"]
    assert sorted((one["Permission"], one["Grantee"]["Type"]) for one in grants) == [
        ("FULL_CONTROL", "CanonicalUser"), ("READ", "Group")]


def test_another_account_writes_what_it_then_owns(main, alt, bucket):
    main.put_bucket_acl(Bucket=bucket, GrantWrite=f"id={own_id(alt)}", GrantRead="emailAddress=alt@example.com")
    alt.put_object(Bucket=bucket, Key="of-alt", Body=b"alt's")
    assert alt.get_object_acl(Bucket=bucket, Key="of-alt")["Owner"] == {"ID": own_id(alt), "DisplayName": "alt"}
    assert refused(main.get_object, Bucket=bucket, Key="of-alt") == "AccessDenied"
    alt.put_object_acl(Bucket=bucket, Key="of-alt", ACL="bucket-owner-full-control")
    assert body_of(main.get_object(Bucket=bucket, Key="of-alt")) == b"alt's"
    upload = alt.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    assert main.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiator"]["DisplayName"] == "alt"
    part = alt.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"p")
    alt.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload,
                                  MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert refused(main.get_object, Bucket=bucket, Key="parts") == "AccessDenied"
    main.delete_object(Bucket=bucket, Key="parts")  # the bucket is main's all the same


def test_grants_by_body_name_who_is_there(main, alt, bucket):
    owner = {"ID": own_id(main)}
    main.put_object(Bucket=bucket, Key="k", Body=b"v")

    def put(grantee, permission="READ", who=owner):
        grants = [{"Grantee": grantee, "Permission": permission}]
        return main.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy={"Grants": grants, "Owner": who})

    put({"Type": "AmazonCustomerByEmail", "EmailAddress": "alt@example.com"})
    assert body_of(alt.get_object(Bucket=bucket, Key="k")) == b"v"
    assert refused(alt.get_object_acl, Bucket=bucket, Key="k") == "AccessDenied"
    assert refused(put, {"Type": "CanonicalUser", "ID": "_foo"}) == "InvalidArgument"
    assert refused(put, {"Type": "AmazonCustomerByEmail", "EmailAddress": "who@x"}) == "UnresolvableGrantByEmailAddress"
    assert refused(put, {"Type": "Group", "URI": "http://example.com/all"}) == "InvalidArgument"
    assert refused(put, {"Type": "CanonicalUser", "ID": own_id(alt)}, who={"ID": own_id(alt)}) == "AccessDenied"
    put({"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"})
    assert body_of(alt.get_object(Bucket=bucket, Key="k")) == b"v"


def test_a_version_has_an_acl_of_its_own(main, nobody, bucket):
    main.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = main.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    main.put_object(Bucket=bucket, Key="k", Body=b"2")
    main.put_object_acl(Bucket=bucket, Key="k", VersionId=first, ACL="public-read")
    assert body_of(nobody.get_object(Bucket=bucket, Key="k", VersionId=first)) == b"1"
    assert refused(nobody.get_object, Bucket=bucket, Key="k") == "AccessDenied"


def test_the_public_access_block_closes_what_acls_open(main, nobody, bucket):
    main.put_object(Bucket=bucket, Key="k", Body=b"v", ACL="public-read")
    main.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert refused(main.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == "AccessDenied"
    assert body_of(nobody.get_object(Bucket=bucket, Key="k")) == b"v"
    main.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert refused(nobody.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    main.delete_public_access_block(Bucket=bucket)
    assert body_of(nobody.get_object(Bucket=bucket, Key="k")) == b"v"


def test_the_expected_owner_must_own_the_bucket(main, bucket):
    main.put_object(Bucket=bucket, Key="k", Body=b"v", ExpectedBucketOwner="111111111111")
    assert refused(main.get_object, Bucket=bucket, Key="k", ExpectedBucketOwner="222222222222") == "AccessDenied"
    assert refused(main.put_object, Bucket=bucket, Key="k", ExpectedBucketOwner="222222222222") == "AccessDenied"


def test_acls_are_there_after_a_restart():
    with Server("--auth", "strict", config=CONFIG, ephemeral=False) as server:
        main = client(server, "main")
        main.create_bucket(Bucket="kept", ObjectOwnership="ObjectWriter", ACL="public-read")
        main.put_object(Bucket="kept", Key="k", Body=b"v", ACL="public-read")
        server.stop()
        server.start()
        nobody = client(server, "nobody")
        assert body_of(nobody.get_object(Bucket="kept", Key="k")) == b"v"
        assert nobody.list_objects_v2(Bucket="kept")["KeyCount"] == 1
