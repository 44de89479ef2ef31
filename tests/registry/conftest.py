"""A server, set up by `sagelet docker-setup` as root for an engine of its own. Not skipped in CI: there it must work."""
import os
import pathlib
import re
import subprocess
import time

import boto3
import pytest

from support import own_engine as engines
from support.server import ROOT, Server, sagelet
from support.training import FINAL

ACCOUNT = "777777777777"  # so that no other test's certificate is in the way
HOST = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
START_SCRIPT = pathlib.Path("/etc/default/docker")
JOB_SECONDS = 300


@pytest.fixture(scope="session")
def server():
    why = engines.cannot()
    if why:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    with Server("--account", ACCOUNT, environment={"DOCKER_HOST": "unix:///run/sagelet-registry-tests.sock"}) as running:
        yield running


@pytest.fixture(scope="session")
def setup(server):
    """The words of docker-setup; undone at the end."""
    done = sagelet("docker-setup", "--url", server.url, check=True)
    yield done.stdout
    sagelet("docker-setup", "--undo", check=True)


def proxy_of_setup():
    """What an engine is started with after docker-setup."""
    drop_in = pathlib.Path("/etc/systemd/system/docker.service.d/sagelet.conf")
    text = drop_in.read_text() if drop_in.exists() else START_SCRIPT.read_text()
    return re.search(r"HTTPS_PROXY=(http://[0-9.:]+)", text)[1]


@pytest.fixture(scope="session")
def engine(server, setup):
    with engines.Engine(proxy=proxy_of_setup()) as running:
        link = pathlib.Path("/run/sagelet-registry-tests.sock")
        link.unlink(missing_ok=True)
        link.symlink_to(running.socket)
        try:
            yield running
        finally:
            link.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def base(engine):
    """debian:bookworm-slim, by debootstrap the first time."""
    subprocess.run([ROOT / "docker" / "make-base"], env=engine.environment(), check=True, timeout=900)
    return "debian:bookworm-slim"


@pytest.fixture(scope="session")
def shell(server, engine):
    """The environment of a user who evaluated `sagelet env`."""
    tools = str(ROOT / ".venv" / "bin")
    environment = {**server.client_environment(), "DOCKER_HOST": engine.host, "DOCKER_CONFIG": str(engine.folder / "config")}
    environment["PATH"] = tools + os.pathsep + environment["PATH"]
    return environment


@pytest.fixture(scope="session")
def client(server):
    def make(service):
        return boto3.client(service, endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=ACCOUNT,
                            aws_secret_access_key="secret")
    return make


def wait_for(sagemaker, name):
    deadline = time.monotonic() + JOB_SECONDS
    while time.monotonic() < deadline:
        job = sagemaker.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] in FINAL:
            return job
        time.sleep(0.2)
    raise AssertionError(f"{name} is {job['SecondaryStatus']} after {JOB_SECONDS} s")
