"""Jobs of two hosts end truly whatever is killed, and a server may come back elsewhere."""
import os
import signal
import time

import pytest

from crash.conftest import training_of
from support.processes import command, gone_within, marked, parent, runner_of
from support.training import unique

TWO = {"ResourceConfig": {"InstanceCount": 2}}
COUNTING = """
import os, time
me = os.environ["SM_CURRENT_HOST"]
for i in range({lines}):
    print(me, "line", i, flush=True)
    time.sleep({pause})
open("/opt/ml/model/" + me, "w").write("all {lines}")
"""


def check_counted(training, name, lines):
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    said = training.lines(name)
    for host in ("algo-1", "algo-2"):
        assert [line for line in said if line.startswith(host + " line ")] == [f"{host} line {i}" for i in range(lines)]
    assert training.artifact(job) == {host: f"all {lines}".encode() for host in ("algo-1", "algo-2")}
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Starting", "Training", "Uploading", "Completed"]


def test_both_hosts_go_on_through_many_kills_of_the_server(server, rng):
    training = training_of(server)
    name = training.start(COUNTING.format(lines=800, pause=0.005), **TWO)
    for _ in range(5):
        time.sleep(rng.uniform(0.1, 1.0))
        server.kill()
        time.sleep(rng.uniform(0, 0.3))
        server.start()
    check_counted(training_of(server), name, 800)


@pytest.mark.parametrize("fields", [{}, TWO], ids=["one host", "two hosts"])
def test_a_server_that_comes_back_on_another_port_is_found(server, fields):
    training = training_of(server)
    name = training.start(COUNTING.format(lines=200, pause=0.01).replace('os.environ["SM_CURRENT_HOST"]', '"algo-1"')
                          if not fields else COUNTING.format(lines=200, pause=0.01), **fields)
    training.wait_for_line(name, "algo-1 line 20")
    before = server.port
    server.kill()
    server.forget_port()
    server.start()
    assert server.port != before
    training = training_of(server)
    if fields:
        check_counted(training, name, 200)
        return
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert [line for line in training.lines(name) if " line " in line] == [f"algo-1 line {i}" for i in range(200)]
    assert training.artifact(job) == {"algo-1": b"all 200"}


def hosts_up(training, mark):
    name = training.start("""
import os, subprocess, time
subprocess.Popen(["sleep", "600"], start_new_session=True)
print(os.environ["SM_CURRENT_HOST"], "up", flush=True)
time.sleep(600)
""", Environment={"SAGELET_TEST_MARK": mark}, **TWO)
    for host in ("algo-1", "algo-2"):
        training.wait_for_line(name, host + " up")
    return name


def runner_right_above(pid):
    """The host's own runner: below the one that leads."""
    leader = runner_of(pid)
    while parent(pid) != leader:
        pid = parent(pid)
    return pid


@pytest.mark.parametrize("which", ["leader", "host"])
def test_a_killed_runner_takes_all_hosts_with_it(server, which):
    training = training_of(server)
    mark = unique("MARK")
    name = hosts_up(training, mark)
    inside = marked(mark)[0]
    target = runner_of(inside) if which == "leader" else runner_right_above(inside)
    assert "sagelet-runner" in command(target)
    os.kill(target, signal.SIGKILL)
    assert gone_within(mark, 1.0 if which == "leader" else 5.0) == []
    job = training.wait(name, seconds=30)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: We encountered an internal error.")


def run_of_both(server, point):
    """A job of two hosts, whose first runner that comes to this point dies there."""
    server.stop()
    server.start(SAGELET_CRASH_AT=point)
    training = training_of(server)
    mark = unique("MARK")
    job = training.run(COUNTING.format(lines=3, pause=0), Environment={"SAGELET_TEST_MARK": mark}, **TWO)
    assert gone_within(mark, 1.0) == []
    return training, job


@pytest.mark.parametrize("point", ["hosts-started", "runner-before-train"])
def test_a_runner_that_dies_before_the_programs_end_loses_the_job_cleanly(server, point):
    _, job = run_of_both(server, point)
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("InternalServerError")


@pytest.mark.parametrize("point", ["hosts-before-outputs", "hosts-before-final-report"])
def test_a_leader_that_dies_after_the_programs_end_is_followed_by_another(server, point):
    training, job = run_of_both(server, point)
    check_counted(training, job["TrainingJobName"], 3)


def test_a_stop_of_both_hosts_holds_through_a_kill(server):
    training = training_of(server)
    name = hosts_up(training, unique("MARK"))
    training.sagemaker.stop_training_job(TrainingJobName=name)
    server.kill()
    server.start()
    assert training_of(server).wait(name, seconds=60)["TrainingJobStatus"] == "Stopped"
