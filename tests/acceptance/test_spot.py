"""Managed spot training: the machine is taken away, the job starts again from its checkpoint."""
import botocore.exceptions
import pytest
import requests

from support.server import sagelet

COUNTS = """
import os, pathlib, signal, sys, time
folder = pathlib.Path("/opt/ml/checkpoints")
count = folder / "count"
seen = int(count.read_text()) if count.exists() else 0
count.write_text(str(seen + 1))
print(f"attempt {seen + 1}", flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
if seen == 0:
    time.sleep(300)
time.sleep(1.5)
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text("made")
"""


def spot(training, script=COUNTS, max_wait=600, **fields):
    name = training.start(script, EnableManagedSpotTraining=True,
                          StoppingCondition={"MaxRuntimeInSeconds": 120, "MaxWaitTimeInSeconds": max_wait},
                          CheckpointConfig={"S3Uri": f"s3://{training.bucket}/checkpoints"}, **fields)
    return name


def statuses(job):
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def test_an_interrupted_job_goes_on_from_its_checkpoint(training, server):
    name = spot(training)
    training.wait_for_line(name, "attempt 1")
    done = sagelet("jobs", "interrupt", name, "--url", server.url)
    assert done.returncode == 0, done.stderr
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job
    walked = statuses(job)
    assert walked[0] == "Starting" and walked[-1] == "Completed"
    after = walked[walked.index("Interrupted") + 1:]
    assert after[0] == "Starting" and "Training" in after
    assert "attempt 2" in training.lines(name)
    assert job["BillableTimeInSeconds"] < job["TrainingTimeInSeconds"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")


def test_a_job_that_waits_too_long_is_stopped(training):
    """Its machine never comes: another job has all cores."""
    first = training.start("import time; print('up', flush=True); time.sleep(300)", instance="ml.m5.24xlarge")
    training.wait_for_line(first, "up")
    name = training.start("", instance="ml.m5.24xlarge", EnableManagedSpotTraining=True,
                          StoppingCondition={"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 2})
    job = training.wait(name)
    training.sagemaker.stop_training_job(TrainingJobName=first)
    training.wait(first)
    assert job["TrainingJobStatus"] == "Stopped" and job["SecondaryStatus"] == "MaxWaitTimeExceeded"
    assert statuses(job)[-2:] == ["Stopping", "MaxWaitTimeExceeded"] and "Training" not in statuses(job)
    assert "FailureReason" not in job and "TrainingStartTime" not in job


def test_a_spot_job_that_runs_too_long_is_not_one_that_waits(training):
    name = training.start("import time; time.sleep(300)", EnableManagedSpotTraining=True,
                          StoppingCondition={"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 600})
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Stopped" and job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_only_spot_jobs_are_interrupted(training, server):
    name = training.start("import time; time.sleep(300)")
    answer = requests.post(f"{server.url}/_sagelet/interrupt/{name}", timeout=30)
    assert answer.status_code == 400 and "spot" in answer.text
    training.sagemaker.stop_training_job(TrainingJobName=name)
    training.wait(name)


def test_a_wait_shorter_than_the_run_is_refused(training):
    with pytest.raises(botocore.exceptions.ClientError, match="MaxWaitTimeInSeconds"):
        training.start("", EnableManagedSpotTraining=True, StoppingCondition={"MaxWaitTimeInSeconds": 60})
