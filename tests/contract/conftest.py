"""One suite for every sandbox: what a job may rely on does not depend on how it is confined."""
import fcntl
import pathlib
import tempfile
import textwrap
import time

import pytest

from support import engine
from support.server import Server
from support.training import ROLE, SKLEARN, Training, unique

CONFIG = "jobs:\n  stop_grace_seconds: 2\n  cores_per_job: 0.1\n"
REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"


class Jobs(Training):
    """Training jobs whose program is a Python text, run as the container's own entrypoint."""

    def __init__(self, *clients, bucket, image):
        super().__init__(*clients, bucket)
        self.image = image

    def request_of(self, script="", *, name=None, command=None, image=None, hosts=1, max_runtime=120,
                   instance="ml.m5.large", **fields):
        name = name or unique()
        channels = {**fields.pop("channels", {}), "program": f"{name}/"}  # an entrypoint's words are short
        more_channels = fields.pop("more_channels", [])  # as the API has them
        self.s3.put_object(Bucket=self.bucket, Key=f"{name}/main.py", Body=textwrap.dedent(script).encode())
        request = {
            "TrainingJobName": name, "RoleArn": ROLE,
            "AlgorithmSpecification": {
                "TrainingImage": image or self.image, "TrainingInputMode": "File",
                "ContainerEntrypoint": command or ["python3", "-u", "/opt/ml/input/data/program/main.py"]},
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out"},
            "ResourceConfig": {"InstanceType": instance, "InstanceCount": hosts, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime}}
        request["InputDataConfig"] = [self.channel(channel, prefix) for channel, prefix in channels.items()] + more_channels
        for field, value in fields.items():
            request[field] = value
        return request

    def start(self, script="", **options):
        request = self.request_of(script, **options)
        self.sagemaker.create_training_job(**request)
        return request["TrainingJobName"]

    def run(self, script="", seconds=120, **options):
        name = self.start(script, **options)
        job = self.wait(name, seconds=seconds)
        job["lines"] = self.lines(name)
        return job


@pytest.fixture(scope="session")
def docker_image():
    engine.ensure_engine()
    name = f"{REGISTRY}/contract:{engine.version()}"
    with open(pathlib.Path(tempfile.gettempdir()) / "sagelet-test-image.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if engine.docker("image", "inspect", name, check=False).returncode != 0:
            engine.make_image(name)
    return name


@pytest.fixture(scope="session", params=["process", "docker"])
def sandbox(request):
    return request.param


@pytest.fixture(scope="session")
def image(sandbox, request):
    return request.getfixturevalue("docker_image") if sandbox == "docker" else SKLEARN


@pytest.fixture(scope="module")
def server():
    with Server(config=CONFIG, ephemeral=False) as running:
        yield running
        assert "Sanitizer" not in running.log(), running.log()[-8000:]


@pytest.fixture
def jobs(server, image):
    sagemaker, s3, logs = server.clients("sagemaker", "s3", "logs", retries={"total_max_attempts": 2}, connect_timeout=5,
                                         read_timeout=30)
    s3.create_bucket(Bucket="contract")
    return Jobs(sagemaker, s3, logs, bucket="contract", image=image)


def nothing_left(job_id, seconds=15):
    """No container and no network of the job; gives what is left."""
    deadline = time.monotonic() + seconds
    label = f"sagelet.job={job_id}"
    while (left := engine.containers(label=label) + engine.networks(label=label)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
