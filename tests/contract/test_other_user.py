"""A user who is not root and may reach the engine is left no file that is not his."""
import os
import pathlib
import shutil
import time

import pytest

from contract.conftest import CONFIG
from contract.test_sandboxes import folder_of
from support.server import BIN, SAGELET, Server, sagelet

USER = 4711
WRITE = """
    import os, time
    os.makedirs("/opt/ml/model/deep/closed")
    open("/opt/ml/model/deep/closed/m", "w").write("by root")
    os.chmod("/opt/ml/model/deep/closed/m", 0)
    os.chmod("/opt/ml/model/deep/closed", 0)
    os.symlink("/etc/passwd", "/opt/ml/model/link")
    os.makedirs("/opt/ml/checkpoints", exist_ok=True)
    open("/opt/ml/checkpoints/c", "w").write("checkpoint")
    print("written", os.getuid(), flush=True)
"""


class ServerOfAnother(Server):
    """With programs of its own: ours may lie where nobody else may look."""

    def command(self):
        seed = super().command().index("--seed-bucket")
        words = super().command()
        del words[seed:seed + 2]  # nor may the samples be read
        programs = self.folder / "bin"
        shutil.copytree(BIN, programs, dirs_exist_ok=True, ignore=lambda _, names: [name for name in names if name.endswith("_test")])
        for path in [self.folder, *self.folder.rglob("*")]:
            os.lchown(path, USER, USER)
        socket = pathlib.Path("/var/run/docker.sock")
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={socket.stat().st_gid}", str(programs / SAGELET.name), *words[1:]]


@pytest.fixture(scope="session")
def sandbox():
    return "docker"


@pytest.fixture(scope="module")
def server(docker_image):
    if os.geteuid() != 0:
        pytest.skip("the whole suite runs as such a user")
    with ServerOfAnother(config=CONFIG, environment={"HOME": "/tmp", "SAGELET_PYTHON": "/usr/bin/python3"}, ephemeral=False) as running:
        yield running


def owners(folder):
    return {path.lstat().st_uid for path in [folder, *folder.rglob("*")]}


def test_what_the_containers_root_wrote_is_stored_and_the_users(jobs, server):
    passwd = os.stat("/etc/passwd")
    name = jobs.start(WRITE, CheckpointConfig={"S3Uri": f"s3://{jobs.bucket}/kept/"})
    job = jobs.wait(name)
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), jobs.lines(name))
    assert jobs.lines(name) == ["written 0"]
    assert jobs.artifact(job)["deep/closed/m"] == b"by root"
    assert jobs.s3.get_object(Bucket=jobs.bucket, Key="kept/c")["Body"].read() == b"checkpoint"
    assert (os.stat("/etc/passwd").st_uid, os.stat("/etc/passwd").st_mode) == (passwd.st_uid, passwd.st_mode)
    assert owners(server.data) == {USER}


def test_a_reset_leaves_nothing_that_the_user_could_not_remove(jobs, server):
    name = jobs.start(WRITE + "    time.sleep(600)\n")
    jobs.wait_for_line(name, "written")
    folder = folder_of(server, name)
    assert 0 in owners(folder / "ml")
    assert sagelet("reset", "--url", server.url).returncode == 0
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists(), [str(path) for path in folder.rglob("*")]
