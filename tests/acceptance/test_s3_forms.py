"""POST object: forms that boto3 presigned with both signature versions, and anonymous ones."""
import base64
import hashlib
import os
import urllib.parse
import xml.etree.ElementTree as xml

import boto3
import pytest
import requests
from botocore.config import Config

from support.server import Server

VERSIONS = {"version 2": "s3", "version 4": "s3v4"}
CONFIG = """
auth:
  accounts:
    - { id: "111111111111", name: main, keys: [ { access_key: AKMAIN, secret_key: s3cret } ] }
"""


@pytest.fixture(scope="module")
def strict():
    with Server("--auth", "strict", config=CONFIG) as running:
        yield running


def signing_client(server, version, secret="s3cret"):
    return boto3.client("s3", endpoint_url=server.url, aws_access_key_id="AKMAIN", aws_secret_access_key=secret,
                        region_name="us-east-1", config=Config(signature_version=version, retries={"total_max_attempts": 1}))


@pytest.fixture(params=VERSIONS.values(), ids=VERSIONS)
def s3(strict, request):
    return signing_client(strict, request.param)


@pytest.fixture
def bucket(s3, request):
    name = "forms-" + hashlib.md5(request.node.name.encode()).hexdigest()
    s3.create_bucket(Bucket=name)
    return name


def send(form, body, filename="up.txt", **more):
    """Fields as parts without a filename, then the file; never by a proxy."""
    parts = [(name, (None, value)) for name, value in {**form["fields"], **more}.items()] + [("file", (filename, body))]
    with requests.Session() as client:
        client.trust_env = False
        return client.post(form["url"], files=parts, allow_redirects=False, timeout=30)


def code_of(answer):
    return answer.status_code, xml.fromstring(answer.content).findtext("Code")


def test_a_presigned_form_uploads_its_file(s3, bucket):
    body = os.urandom(3 << 20)
    answer = send(s3.generate_presigned_post(bucket, "dir/${filename}"), body, "ü b.bin")
    assert (answer.status_code, answer.content) == (204, b"")
    got = s3.get_object(Bucket=bucket, Key="dir/ü b.bin")
    assert got["Body"].read() == body
    assert answer.headers["ETag"] == got["ETag"] == '"' + hashlib.md5(body).hexdigest() + '"'


def test_a_form_carries_what_headers_of_a_put_do(s3, bucket):
    fields = {"Content-Type": "text/x-form", "x-amz-meta-colour": "blue", "Cache-Control": "max-age=1",
              "x-amz-storage-class": "STANDARD_IA",
              "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>b &amp; c</Value></Tag></TagSet></Tagging>"}
    form = s3.generate_presigned_post(bucket, "k", Fields=dict(fields), Conditions=[{name: value} for name, value in fields.items()])
    digest = base64.b64encode(hashlib.sha256(b"body").digest()).decode()
    assert send(form, b"body", **{"x-amz-checksum-sha256": digest}).status_code == 204
    got = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got["ContentType"], got["Metadata"], got["CacheControl"]) == ("text/x-form", {"colour": "blue"}, "max-age=1")
    assert (got["StorageClass"], got["ChecksumSHA256"]) == ("STANDARD_IA", digest)
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b & c"}]
    assert code_of(send(form, b"another", **{"x-amz-checksum-sha256": digest})) == (400, "BadDigest")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"


def test_a_form_says_what_its_answer_is(s3, bucket):
    def form(name, value):
        return s3.generate_presigned_post(bucket, "a b", Fields={name: value}, Conditions=[{name: value}])

    assert send(form("success_action_status", "200"), b"x").status_code == 200
    assert send(form("success_action_status", "404"), b"x").status_code == 204
    created = send(form("success_action_status", "201"), b"x")
    described = {child.tag: child.text for child in xml.fromstring(created.content)}
    assert created.status_code == 201
    assert (described["Bucket"], described["Key"], described["ETag"]) == (bucket, "a b", created.headers["ETag"])
    assert described["Location"].endswith(f"/{bucket}/a%20b")
    gone = send(form("success_action_redirect", "http://example.com/thanks"), b"x")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(gone.headers["Location"]).query)
    assert gone.status_code == 303 and gone.headers["Location"].startswith("http://example.com/thanks?")
    assert query == {"bucket": [bucket], "key": ["a b"], "etag": [created.headers["ETag"]]}


def test_a_form_is_held_to_its_policy(s3, bucket):
    acl = {"acl": "bucket-owner-full-control"}  # the one that a bucket takes whose ACLs are off
    form = s3.generate_presigned_post(bucket, "k", Conditions=[["content-length-range", 2, 5], acl], Fields=acl)
    assert send(form, b"12345").status_code == 204
    assert code_of(send(form, b"123456")) == (400, "EntityTooLarge")
    assert code_of(send(form, b"1" * (4 << 20))) == (400, "EntityTooLarge")
    assert code_of(send(form, b"1")) == (400, "EntityTooSmall")
    assert code_of(send(form, b"123", key="other")) == (403, "AccessDenied")
    assert code_of(send(form, b"123", acl="public-read")) == (403, "AccessDenied")
    assert code_of(send(form, b"123", **{"x-amz-meta-extra": "1"})) == (403, "AccessDenied")
    assert send(form, b"123", **{"x-ignore-extra": "1"}).status_code == 204
    over = s3.generate_presigned_post(bucket, "k", ExpiresIn=-5)
    assert code_of(send(over, b"123")) == (403, "AccessDenied")
    s3.create_bucket(Bucket=bucket + "-2")
    elsewhere = s3.generate_presigned_post(bucket + "-2", "k")
    assert code_of(send({**form, "url": elsewhere["url"]}, b"123")) == (403, "AccessDenied")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"123"


def test_a_form_with_another_policy_or_secret_is_refused(strict, s3, bucket):
    form = s3.generate_presigned_post(bucket, "k")
    policy = base64.b64encode(base64.b64decode(form["fields"]["policy"]) + b" ").decode()
    assert code_of(send(form, b"x", policy=policy)) == (403, "SignatureDoesNotMatch")
    version = s3.meta.config.signature_version
    foreign = signing_client(strict, version, "wrong").generate_presigned_post(bucket, "k")
    assert code_of(send(foreign, b"x")) == (403, "SignatureDoesNotMatch")
    unsigned = {"url": form["url"], "fields": {"key": "k"}}
    assert code_of(send(unsigned, b"x")) == (403, "AccessDenied")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_form_in_virtual_host_style(strict, s3, bucket):
    form = s3.generate_presigned_post(bucket, "k", Fields={"success_action_status": "201"},
                                      Conditions=[{"success_action_status": "201"}])
    parts = [(name, (None, value)) for name, value in form["fields"].items()] + [("file", b"body")]
    answer = requests.post(strict.url, files=parts, headers={"Host": f"{bucket}.localhost:{strict.port}"}, timeout=30,
                           proxies={"http": None})
    assert answer.status_code == 201, answer.text
    assert xml.fromstring(answer.content).findtext("Location") == f"http://{bucket}.localhost:{strict.port}/k"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"


def test_what_is_no_form_is_refused(s3, bucket):
    form = s3.generate_presigned_post(bucket, "k")

    def post(body, content_type="multipart/form-data; boundary=xx"):
        return requests.post(form["url"], data=body, headers={"Content-Type": content_type}, timeout=30, proxies={"http": None})

    assert code_of(post(b"no form at all")) == (400, "MalformedPOSTRequest")
    assert code_of(post(b'--xx\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--xx--')) == \
        (400, "IncorrectNumberOfFilesInPostRequest")
    assert code_of(post(b"--xx\r\nX: " + b"a" * 30000)) == (400, "MaxPostPreDataLengthExceeded")
    torn = requests.Request("POST", form["url"], files=[(name, (None, value)) for name, value in form["fields"].items()] +
                            [("file", b"body")]).prepare()
    assert code_of(post(torn.body[:-40], torn.headers["Content-Type"])) == (400, "MalformedPOSTRequest")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_fields_after_the_file_are_passed_over(s3, bucket):
    form = s3.generate_presigned_post(bucket, "k")
    parts = [(name, (None, value)) for name, value in form["fields"].items()]
    parts += [("file", b"body"), ("x-amz-meta-late", (None, "1")), ("submit", (None, "Upload"))]
    assert requests.post(form["url"], files=parts, timeout=30, proxies={"http": None}).status_code == 204
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {}


def test_lax_mode_takes_any_key_and_still_holds_a_form_to_its_policy(server):
    for version in VERSIONS.values():
        lax = signing_client(server, version)
        lax.create_bucket(Bucket=f"lax-forms-{version}")
        form = lax.generate_presigned_post(f"lax-forms-{version}", "k", Conditions=[["content-length-range", 0, 3]])
        assert send(form, b"123").status_code == 204
        assert code_of(send(form, b"1234")) == (400, "EntityTooLarge")
        assert code_of(send(form, b"123", key="other")) == (403, "AccessDenied")
        wrong = "signature" if version == "s3" else "x-amz-signature"
        assert code_of(send(form, b"123", **{wrong: "short"})) == (403, "SignatureDoesNotMatch")
