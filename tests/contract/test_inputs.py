"""A channel looks the same in every sandbox, and what shows it is gone with the job."""
import os
import pathlib
import signal

import pytest

from contract.conftest import CONFIG, nothing_left
from contract.test_sandboxes import folder_of, runner_in
from support.server import Server
from support.training import unique

LOOK = """
import json, os
root = "/opt/ml/input/data/data"
seen = {}
for folder, _, names in os.walk(root):
    for name in names:
        path = os.path.join(folder, name)
        seen[os.path.relpath(path, root)] = open(path).read()
try:
    open(root + "/new", "w").write("new")
    wrote = True
except OSError:
    wrote = False
print("SAW " + json.dumps([seen, wrote]), flush=True)
"""


def mounts_below(folder):
    """As this namespace sees them, the one that the docker engine shares."""
    return [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if f" {folder}/" in line]


def fast_file(jobs, prefix):
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{jobs.bucket}/{prefix}/", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": "data", "InputMode": "FastFile", "DataSource": {"S3DataSource": source}}


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    folder = tmp_path_factory.mktemp("share")
    (folder / "sub").mkdir()
    (folder / "sub" / "a").write_text("shared")
    return folder


@pytest.fixture(scope="module")
def server(share):
    with Server(config=f"{CONFIG}file_systems:\n  '*': {share}\n", ephemeral=False) as running:
        yield running


@pytest.fixture
def jobs(jobs):
    for key, body in {"in/a": b"1", "in/b/c": b"22"}.items():
        jobs.s3.put_object(Bucket=jobs.bucket, Key=key, Body=body)
    return jobs


def test_fast_file_streams_and_cannot_be_written(jobs):
    job = jobs.run(LOOK, more_channels=[fast_file(jobs, "in")])
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), job["lines"])
    assert job["lines"] == ["[sagelet] channel data: FastFile streams from S3 (FUSE)",
                            'SAW [{"a": "1", "b/c": "22"}, false]']


def test_no_mount_of_fast_file_is_seen_outside_or_left(jobs, server):
    name = jobs.start(LOOK + "import time; time.sleep(600)", more_channels=[fast_file(jobs, "in")])
    jobs.wait_for_line(name, "SAW")
    folder = folder_of(server, name)
    assert mounts_below(folder) == []
    os.kill(runner_in(folder), signal.SIGKILL)
    assert jobs.wait(name)["TrainingJobStatus"] == "Failed"
    assert mounts_below(folder) == [] and nothing_left(folder.name) == []


def test_a_runner_killed_before_the_start_leaves_no_mount(jobs, server):
    """In docker the mount is there by then: the engine takes it along."""
    server.stop()
    server.start(SAGELET_CRASH_AT="runner-before-environment:1")
    try:
        name = jobs.start(LOOK, more_channels=[fast_file(jobs, "in")])
        assert jobs.wait(name)["TrainingJobStatus"] == "Failed"
        folder = folder_of(server, name)
        assert "FastFile streams from S3 (FUSE)" in (folder / "runner.log").read_text()
        assert mounts_below(folder) == [] and nothing_left(folder.name) == []
    finally:
        server.stop()
        server.start()


@pytest.mark.parametrize("access", ["ro", "rw"])
def test_a_file_system_is_a_folder_of_this_machine(jobs, share, access):
    (share / "sub" / "new").unlink(missing_ok=True)
    source = {"FileSystemId": "fs-0123456789abcdef0", "FileSystemType": "EFS", "DirectoryPath": "/sub",
              "FileSystemAccessMode": access}
    job = jobs.run(LOOK, more_channels=[{"ChannelName": "data", "DataSource": {"FileSystemDataSource": source}}],
                   VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]})
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), job["lines"])
    assert job["lines"] == ['SAW [{"a": "shared"}, %s]' % ("true" if access == "rw" else "false")]
    assert (share / "sub" / "new").exists() == (access == "rw")


@pytest.mark.parametrize("place", ["/{}", "/mnt/{}", "/var/lib/{}/deep/er", "/tmp/{}"])
def test_checkpoints_go_to_a_folder_that_only_the_job_has(jobs, place):
    name = unique("checks")
    path = place.format(name)
    jobs.s3.put_object(Bucket=jobs.bucket, Key=f"{name}/old/1", Body=b"before")
    job = jobs.run(f"""
        import os
        print(open("{path}/old/1").read())
        os.remove("{path}/old/1")
        open("{path}/new", "w").write("after")
        print(len(os.listdir("/proc")) > 5, os.path.exists("/dev/null"), os.getcwd() != "/", os.path.isdir("/var/lib"))
        """, CheckpointConfig={"S3Uri": f"s3://{jobs.bucket}/{name}/", "LocalPath": path})
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), job["lines"])
    assert job["lines"][0] == "before"
    found = jobs.s3.list_objects_v2(Bucket=jobs.bucket, Prefix=f"{name}/")["Contents"]
    assert [item["Key"] for item in found] == [f"{name}/new"]
    assert not os.path.lexists(path[:path.index(name) + len(name)])
