"""A job that was accepted reaches a true final state whatever is killed meanwhile."""
import fcntl
import os
import re
import signal
import threading
import time

import pytest

from crash.conftest import outage, outage_until_gone, training_of
from support.processes import gone_within, marked, runner_of
from support.server import Server
from support.training import unique

COUNTING = """
import sys, time
for i in range({lines}):
    print("line", i, flush=True)
    time.sleep({pause})
open("/opt/ml/model/done", "w").write("all {lines}")
"""


def counted(training, name):
    return [line for line in training.lines(name) if line.startswith("line ")]


def test_a_job_goes_on_while_the_server_is_dead(server):
    training = training_of(server)
    name = training.start(COUNTING.format(lines=200, pause=0.02))
    training.wait_for_line(name, "line 20")
    killed, back = outage(server)
    training = training_of(server)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert counted(training, name) == [f"line {i}" for i in range(200)]
    assert len(training.said_between(name, killed, back)) > 5
    assert training.artifact(job) == {"done": b"all 200"}


def test_a_job_that_ends_while_the_server_is_dead_is_found_ended(server):
    training = training_of(server)
    mark = unique("MARK")
    name = training.start(COUNTING.format(lines=100, pause=0.03), Environment={"CRASH_MARK": mark})
    training.wait_for_line(name, "line 1")
    outage_until_gone(server, mark)
    training = training_of(server)
    assert training.wait(name)["TrainingJobStatus"] == "Completed"
    assert counted(training, name) == [f"line {i}" for i in range(100)]


def test_many_kills_in_one_job_lose_and_double_nothing(server, rng):
    training = training_of(server)
    name = training.start(COUNTING.format(lines=1500, pause=0.005))
    for _ in range(6):
        time.sleep(rng.uniform(0.1, 1.0))
        server.kill()
        time.sleep(rng.uniform(0, 0.3))
        server.start()
    training = training_of(server)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert counted(training, name) == [f"line {i}" for i in range(1500)]
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Training", "Uploading", "Completed"]


def test_a_failure_while_the_server_is_dead_keeps_its_reason(server):
    training = training_of(server)
    mark = unique("MARK")
    name = training.start("import time; print('up', flush=True); time.sleep(3); raise ValueError('meanwhile')\n",
                          Environment={"CRASH_MARK": mark})
    training.wait_for_line(name, "up")
    outage_until_gone(server, mark)
    job = training_of(server).wait(name)
    assert job["TrainingJobStatus"] == "Failed" and "ValueError: meanwhile" in job["FailureReason"]


def test_a_queued_job_is_started_after_the_restart(server):
    training = training_of(server)
    first = training.start("import time; print('up', flush=True); time.sleep(3)\n", instance="ml.m5.24xlarge")
    training.wait_for_line(first, "up")
    second = training.start("print('ran at last')\n", instance="ml.m5.24xlarge")
    server.kill()
    server.start()
    training = training_of(server)
    assert training.wait(first)["TrainingJobStatus"] == "Completed"
    assert training.wait(second)["TrainingJobStatus"] == "Completed"
    assert "ran at last" in training.lines(second)


def test_a_stop_that_was_acknowledged_holds(server):
    training = training_of(server)
    name = training.start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                          "print('up', flush=True); time.sleep(300)\n")
    training.wait_for_line(name, "up")
    training.sagemaker.stop_training_job(TrainingJobName=name)
    server.kill()
    server.start()
    assert training_of(server).wait(name, seconds=60)["TrainingJobStatus"] == "Stopped"


def test_a_killed_runner_takes_its_job_with_it(server):
    training = training_of(server)
    mark = unique("MARK")
    name = training.start("""
import subprocess, time
subprocess.Popen(["sleep", "600"], start_new_session=True)
print("up", flush=True)
time.sleep(600)
""", Environment={"SAGELET_TEST_MARK": mark})
    training.wait_for_line(name, "up")
    pids = marked(mark)
    assert len(pids) >= 2
    runner = runner_of(pids[0])
    assert runner, "no sagelet-runner above the job"
    os.kill(runner, signal.SIGKILL)
    assert gone_within(mark, 1.0) == []
    job = training.wait(name, seconds=20)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: We encountered an internal error.")


def test_a_runner_killed_while_the_server_is_dead_is_noticed_after(server):
    training = training_of(server)
    mark = unique("MARK")
    name = training.start("import time; print('up', flush=True); time.sleep(600)\n",
                          Environment={"SAGELET_TEST_MARK": mark})
    training.wait_for_line(name, "up")
    runner = runner_of(marked(mark)[0])
    server.kill()
    os.kill(runner, signal.SIGKILL)
    assert gone_within(mark, 1.0) == []
    server.start()
    job = training_of(server).wait(name, seconds=20)
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("InternalServerError")


def test_a_full_spool_drops_lines_and_says_how_many(tmp_path):
    server = Server(folder=tmp_path / "server", config="jobs:\n  log_spool_limit_mb: 1\n", ephemeral=False).start()
    try:
        training = training_of(server)
        mark = unique("MARK")
        name = training.start("""
import time
print("up", flush=True)
time.sleep(3)
for i in range(40000):
    print("line", i, "x" * 90)
print("the end", flush=True)
""", Environment={"CRASH_MARK": mark})
        training.wait_for_line(name, "up")
        outage_until_gone(server, mark)
        training = training_of(server)
        assert training.wait(name)["TrainingJobStatus"] == "Completed"
        lines = training.lines(name)
        numbers = [int(line.split()[1]) for line in lines if line.startswith("line ")]
        assert numbers == sorted(set(numbers)) and 1000 < len(numbers) < 40000
        missing = sum(int(count) for line in lines for count in re.findall(r"(\d+) log lines are missing here", line))
        assert missing == 40001 - len(numbers) - lines.count("the end")
    finally:
        server.stop()


def test_a_polite_end_of_the_server_leaves_jobs_running(server):
    training = training_of(server)
    name = training.start(COUNTING.format(lines=100, pause=0.02))
    training.wait_for_line(name, "line 3")
    assert server.stop() == 0
    server.start()
    training = training_of(server)
    assert training.wait(name)["TrainingJobStatus"] == "Completed"
    assert counted(training, name) == [f"line {i}" for i in range(100)]


@pytest.mark.parametrize("count", [8])
def test_jobs_created_around_a_kill_all_end(server, rng, count):
    training = training_of(server)
    accepted = [training.start("pass\n") for _ in range(count)]
    time.sleep(rng.uniform(0, 0.3))
    server.kill()
    server.start()
    training = training_of(server)
    for name in accepted:
        assert training.wait(name, seconds=120)["TrainingJobStatus"] == "Completed"


def test_a_lock_that_a_killed_server_left_to_its_child_is_waited_for(server):
    server.kill()
    with open(server.data / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        release = threading.Timer(0.5, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        server.start()
        release.join()
