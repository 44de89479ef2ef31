"""One server a worker; every test uses names of its own, so tests never see one another.

SAGELET_TEST_PLACEMENT=slurm runs the jobs on a cluster that is started for the run. A test of what a cluster does otherwise
says so by the guide's own words: @pytest.mark.one_machine("Warm pools keep nothing.")
"""
import glob
import importlib.metadata
import os
import pathlib
import sys

import boto3
import pytest
from botocore.config import Config

from support.server import ON_SLURM, ROOT, Server
from support.slurm_cluster import Cluster
from support.training import Training, unique

# Stops quickly and keeps little log, so that the tests of both need not wait.
CONFIG = """
jobs:
  stop_grace_seconds: 2
  log_spool_limit_mb: 64
"""
# One interpreter cannot have both SDKs: each sees the tests of its own.
SDK_V3 = importlib.metadata.version("sagemaker").startswith("3.")
_of_v3 = {pathlib.Path(path).name for path in glob.glob(str(pathlib.Path(__file__).parent / "test_*_v3.py"))}
collect_ignore = sorted({path.name for path in pathlib.Path(__file__).parent.glob("test_*.py")} - _of_v3 if SDK_V3 else _of_v3)
NOT_BOTO3 = ("test_sdk_v2", "test_aws_cli", "test_remote", "test_sdk_v3", "test_remote_v3", "test_xgboost", "test_distributed",
             "test_inputs_sdk_v2", "test_inputs_many")


GUIDE = ROOT / "docs" / "guide" / "cluster.md"
_cluster = pytest.StashKey[Cluster]()


def pytest_configure(config):
    config.addinivalue_line("markers", "one_machine(words): jobs on a cluster differ here, as these words of the guide say")
    config.addinivalue_line("markers", "boto3: what plain boto3 and raw requests see; runs under the sanitizers too")
    config.addinivalue_line("markers", "long: too slow for every change")


    if ON_SLURM and not hasattr(config, "workerinput") and not config.option.collectonly:
        cluster = config.stash[_cluster] = Cluster(cpus=16, nodes=4, apart=True).start()
        os.environ.update(cluster.exports(), PATH=cluster.environment()["PATH"], SAGELET_TEST_ADVERTISE=cluster.address)


def pytest_unconfigure(config):
    if cluster := config.stash.get(_cluster, None):
        cluster.stop()


def pytest_collection_modifyitems(config, items):
    differ = [item for item in items if item.get_closest_marker("one_machine")]
    listed = " ".join(GUIDE.read_text().partition("## What differs from jobs on one machine")[2].split())
    for item in differ:
        words = item.get_closest_marker("one_machine").args[0]
        assert words in listed, f"{item.nodeid}: docs/guide/cluster.md does not say: {words}"
    if ON_SLURM and differ:
        config.hook.pytest_deselected(items=differ)
        items[:] = [item for item in items if item not in differ]
    for item in items:
        if item.module.__name__.rsplit(".", 1)[-1] not in NOT_BOTO3 and "long" not in item.keywords:
            item.add_marker("boto3")


@pytest.fixture(scope="session")
def server():
    with Server(config=CONFIG, environment={"SAGELET_PYTHON": sys.executable}) as running:
        before, pointed_here = dict(os.environ), running.client_environment()
        os.environ.clear()
        os.environ.update(pointed_here)
        yield running
        os.environ.clear()
        os.environ.update(before)
        assert "Sanitizer" not in running.log(), running.log()[-8000:]


@pytest.fixture(scope="session")
def client(server):
    """client("s3"): boto3 as the environment of `sagelet env` makes it. No retries: a 500 must not be papered over."""
    made = {}

    def make(service, **options):
        if options:
            config = Config(retries={"total_max_attempts": 1}).merge(options.pop("config", Config()))
            return boto3.client(service, config=config, **options)
        if service not in made:
            made[service] = boto3.client(service, config=Config(retries={"total_max_attempts": 1}))
        return made[service]

    return make


@pytest.fixture(scope="session")
def s3(client):
    return client("s3")


@pytest.fixture
def bucket(s3):
    name = unique("bucket").lower()
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def sagemaker(client):
    return client("sagemaker")


@pytest.fixture
def logs(client):
    return client("logs")


@pytest.fixture
def training(sagemaker, s3, logs, bucket):
    return Training(sagemaker, s3, logs, bucket)
