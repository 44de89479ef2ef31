"""Jobs that need more memory or disk than there is: ended, and told why."""
import subprocess
import sys
import tempfile

import pytest

from support.server import ON_SLURM, Server
from support.training import Training

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
    return Training.on(server, "resources", retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=60)


@pytest.mark.parametrize("kept_by", ["group", "watch"])
def test_a_job_over_its_memory_is_ended(kept_by):
    """By a control group where this machine has one for us, and by a watch where it has not."""
    with Server(config=MEMORY, environment={"SAGELET_PYTHON": sys.executable, "SAGELET_MEMORY": kept_by}) as server:
        training = training_on(server)
        job = training.run(HOG)
        lines = training.lines(job["TrainingJobName"])
        assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
        assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode -9\n")
        limit = (256 - (64 if ON_SLURM else 0)) << 20  # on a cluster the runner has its part of what Slurm gives
        assert job["FailureReason"].endswith(
            f", exit code: 1. Out of memory at the limit of {limit} bytes; a larger instance type has more")
        assert any("out of memory" in line for line in lines), lines
        modest = training.run("hog = bytearray(64 << 20)\n")
        assert modest["TrainingJobStatus"] == "Completed", modest.get("FailureReason")


on_the_servers_disk = pytest.mark.one_machine("A job's folder is on its nodes")


@pytest.fixture
def small_disk():
    folder = tempfile.mkdtemp(prefix="sagelet-small-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", folder], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)




def full_server(folder):
    """On a disk of its own: what a job fills up there is the server's, too."""
    return Server(folder=f"{folder}/server", ephemeral=False, environment={"SAGELET_PYTHON": sys.executable})


@on_the_servers_disk
def test_a_job_that_fills_the_disk_fails_and_says_so(small_disk):
    with full_server(small_disk) as server:
        training = training_on(server)
        job = training.run(FULL)
        assert job["TrainingJobStatus"] == "Failed"
        assert "No space left on device" in job["FailureReason"]
        assert ", exit code: 1. The disk that holds /opt/ml is full" in job["FailureReason"]
        assert any("No space left on device" in line for line in training.lines(job["TrainingJobName"]))


@on_the_servers_disk
def test_a_model_that_does_not_fit_a_second_time_is_not_uploaded(small_disk):
    with full_server(small_disk) as server:
        training = training_on(server)
        job = training.run("import os; open('/opt/ml/model/big', 'wb').write(os.urandom(60 << 20))\n")
        assert job["TrainingJobStatus"] == "Failed", job
        assert job["FailureReason"] == "ClientError: Artifact upload failed:Insufficient disk space"
        small = training.run("open('/opt/ml/model/small', 'w').write('fits')\n")
        assert training.artifact(small) == {"small": b"fits"}


@on_the_servers_disk
def test_data_that_does_not_fit_is_not_downloaded(small_disk):
    with full_server(small_disk) as server:
        training = training_on(server)
        training.s3.put_object(Bucket=training.bucket, Key="in/big", Body=bytes(60 << 20))
        job = training.run("", channels={"train": "in/"})
        assert job["FailureReason"] == "ClientError: Data download failed:Insufficient disk space", job
