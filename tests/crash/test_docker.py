"""Jobs in containers end in their true state whatever is killed: the server, the runner, the engine."""
import os
import signal
import time

import pytest

from crash.conftest import outage, outage_until_gone
from crash.ledger import within
from crash.stands import DockerStand
from support import engine
from support.processes import children, gone_within
from support.training import unique

COUNTING = """
import time
for i in range({lines}):
    print("line", i)
    time.sleep({pause})
open("/opt/ml/model/done", "w").write("all {lines}")
raise SystemExit({code})
"""


@pytest.fixture(params=[True, False], ids=["live-restore", "no live-restore"])
def stand(request, tmp_path):
    made = DockerStand(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def steady(tmp_path):
    made = DockerStand(tmp_path, False)
    yield made
    made.close()


def counted(jobs, name):
    return [line for line in jobs.lines(name) if line.startswith("line ")]


def test_a_container_goes_on_while_the_server_is_dead(steady):
    name = steady.start(COUNTING.format(lines=150, pause=0.02, code=0))
    steady.jobs().wait_for_line(name, "line 5")
    killed, back = outage(steady.server)
    jobs = steady.jobs()
    job = jobs.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert counted(jobs, name) == [f"line {i}" for i in range(150)]
    assert len(jobs.said_between(name, killed, back)) > 5
    assert jobs.artifact(job) == {"done": b"all 150"}
    assert steady.leftovers() == []


METRIC = {"Name": "line", "Regex": "line ([0-9]+)"}


def check_whole(stand, name, lines):
    """Ended by itself, with each line once and its model."""
    jobs = stand.jobs()
    job = jobs.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert counted(jobs, name) == [f"line {i}" for i in range(lines)]
    assert jobs.artifact(job) == {"done": f"all {lines}".encode()}
    assert stand.leftovers() == []
    return job


def test_a_container_goes_on_when_its_runner_is_killed_again_and_again(steady):
    name = steady.start(COUNTING.format(lines=400, pause=0.01, code=0))
    for seen in (3, 80, 160):
        steady.jobs().wait_for_line(name, f"line {seen}")
        assert not within(10, lambda: not steady.kill_runner(name))
    job = check_whole(steady, name, 400)
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed"]


def test_metrics_and_checkpoints_of_a_job_that_was_taken_up_are_whole(steady):
    script = "import os; open('/opt/ml/checkpoints/new', 'w').write('x'); os.remove('/opt/ml/checkpoints/old')\n"
    jobs, prefix = steady.jobs(), unique("kept")
    jobs.s3.put_object(Bucket="crash", Key=f"{prefix}/old", Body=b"old")
    request = jobs.request_of(COUNTING.format(lines=100, pause=0.02, code=0).replace("open(", script + "open("),
                              EnableNetworkIsolation=True, CheckpointConfig={"S3Uri": f"s3://crash/{prefix}"})
    request["AlgorithmSpecification"]["MetricDefinitions"] = [METRIC]
    jobs.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    jobs.wait_for_line(name, "line 5")
    assert steady.kill_runner(name)
    job = check_whole(steady, name, 100)
    assert [(metric["MetricName"], metric["Value"]) for metric in job["FinalMetricDataList"]] == [("line", 99.0)]
    assert [item["Key"] for item in jobs.s3.list_objects_v2(Bucket="crash", Prefix=prefix)["Contents"]] == [f"{prefix}/new"]


@pytest.mark.parametrize("point", ["runner-before-start", "runner-container-runs", "runner-before-end-noted",
                                   "runner-end-noted", "runner-after-checkpoints", "runner-before-final-report"])
def test_a_container_loses_nothing_when_its_runner_dies_at(steady, point):
    steady.server.stop()
    steady.server.start(SAGELET_CRASH_AT=point)
    name = steady.start(COUNTING.format(lines=30, pause=0.01, code=0))
    check_whole(steady, name, 30)
    assert "is taken up by another runner" in steady.server.log()


def test_a_server_that_dies_while_it_takes_a_job_up_finds_the_new_runner(steady):
    steady.server.stop()
    steady.server.start(SAGELET_CRASH_AT="jobs.after_take_up")
    name = steady.start(COUNTING.format(lines=150, pause=0.02, code=0))
    steady.jobs().wait_for_line(name, "line 3")
    assert steady.kill_runner(name)
    assert steady.server.process.wait(20) == -signal.SIGKILL
    steady.server.start()
    check_whole(steady, name, 150)


@pytest.mark.parametrize("code", [0, 5])
def test_a_container_that_ended_while_server_and_runner_were_dead_has_said_how(steady, code):
    mark = unique("MARK")
    name = steady.start(COUNTING.format(lines=50, pause=0.02, code=code), Environment={"CRASH_MARK": mark})
    steady.jobs().wait_for_line(name, "line 3")
    steady.server.kill()
    assert steady.kill_runner(name)
    assert gone_within(mark, 20) == []
    steady.server.start()
    if not code:
        check_whole(steady, name, 50)
        return
    job = steady.jobs().wait(name)
    assert job["FailureReason"].endswith("exit code: 5"), job
    assert counted(steady.jobs(), name) == [f"line {i}" for i in range(50)] and steady.leftovers() == []


ASKED = """
import signal, sys, time
def asked(*_):
    print("asked")
    {then}
signal.signal(signal.SIGTERM, asked)
print("up")
while True:
    time.sleep(1)
"""


def test_a_stop_reaches_a_container_whose_runner_was_killed(steady):
    name = steady.start(ASKED.format(then="sys.exit(3)"))
    steady.jobs().wait_for_line(name, "up")
    steady.server.kill()
    assert steady.kill_runner(name)
    steady.server.start()
    steady.jobs().sagemaker.stop_training_job(TrainingJobName=name)
    assert steady.jobs().wait(name)["TrainingJobStatus"] == "Stopped"
    assert "asked" in steady.jobs().lines(name) and steady.leftovers() == []


def test_a_runner_that_had_asked_a_container_to_end_is_followed_by_one_that_knows(steady):
    name = steady.start(ASKED.format(then=""))
    steady.jobs().wait_for_line(name, "up")
    steady.jobs().sagemaker.stop_training_job(TrainingJobName=name)
    steady.jobs().wait_for_line(name, "asked")
    assert steady.kill_runner(name)
    assert steady.jobs().wait(name)["TrainingJobStatus"] == "Stopped"
    assert steady.leftovers() == []


def test_the_time_limit_counts_from_the_first_runner(steady):
    name = steady.start("import time; print('up'); time.sleep(600)", max_runtime=8)
    steady.jobs().wait_for_line(name, "up")
    up = time.time()
    time.sleep(6)
    assert steady.kill_runner(name)
    job = steady.jobs().wait(name)
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert 7 <= job["TrainingTimeInSeconds"] <= 13  # with the grace
    assert job["TrainingEndTime"].timestamp() - up <= 13.5  # a second limit would make it 16
    assert steady.leftovers() == []


def test_a_container_that_is_removed_while_nobody_looks_is_our_fault(steady):
    name = steady.start("import time; print('up'); time.sleep(600)")
    steady.jobs().wait_for_line(name, "up")
    steady.server.kill()
    assert steady.kill_runner(name)
    for container in engine.containers(steady.daemon.socket):
        engine.docker("rm", "-f", container, host=steady.daemon.socket)
    steady.server.start()
    job = steady.jobs().wait(name)
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("InternalServerError"), job


@pytest.mark.parametrize("which", ["leader", "host"])
def test_two_containers_go_on_when_a_runner_of_theirs_is_killed(steady, which):
    script = COUNTING.replace("import time", "import os, time").replace('print("line"', 'print(os.uname().nodename, "line"')
    name = steady.start(script.format(lines=200, pause=0.02, code=0), hosts=2)
    for host in ("algo-1", "algo-2"):
        steady.jobs().wait_for_line(name, f"{host} line 3")
    leader, _ = steady.runners()[name]
    os.kill(leader if which == "leader" else children(leader)[0], signal.SIGKILL)
    job = steady.jobs().wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    said = steady.jobs().lines(name)
    for host in ("algo-1", "algo-2"):
        assert [line for line in said if line.startswith(host)] == [f"{host} line {i}" for i in range(200)]
    assert steady.jobs().artifact(job) == {"done": b"all 200"}
    assert steady.leftovers() == []


def test_a_killed_engine_that_keeps_its_containers_costs_nothing_else_the_job_fails_by_our_fault(stand):
    name = stand.start(COUNTING.format(lines=300, pause=0.02, code=0))
    stand.jobs().wait_for_line(name, "line 5")
    outage(stand.daemon)
    jobs = stand.jobs()
    job = jobs.wait(name)
    if stand.live_restore:
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        lines = counted(jobs, name)
        assert lines == sorted(set(lines), key=lambda line: int(line.split()[1])), "doubled or out of order"
        assert jobs.artifact(job) == {"done": b"all 300"}
    else:
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError"), job["FailureReason"]
    assert stand.leftovers() == []


@pytest.mark.parametrize("code", [0, 5])
def test_a_program_that_ends_while_a_killed_engine_is_away_has_said_how(stand, code):
    mark = unique("MARK")
    name = stand.start(f"import time; print('up'); time.sleep(3); raise SystemExit({code})", Environment={"CRASH_MARK": mark})
    stand.jobs().wait_for_line(name, "up")
    outage_until_gone(stand.daemon, mark)
    job = stand.jobs().wait(name)
    assert job["TrainingJobStatus"] == ("Completed" if code == 0 else "Failed"), job.get("FailureReason")
    if code:
        assert job["FailureReason"].endswith(f"exit code: {code}")
    assert stand.leftovers() == []


def test_an_engine_that_is_stopped_politely_ends_the_job_by_our_fault_unless_it_keeps_containers(stand):
    lines = 300 if stand.live_restore else 6000  # else it might end by itself before the engine ends it
    name = stand.start(COUNTING.format(lines=lines, pause=0.02, code=0))
    stand.jobs().wait_for_line(name, "line 5")
    stand.daemon.stop()
    stand.daemon.start()
    job = stand.jobs().wait(name)
    if stand.live_restore:
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    else:
        assert job["FailureReason"].startswith("InternalServerError"), job
    assert stand.leftovers() == []


def test_a_stop_asked_for_while_the_engine_is_away_is_kept(stand):
    if not stand.live_restore:
        pytest.skip("its containers end with it")
    name = stand.start("import time; print('up'); time.sleep(600)")
    stand.jobs().wait_for_line(name, "up")
    stand.daemon.kill()
    stand.jobs().sagemaker.stop_training_job(TrainingJobName=name)
    time.sleep(1)
    stand.daemon.start()
    assert stand.jobs().wait(name)["TrainingJobStatus"] == "Stopped"
    assert stand.leftovers() == []
