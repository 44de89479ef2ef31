"""A run that was lost or interrupted is followed by exactly one other, wherever the server is killed between the two."""
import os
import re
import signal
import urllib.error
import urllib.request

import pytest

from crash.conftest import training_of
from crash.ledger import FILE_SYSTEM
from support.processes import marked, runner_of
from support.training import unique

SCRIPT = """
import os, pathlib, signal, sys, time
began = time.time()
def leave(*_):
    print(f"ran {{time.time() - began:.3f}}", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
count = pathlib.Path("/opt/ml/checkpoints/count")
seen = int(count.read_text()) if count.exists() else 0
count.write_text(str(seen + 1))
for i in range(50):
    print(f"line {{i}}", flush=True)
print("attempt", seen + 1 if {kept} else "of many", flush=True)
time.sleep({pause} if seen == 0 and not pathlib.Path("/opt/ml/input/data/ledger/second").exists() else 1.2)
pathlib.Path("/opt/ml/model/made").write_text("by the last")
leave()
"""
# Between the end of a run and the start of the next one.
BETWEEN = ["sagemaker.after_end", "jobs.before_start:2", "jobs.after_start:2", "jobs.after_handle:2"]


def server_that_dies_at(server, share, point):
    """Its jobs may mount the share as a file system."""
    server.stop()
    with open(server.options[server.options.index("--config") + 1], "a") as config:
        config.write(f"file_systems:\n  '*': {share}\n")
    server.start(SAGELET_CRASH_AT=point)
    return training_of(server)


def start(training, kept, **fields):
    fields["Environment"] = {"SAGELET_TEST_MARK": unique("MARK")}
    fields["InputDataConfig"] = [{"ChannelName": "ledger", "DataSource": {"FileSystemDataSource": FILE_SYSTEM}}]
    fields["VpcConfig"] = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    name = training.start(SCRIPT.format(kept=kept, pause=300),
                          CheckpointConfig={"S3Uri": f"s3://{training.bucket}/{unique('checkpoints')}"}, **fields)
    training.wait_for_line(name, "attempt")
    return name, fields["Environment"]["SAGELET_TEST_MARK"]


def interrupt(server, name):
    """The answer may be lost with the server."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(urllib.request.Request(f"{server.url}/_sagelet/interrupt/{name}", method="POST"), timeout=20)
    except (urllib.error.URLError, OSError):
        pass


def end_after_the_kill(server, name):
    """Waits until the server has died where it had to, starts it again and waits for the job."""
    assert server.process.wait(30) == -signal.SIGKILL
    server.start()
    training = training_of(server)
    return training, training.wait(name)


def check_two_runs(training, name, job, statuses):
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    walked = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert [status for status in walked if status != "Pending"] == statuses  # for its turn, when the server came back
    assert training.artifact(job) == {"made": b"by the last"}
    streams = training.streams(name)
    assert len(streams) == 2, list(streams)
    said = [[event["message"].rstrip("\n") for event in events] for _, events in sorted(streams.items())]
    for lines in said:
        assert [line for line in lines if line.startswith("line ")] == [f"line {i}" for i in range(50)]
        assert sum(line.startswith("attempt") for line in lines) == 1
    return said


@pytest.mark.parametrize("point", ["sagemaker.interrupted", *BETWEEN])
def test_an_interrupted_run_is_followed_by_one_that_knows_its_checkpoint(server, tmp_path, point):
    training = server_that_dies_at(server, tmp_path, point)
    name, _ = start(training, True, EnableManagedSpotTraining=True,
                    StoppingCondition={"MaxRuntimeInSeconds": 120, "MaxWaitTimeInSeconds": 600})
    interrupt(server, name)
    training, job = end_after_the_kill(server, name)
    said = check_two_runs(training, name, job, ["Starting", "Downloading", "Training", "Interrupted",
                                                "Starting", "Downloading", "Training", "Uploading", "Completed"])
    assert [line for lines in said for line in lines if line.startswith("attempt")] == ["attempt 1", "attempt 2"]
    ran = sum(float(found) for lines in said for found in re.findall(r"^ran (.*)$", "\n".join(lines), re.M))
    assert ran - 1 <= job["TrainingTimeInSeconds"] <= ran + 8
    assert job["BillableTimeInSeconds"] == max(1, round(job["TrainingTimeInSeconds"] * 0.3))


@pytest.mark.parametrize("point", BETWEEN)
def test_a_lost_run_is_retried_once(server, tmp_path, point):
    training = server_that_dies_at(server, tmp_path, point)
    name, mark = start(training, False, RetryStrategy={"MaximumRetryAttempts": 5})
    (tmp_path / "second").touch()
    os.kill(runner_of(marked(mark)[0]), signal.SIGKILL)
    training, job = end_after_the_kill(server, name)
    said = check_two_runs(training, name, job, ["Starting", "Downloading", "Training",
                                                "Starting", "Downloading", "Training", "Uploading", "Completed"])
    ran = float(re.search(r"^ran (.*)$", "\n".join(said[1]), re.M)[1])
    assert ran - 1 <= job["TrainingTimeInSeconds"] == job["BillableTimeInSeconds"]
