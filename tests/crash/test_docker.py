"""Jobs in containers end in their true state whatever is killed: the server, the runner, the engine."""
import time

import pytest

from crash.stands import DockerStand
from support.processes import gone_within
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
    steady.server.kill()
    time.sleep(1.5)
    steady.server.start()
    jobs = steady.jobs()
    job = jobs.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert counted(jobs, name) == [f"line {i}" for i in range(150)]
    assert jobs.artifact(job) == {"done": b"all 150"}
    assert steady.leftovers() == []


def test_a_runner_killed_while_the_server_is_dead_leaves_no_container(steady):
    mark = unique("MARK")
    name = steady.start("import time; print('up'); time.sleep(600)", Environment={"CRASH_MARK": mark})
    steady.jobs().wait_for_line(name, "up")
    steady.server.kill()
    assert steady.kill_runner(name)
    steady.server.start()
    job = steady.jobs().wait(name)
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("InternalServerError")
    assert steady.leftovers() == [] and gone_within(mark, 10) == []


def test_a_killed_engine_that_keeps_its_containers_costs_nothing_else_the_job_fails_by_our_fault(stand):
    name = stand.start(COUNTING.format(lines=300, pause=0.02, code=0))
    stand.jobs().wait_for_line(name, "line 5")
    stand.daemon.kill()
    time.sleep(1)
    stand.daemon.start()
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
    name = stand.start(f"import time; print('up'); time.sleep(1.5); raise SystemExit({code})")
    stand.jobs().wait_for_line(name, "up")
    stand.daemon.kill()
    time.sleep(3)
    stand.daemon.start()
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
