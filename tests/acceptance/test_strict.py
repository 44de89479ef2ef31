"""--auth strict: signatures are verified in full against the accounts of the config."""
import datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support import wire
from support.server import Server

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


def client(server, service, access_key="AKMAIN", secret_key="s3cret", **options):
    config = Config(retries={"total_max_attempts": 1}).merge(options.pop("config", Config()))
    return boto3.client(service, endpoint_url=server.url, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
                        region_name="us-east-1", config=config, **options)


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_right_keys_work_and_name_their_account(strict):
    assert client(strict, "sts").get_caller_identity()["Account"] == "111111111111"
    assert client(strict, "sts", "AKALT", "s3cret2").get_caller_identity()["Account"] == "222222222222"
    s3 = client(strict, "s3")
    s3.create_bucket(Bucket="strict-bucket")
    s3.put_object(Bucket="strict-bucket", Key="a//b ü+%/../c", Body=b"x" * 100000)
    assert s3.get_object(Bucket="strict-bucket", Key="a//b ü+%/../c")["ContentLength"] == 100000
    assert client(strict, "sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_a_wrong_secret_is_refused(strict):
    assert refused(lambda: client(strict, "s3", "AKMAIN", "wrong").list_buckets()) == ("SignatureDoesNotMatch", 403)
    code, _ = refused(lambda: client(strict, "sagemaker", "AKMAIN", "wrong").list_training_jobs())
    assert code in ("InvalidSignatureException", "SignatureDoesNotMatch")
    assert refused(lambda: client(strict, "sts", "AKMAIN", "wrong").get_caller_identity())[0] == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused(strict):
    assert refused(lambda: client(strict, "s3", "AKNOBODY", "x").list_buckets()) == ("InvalidAccessKeyId", 403)
    code, _ = refused(lambda: client(strict, "sagemaker", "AKNOBODY", "x").list_training_jobs())
    assert code in ("UnrecognizedClientException", "InvalidClientTokenId")


def test_one_accounts_bucket_is_not_anothers(strict):
    client(strict, "s3").create_bucket(Bucket="mains-own")
    code, status = refused(lambda: client(strict, "s3", "AKALT", "s3cret2").list_objects_v2(Bucket="mains-own"))
    assert (code, status) in (("AccessDenied", 403), ("NoSuchBucket", 404))


def test_an_old_request_is_refused(strict):
    signer = wire.Signer(f"127.0.0.1:{strict.port}", "s3", access_key="AKMAIN", secret_key="s3cret")
    old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    sent = signer.headers("GET", "/", at=old)
    answer = wire.send_bytes(strict, wire.head_bytes("GET", "/", sent))
    assert answer.status == 403 and "RequestTimeTooSkewed" in answer.text


def test_a_changed_header_or_path_is_refused(strict):
    signer = wire.Signer(f"127.0.0.1:{strict.port}", "s3", access_key="AKMAIN", secret_key="s3cret")
    sent = signer.headers("GET", "/strict-bucket?list-type=2")
    answer = wire.send_bytes(strict, wire.head_bytes("GET", "/strict-bucket?list-type=1", sent))
    assert answer.status == 403 and "SignatureDoesNotMatch" in answer.text


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_are_verified(strict, version):
    import urllib.error
    import urllib.request
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    s3 = client(strict, "s3")
    s3.create_bucket(Bucket="presigned-strict")
    s3.put_object(Bucket="presigned-strict", Key="k ü", Body=b"signed")
    signing = client(strict, "s3", config=Config(signature_version=version))
    url = signing.generate_presigned_url("get_object", Params={"Bucket": "presigned-strict", "Key": "k ü"})
    assert opener.open(url, timeout=20).read() == b"signed"
    with pytest.raises(urllib.error.HTTPError) as error:
        opener.open(url.replace("k%20", "l%20"), timeout=20)
    assert error.value.code == 403


def test_a_wrong_chunk_signature_is_refused(strict):
    client(strict, "s3").create_bucket(Bucket="chunks-strict")
    signer = wire.Signer(f"127.0.0.1:{strict.port}", "s3", access_key="AKMAIN", secret_key="s3cret")
    for spoil in (False, True):
        sent = signer.headers("PUT", "/chunks-strict/k", payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", headers={
            "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "4"})
        chunk, previous = signer.chunk(b"body", signer.seed)
        last, _ = signer.chunk(b"", previous)
        framed = (chunk.replace(b"body", b"bodY") if spoil else chunk) + last
        sent["content-length"] = str(len(framed))
        answer = wire.send_bytes(strict, wire.head_bytes("PUT", "/chunks-strict/k", sent) + framed, "PUT")
        assert answer.status == (403 if spoil else 200), answer.text
    assert client(strict, "s3").get_object(Bucket="chunks-strict", Key="k")["Body"].read() == b"body"


def test_a_job_runs_with_its_own_keys(strict):
    from support.training import Training
    s3 = client(strict, "s3")
    s3.create_bucket(Bucket="strict-jobs")
    training = Training(client(strict, "sagemaker"), s3, client(strict, "logs"), "strict-jobs")
    job = training.run("import boto3; print(boto3.client('sts').get_caller_identity()['Account'])\n")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "111111111111" in training.lines(job["TrainingJobName"])
