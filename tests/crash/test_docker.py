"""Jobs in containers end in their true state whatever is killed: the server, the runner, the engine."""
import json
import os
import signal
import subprocess
import time

import pytest

from contract.conftest import Jobs
from crash.conftest import CONFIG, clients
from support import engine
from support.processes import gone_within
from support.server import Server
from support.training import FINAL, unique

IMAGE = "crash/python:1"
COUNTING = """
import time
for i in range({lines}):
    print("line", i)
    time.sleep({pause})
open("/opt/ml/model/done", "w").write("all {lines}")
raise SystemExit({code})
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Stand:
    """A server with an engine of its own; both may be killed."""

    def __init__(self, folder, live_restore):
        options = ["--live-restore"] if live_restore else []
        # A bridge of its own: without one (--bridge=none) dockerd would delete docker0, the machine's engine's.
        self.bridge = f"sgt{os.getpid()}"
        ip("link", "add", self.bridge, "type", "bridge")
        ip("addr", "add", f"10.213.{os.getpid() % 250}.1/24", "dev", self.bridge)
        options += [f"--bridge={self.bridge}", "--iptables=false", "--ip-masq=false"]
        self.live_restore = live_restore
        self.daemon = engine.Daemon(options=options).start()  # below /tmp: paths of sockets are short
        engine.make_image(IMAGE, self.daemon.socket)
        environment = {"DOCKER_HOST": f"unix://{self.daemon.socket}"}
        self.server = Server(folder=folder / "server", config=CONFIG, ephemeral=False, environment=environment).start()

    def jobs(self):
        sagemaker, s3, logs = clients(self.server, "sagemaker", "s3", "logs")
        s3.create_bucket(Bucket="crash")
        return Jobs(sagemaker, s3, logs, bucket="crash", image=IMAGE)

    def start(self, script, **fields):
        return self.jobs().start(script, EnableNetworkIsolation=True, **fields)

    def spec_of(self, name):
        for file in (self.server.data / "jobs").glob("*/spec.json"):
            spec = json.loads(file.read_text())
            if spec["name"] == name:
                return spec
        return None

    def runner_of(self, name):
        spec = self.spec_of(name)
        try:
            with open(f"{spec['folder']}/runner.json") as file:
                return json.load(file)["pid"]
        except (OSError, TypeError):
            return None

    def leftovers(self, seconds=20):
        deadline = time.monotonic() + seconds
        while (left := engine.containers(self.daemon.socket)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def close(self):
        try:
            if self.server.process.poll() is None:
                self.server.stop()
        finally:
            self.daemon.stop()
            self.daemon.remove()
            ip("link", "del", self.bridge)


@pytest.fixture(params=[True, False], ids=["live-restore", "no live-restore"])
def stand(request, tmp_path):
    made = Stand(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def steady(tmp_path):
    made = Stand(tmp_path, False)
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
    os.kill(steady.runner_of(name), signal.SIGKILL)
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
    name = stand.start(COUNTING.format(lines=300, pause=0.02, code=0))
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


def test_kills_at_random_moments_leave_each_job_in_its_true_state(stand, rng, rounds):
    """Of every kind; each round is a job that ends by itself with a code of its own."""
    for number in range(max(2, rounds // 10)):
        code = rng.choice([0, 0, 3])
        victim = rng.choice(["server", "runner", "engine"])
        name = stand.start(COUNTING.format(lines=40, pause=0.02, code=code))
        time.sleep(rng.uniform(0, 2))
        killed_runner = False
        if victim == "server":
            stand.server.kill()
            stand.server.start()
        elif victim == "engine":
            stand.daemon.kill()
            stand.daemon.start()
        elif pid := stand.runner_of(name):
            try:
                os.kill(pid, signal.SIGKILL)
                killed_runner = True
            except ProcessLookupError:
                pass
        jobs = stand.jobs()
        job = jobs.wait(name, seconds=150)
        reason = job.get("FailureReason", "")
        own = job["TrainingJobStatus"] == "Completed" if code == 0 else reason.endswith(f"exit code: {code}")
        ours = reason.startswith(("InternalServerError", "ClientError"))
        may_be_ours = killed_runner or victim == "engine"
        assert own or (may_be_ours and ours), (number, victim, code, job["TrainingJobStatus"], reason)
        lines = [int(line.split()[1]) for line in counted(jobs, name)]
        assert lines == sorted(set(lines)), (number, victim, "doubled or out of order", lines)
        if own and victim != "engine":
            assert lines == list(range(40)), (number, victim, lines)
        assert job["TrainingJobStatus"] in FINAL
    assert stand.leftovers() == []
