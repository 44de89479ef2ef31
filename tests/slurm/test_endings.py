"""Whatever happens on the cluster, a job ends as SageMaker's would, and its reason is readable."""
import os
import shutil
import signal

import pytest

from slurm.stands import IGNORES, PATIENT, WAIT, eventually, server_on, slurm_job, start_and_wait
from support.processes import command, marked
from support.slurm_cluster import Cluster
from support.training import Training, unique

SAVES = """
import os, pathlib, signal, sys, time
def stop(*_):
    time.sleep(1)
    (pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text("saved")
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
time.sleep(300)
"""
COUNTS = """
import os, pathlib, time
count = pathlib.Path("/opt/ml/checkpoints/count")
seen = int(count.read_text()) if count.exists() else 0
count.write_text(str(seen + 1))
print(f"attempt {seen + 1}", flush=True)
time.sleep(3 if seen else 300)
"""
SPOT = {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 120, "MaxWaitTimeInSeconds": 600}}


def spot(training):
    return dict(SPOT, CheckpointConfig={"S3Uri": f"s3://{training.bucket}/checkpoints"})


def statuses(job):
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def kill_node(cluster, node):
    cluster.kill_node(node)
    cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=power")  # as slurmctld after SlurmdTimeout


@pytest.fixture
def mended(cluster):
    """Nodes and partitions are as they were when the test is over."""
    yield
    for node in cluster.nodes:
        if cluster.daemons[node].poll() is not None:
            cluster.start_daemon(node)
        cluster.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)
    cluster.run("scontrol", "update", "partitionname=batch", "state=up")
    assert eventually(lambda: all(cluster.node_state(node) in ("idle", "mixed", "allocated") for node in cluster.nodes))


def test_a_stopped_job_has_its_time_to_save(training, cluster):
    name, _, _ = start_and_wait(training, cluster, SAVES)
    training.sagemaker.stop_training_job(TrainingJobName=name)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Stopped" and "saved" in training.lines(name)
    assert training.artifact(job)["model"] == b"saved" or training.artifact(job)["model"] == "saved"


def test_a_program_that_does_not_stop_is_killed_after_the_grace(training, cluster):
    name, _, _ = start_and_wait(training, cluster, IGNORES)
    training.sagemaker.stop_training_job(TrainingJobName=name)
    assert training.wait(name, seconds=30)["TrainingJobStatus"] == "Stopped"


def test_a_pending_job_says_why_and_can_be_stopped(training, cluster):
    blocker = cluster.run("sbatch", "--parsable", "-N3", "-c16", "-o", "/dev/null", input="#!/bin/sh\nsleep 300\n")
    assert eventually(lambda: cluster.job(blocker)["JobState"] == "RUNNING")
    name = training.start(WAIT)
    job = training.wait(name, until=lambda job: "Slurm: Resources" in job["SecondaryStatusTransitions"][-1]["StatusMessage"])
    assert job["TrainingJobStatus"] == "InProgress" and job["SecondaryStatus"] == "Pending"
    training.sagemaker.stop_training_job(TrainingJobName=name)
    assert training.wait(name)["TrainingJobStatus"] == "Stopped"
    assert cluster.job(slurm_job(cluster, name))["JobState"] == "CANCELLED"
    cluster.run("scancel", blocker)


def test_a_node_that_dies_is_an_internal_error(training, cluster, mended):
    name, _, node = start_and_wait(training, cluster)
    kill_node(cluster, node)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError") and node in job["FailureReason"]


def test_a_retry_strategy_answers_a_node_that_dies(training, cluster, mended):
    name, _, node = start_and_wait(training, cluster, RetryStrategy={"MaximumRetryAttempts": 1})
    kill_node(cluster, node)
    training.wait(name, until=lambda job: statuses(job).count("Training") == 2)
    training.sagemaker.stop_training_job(TrainingJobName=name)
    assert training.wait(name)["TrainingJobStatus"] == "Stopped"


def preempt(cluster, node):
    return cluster.run("sbatch", "--parsable", "-p", "urgent", "-w", node, "-c16", "-o", "/dev/null",
                       input="#!/bin/sh\nsleep 2\n")


def test_a_preempted_spot_job_is_interrupted_and_goes_on(training, cluster):
    name, _, node = start_and_wait(training, cluster, COUNTS, "attempt 1", **spot(training))
    assert eventually(lambda: training.s3.list_objects_v2(Bucket=training.bucket, Prefix="checkpoints")["KeyCount"])
    preempt(cluster, node)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    walked = statuses(job)
    assert "Training" in walked[walked.index("Interrupted"):] and "attempt 2" in training.lines(name)


def test_a_preempted_job_that_is_not_spot_is_an_internal_error(training, cluster):
    name, _, node = start_and_wait(training, cluster)
    preempt(cluster, node)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("InternalServerError")


def test_a_job_that_somebody_cancels_in_slurm_says_so(training, cluster):
    name, number, _ = start_and_wait(training, cluster)
    cluster.run("scancel", number)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Failed" and "cancelled in Slurm" in job["FailureReason"]


def test_a_program_that_hears_slurm_before_its_runner_is_not_blamed(training, cluster):
    """Slurm signals every process of a job, one after the other."""
    name, number, _ = start_and_wait(training, cluster)
    program = [pid for pid in marked(f"TRAINING_JOB_NAME={name}") if command(pid).endswith("train.py")]
    assert len(program) == 1
    os.kill(program[0], signal.SIGTERM)
    cluster.run("scancel", "--batch", "--signal=TERM", number)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Failed" and "told to stop in Slurm" in job["FailureReason"]


@pytest.mark.parametrize("change", ["partitionname=batch state=down", "nodename=n[1-3] state=drain reason=repair"])
def test_a_cluster_that_takes_no_job_is_a_capacity_error(training, cluster, mended, change):
    cluster.run("scontrol", "update", *change.split())
    job = training.run(WAIT)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("CapacityError") and "Slurm" in job["FailureReason"]


def test_a_request_that_no_node_can_take_is_a_capacity_error(training):
    job = training.run(WAIT, instance="ml.m5.24xlarge")
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("CapacityError")


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_job_over_its_memory_is_told_so(training, hosts):
    job = training.run("x = b'x' * (2 << 30)\nimport time\ntime.sleep(60)\n", ResourceConfig={"InstanceCount": hosts})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ") and "Out of memory" in job["FailureReason"], job["FailureReason"]


@pytest.mark.parametrize("killed", [["server"], ["slurmctld"], ["server", "slurmctld"]])
def test_a_job_goes_on_after_kill_9(cluster, killed):
    with server_on(cluster, PATIENT) as server:
        training = Training.on(server, unique("bucket"))
        name, number, _ = start_and_wait(training, cluster, "import time; print('up', flush=True); time.sleep(4)\n")
        pending = training.start("print('later')")
        assert eventually(lambda: slurm_job(cluster, pending))
        cluster.wait_for_saved_jobs()
        if "server" in killed:
            server.kill()
        if "slurmctld" in killed:
            cluster.restart_daemon("slurmctld")
        if "server" in killed:
            server.start()
        for each in (name, pending):
            job = training.wait(each)
            assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert slurm_job(cluster, name) == number
        assert len([line for line in training.lines(pending) if line == "later"]) == 1


def test_what_slurmctld_forgot_before_it_began_is_submitted_again(tmp_path):
    """On a cluster of its own: its nodes remember numbers that slurmctld gives again."""
    with Cluster() as cluster, server_on(cluster, PATIENT.replace("slurm:", 'slurm:\n  options: ["--begin=now+6"]')) as server:
        training = Training.on(server, unique("bucket"))
        shutil.copytree(cluster.folder / "state", tmp_path / "state")
        name = training.start("print('once')")
        assert eventually(lambda: slurm_job(cluster, name))
        cluster.kill_daemon("slurmctld")
        shutil.rmtree(cluster.folder / "state")  # as if it had been killed before it wrote that down
        shutil.copytree(tmp_path / "state", cluster.folder / "state")
        cluster.restart_daemon("slurmctld")
        assert not slurm_job(cluster, name)
        job = training.wait(name)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert training.lines(name).count("once") == 1


def test_a_server_that_starts_while_slurmctld_is_away_waits(cluster):
    with server_on(cluster, PATIENT) as server:
        training = Training.on(server, unique("bucket"))
        name, _, _ = start_and_wait(training, cluster, "import time; print('up', flush=True); time.sleep(8)\n")
        cluster.wait_for_saved_jobs()
        cluster.kill_daemon("slurmctld")
        server.kill()
        server.start()
        later = training.start("print('later')")
        assert training.describe(later)["TrainingJobStatus"] == "InProgress"
        cluster.restart_daemon("slurmctld")
        for each in (name, later):
            job = training.wait(each)
            assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
