"""Jobs that need more memory or disk than there is: ended, and told why."""
import subprocess
import sys
import tempfile

import boto3
import pytest
from botocore.config import Config

from support.server import Server
from support.training import Training, unique

MEMORY = "jobs:\n  memory_per_job_mb: 256\n  stop_grace_seconds: 2\n"
HOG = """
import time
hog = []
print("up", flush=True)
while True:
    hog.append(bytearray(8 << 20))
    time.sleep(0.002)
"""
FULL = """
import os
print("up", flush=True)
with open(os.environ.get("FILL", "/opt/ml/model/big"), "wb") as file:
    while True:
        file.write(os.urandom(1 << 20))
"""


def training_on(server):
    config = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=60)
    keys = {"endpoint_url": server.url, "aws_access_key_id": "x", "aws_secret_access_key": "x",
            "region_name": "us-east-1", "config": config}
    sagemaker, s3, logs = (boto3.client(service, **keys) for service in ("sagemaker", "s3", "logs"))
    s3.create_bucket(Bucket="resources")
    return Training(sagemaker, s3, logs, bucket="resources")


@pytest.mark.parametrize("kept_by", ["group", "watch"])
def test_a_job_over_its_memory_is_ended(kept_by):
    """By a control group where this machine has one for us, and by a watch where it has not."""
    with Server(config=MEMORY, environment={"SAGELET_PYTHON": sys.executable, "SAGELET_MEMORY": kept_by}) as server:
        training = training_on(server)
        job = training.run(HOG)
        lines = training.lines(job["TrainingJobName"])
        assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
        assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode -9\n")
        assert job["FailureReason"].endswith(
            ", exit code: 1. Out of memory at the limit of 268435456 bytes; a larger instance type has more")
        assert any("out of memory" in line for line in lines), lines
        modest = training.run("hog = bytearray(64 << 20)\n")
        assert modest["TrainingJobStatus"] == "Completed", modest.get("FailureReason")


@pytest.fixture
def small_disk():
    folder = tempfile.mkdtemp(prefix="sagelet-small-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", folder], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


