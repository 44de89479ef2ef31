"""`docker login`, `push` and `pull` of a real engine."""
import base64
import concurrent.futures
import io
import os
import shutil
import subprocess
import tarfile

import boto3
import pytest

from support.server import Server, sagelet
from support.training import unique
from .conftest import ACCOUNT, HOST, START_SCRIPT, wait_for


def make_image(engine, folder, name, layers=2, size=300_000):
    """FROM scratch, of random bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["FROM scratch"]
    for number in range(layers):
        (folder / f"file{number}").write_bytes(os.urandom(size))
        lines.append(f"COPY file{number} /file{number}")
    (folder / "Dockerfile").write_text("\n".join(lines + ['CMD ["/none"]', ""]))
    engine.docker("build", "-q", "-t", name, folder)
    return engine.docker("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()


def digest_of(engine, name):
    return engine.docker("image", "inspect", "-f", "{{index .RepoDigests 0}}", name).stdout.strip().split("@")[1]


def forget(engine, *names):
    engine.docker("rmi", "-f", *names, check=False)


def log_in(engine, client, registry):
    token = client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    return engine.docker("login", "--username", user, "--password-stdin", registry, input=password)


@pytest.fixture
def name(engine):
    name = unique("docker").lower()
    yield name
    forget(engine, name)


def test_setup_says_what_it_changed_and_what_to_restart(setup):
    assert f"/etc/docker/certs.d/{HOST}/ca.crt" in setup
    assert "restart" in setup.lower() and HOST in setup


def test_setup_again_changes_nothing(server, setup):
    before = START_SCRIPT.read_bytes() if START_SCRIPT.exists() else None
    again = sagelet("docker-setup", "--url", server.url, check=True)
    assert "nothing to change" in again.stdout
    assert (START_SCRIPT.read_bytes() if START_SCRIPT.exists() else None) == before


def test_push_and_pull_on_loopback_need_no_login(engine, server, name, tmp_path):
    image = make_image(engine, tmp_path, name)
    remote = f"127.0.0.1:{server.port}/{name}:v1"
    engine.docker("tag", name, remote)
    engine.docker("push", remote)
    digest = digest_of(engine, remote)
    forget(engine, remote, name)
    engine.docker("pull", remote)
    assert engine.docker("image", "inspect", "-f", "{{.Id}}", remote).stdout.strip() == image
    forget(engine, remote)
    by_digest = f"127.0.0.1:{server.port}/{name}@{digest}"
    engine.docker("pull", by_digest)
    assert engine.docker("image", "inspect", "-f", "{{.Id}}", by_digest).stdout.strip() == image
    forget(engine, by_digest)


def test_login_with_the_token_at_both_names(engine, server, client):
    assert "Login Succeeded" in log_in(engine, client, f"127.0.0.1:{server.port}").stdout
    assert "Login Succeeded" in log_in(engine, client, HOST).stdout


def test_what_is_pushed_to_awss_name_is_there_on_loopback_and_in_ecr(engine, server, client, name, tmp_path):
    image = make_image(engine, tmp_path, name)
    log_in(engine, client, HOST)
    remote = f"{HOST}/{name}:latest"
    engine.docker("tag", name, remote)
    engine.docker("push", remote)
    digest = digest_of(engine, remote)
    (detail,) = client("ecr").describe_images(repositoryName=name)["imageDetails"]
    assert detail["imageDigest"] == digest and detail["imageTags"] == ["latest"]
    forget(engine, remote, name)
    near = f"127.0.0.1:{server.port}/{name}:latest"
    engine.docker("pull", near)
    assert engine.docker("image", "inspect", "-f", "{{.Id}}", near).stdout.strip() == image
    forget(engine, near)
    engine.docker("pull", remote)
    forget(engine, remote)


def test_layers_of_another_repository_are_mounted(engine, server, name, tmp_path):
    make_image(engine, tmp_path, name)
    first, second = (f"127.0.0.1:{server.port}/{name}-{one}:v1" for one in ("a", "b"))
    for remote in (first, second):
        engine.docker("tag", name, remote)
    engine.docker("push", first)
    assert "Mounted from" in engine.docker("push", second).stdout
    forget(engine, first, second)


def test_a_deleted_image_cannot_be_pulled(engine, server, client, name, tmp_path):
    make_image(engine, tmp_path, name)
    remote = f"127.0.0.1:{server.port}/{name}:v1"
    engine.docker("tag", name, remote)
    engine.docker("push", remote)
    client("ecr").batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])
    forget(engine, remote, name)
    refused = engine.docker("pull", remote, check=False)
    assert refused.returncode != 0 and "not found" in refused.stderr.lower()


def test_an_immutable_tag_is_refused_in_words(engine, server, client, name, tmp_path):
    client("ecr").create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    remote = f"127.0.0.1:{server.port}/{name}:v1"
    for number in range(2):
        make_image(engine, tmp_path / str(number), name)
        engine.docker("tag", name, remote)
        last = engine.docker("push", remote, check=False)
    assert last.returncode != 0 and "immutable" in last.stderr
    forget(engine, remote)


def test_many_pushes_at_once(engine, server, tmp_path):
    names = [unique("many").lower() for _ in range(6)]
    images = {name: make_image(engine, tmp_path / name, name) for name in names}
    remotes = {name: f"127.0.0.1:{server.port}/{name}:v1" for name in names}
    for name in names:
        engine.docker("tag", name, remotes[name])
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: engine.docker("push", remotes[name]), names))
    forget(engine, *names, *remotes.values())
    for name in names:
        engine.docker("pull", remotes[name])
        assert engine.docker("image", "inspect", "-f", "{{.Id}}", remotes[name]).stdout.strip() == images[name]
    forget(engine, *remotes.values())


def test_a_server_killed_during_a_push_keeps_what_it_acknowledged(engine, tmp_path):
    name = unique("killed").lower()
    image = make_image(engine, tmp_path / "image", name, layers=6, size=20_000_000)
    server = Server(folder=tmp_path / "server", ephemeral=False)
    with server:
        remote = f"127.0.0.1:{server.port}/{name}:v1"
        engine.docker("tag", name, remote)
        for pushed in (1, 2, 3):
            push = subprocess.Popen(["docker", "push", remote], env=engine.environment(), text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            seen = [next(push.stdout, "") for _ in range(pushed)]  # somewhere in it
            server.kill()
            server.start()
            push.communicate(timeout=240)
            assert seen
            known = engine.docker("pull", remote, check=False)
            assert known.returncode == 0 or "not found" in known.stderr.lower() or "unknown" in known.stderr.lower()
        engine.docker("push", remote)
        forget(engine, remote, name)
        engine.docker("pull", remote)
        assert engine.docker("image", "inspect", "-f", "{{.Id}}", remote).stdout.strip() == image
        forget(engine, remote)


STRICT = f"""
auth:
  accounts:
    - {{ id: "{ACCOUNT}", name: main, keys: [ {{ access_key: AK, secret_key: sk }} ] }}
    - {{ id: "888888888888", name: alt, keys: [ {{ access_key: AKALT, secret_key: sk2 }} ] }}
"""


@pytest.fixture
def strict(engine, tmp_path):
    with Server("--auth", "strict", "--account", ACCOUNT, config=STRICT, environment={"DOCKER_HOST": engine.host}) as running:
        yield running


def client_of(server, access_key="AK", secret_key="sk"):
    return lambda service: boto3.client(service, endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=access_key,
                                        aws_secret_access_key=secret_key)


def train(client, image):
    """The job's description at its end; its model is in the bucket the account made for it."""
    sagemaker, name, bucket = client("sagemaker"), unique("strict"), unique("strict").lower()
    client("s3").create_bucket(Bucket=bucket)
    sagemaker.create_training_job(
        TrainingJobName=name, RoleArn="arn:aws:iam::000000000000:role/any", StoppingCondition={"MaxRuntimeInSeconds": 600},
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10})
    return wait_for(sagemaker, name)


def test_strict_wants_a_login(engine, strict, tmp_path):
    registry = f"127.0.0.1:{strict.port}"
    make_image(engine, tmp_path / "image", f"{registry}/strict:v1")
    refused = engine.docker("push", f"{registry}/strict:v1", check=False)
    assert refused.returncode != 0 and "no basic auth credentials" in refused.stderr
    log_in(engine, client_of(strict), registry)
    engine.docker("push", f"{registry}/strict:v1")
    engine.docker("logout", registry)
    forget(engine, f"{registry}/strict:v1")


def test_strict_lets_a_job_pull_its_own_accounts_image_and_no_others(engine, strict, tmp_path):
    registry = f"127.0.0.1:{strict.port}"
    shutil.copy("/bin/busybox", tmp_path)
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY busybox /busybox\n'
                                         'ENTRYPOINT ["/busybox", "sh", "-c", "echo trained >/opt/ml/model/weights"]\n')
    engine.docker("build", "-q", "-t", f"{registry}/job:v1", tmp_path)
    log_in(engine, client_of(strict), registry)
    engine.docker("push", f"{registry}/job:v1")
    engine.docker("logout", registry)
    forget(engine, f"{registry}/job:v1")

    others = train(client_of(strict, "AKALT", "sk2"), f"{HOST}/job:v1")
    assert others["TrainingJobStatus"] == "Failed" and "denied" in others["FailureReason"].lower()
    own = train(client_of(strict), f"{HOST}/job:v1")
    assert own["TrainingJobStatus"] == "Completed", own["FailureReason"]
    bucket, key = own["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    with tarfile.open(fileobj=io.BytesIO(client_of(strict)("s3").get_object(Bucket=bucket, Key=key)["Body"].read())) as model:
        assert model.extractfile("weights").read() == b"trained\n"
    forget(engine, *engine.docker("images", "-q", f"{registry}/{HOST}/job").stdout.split())
