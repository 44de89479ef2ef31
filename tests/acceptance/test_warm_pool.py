"""Warm pools: what a job leaves standing for the next one that fits."""
import time

import botocore.exceptions
import pytest

SHARES = """
import os, pathlib
folder = pathlib.Path(os.environ["SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"])
print("warm" if (folder / "kept").exists() else "cold", flush=True)
(folder / "kept").write_text("by the first")
"""


def warm(training, name=None, seconds=600, **fields):
    request = training.request(SHARES, **fields)
    request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = seconds
    training.sagemaker.create_training_job(**request)
    return request["TrainingJobName"]


def unlike_others(training):
    """Workers share a server: a role of one's own keeps the pools apart."""
    return {"RoleArn": f"arn:aws:iam::000000000000:role/{training.bucket}"}


@pytest.mark.one_machine("Warm pools keep nothing")
def test_the_second_job_takes_the_pool_of_the_first(training):
    apart = unlike_others(training)
    first = warm(training, **apart)
    assert training.wait(first)["WarmPoolStatus"]["Status"] == "Available"
    second = warm(training, **apart)
    used = training.describe(first)["WarmPoolStatus"]
    assert used["Status"] == "Reused" and used["ReusedByJob"] == second
    assert training.wait(second)["WarmPoolStatus"]["Status"] == "Available"
    assert "cold" in training.lines(first) and "warm" in training.lines(second)
    listed = training.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available", NameContains=second)
    assert [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]] == [second]
    end(training, second)


def wait_for_its_end(training, name):
    deadline = time.monotonic() + 60
    while (job := training.describe(name))["WarmPoolStatus"]["Status"] != "Terminated":
        assert time.monotonic() < deadline, job["WarmPoolStatus"]
        time.sleep(0.1)
    return job


def end(training, name):
    training.sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    wait_for_its_end(training, name)


def test_a_pool_ends_when_its_period_is_set_to_zero(training):
    name = warm(training, **unlike_others(training))
    training.wait(name)
    with pytest.raises(botocore.exceptions.ClientError, match="warm pool"):
        training.sagemaker.delete_training_job(TrainingJobName=name)
    end(training, name)
    training.sagemaker.delete_training_job(TrainingJobName=name)


def test_a_pool_ends_with_its_period(training):
    name = warm(training, seconds=1, **unlike_others(training))
    training.wait(name)
    job = wait_for_its_end(training, name)
    assert job["WarmPoolStatus"]["ResourceRetainedBillableTimeInSeconds"] >= 1
