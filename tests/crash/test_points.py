"""The named crash points of the source: the program is killed exactly there, then everything promised is looked at."""
import re
import subprocess

import pytest

from crash.conftest import clients, training_of
from crash.s3_history import History
from support.server import ROOT

NAMED = re.compile(r'crash_point\("([^"]+)"\)')


def points(*folders):
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.cpp"):
            if not path.name.endswith("_test.cpp"):
                found |= set(NAMED.findall(path.read_text()))
    return sorted(found)


def runner_points():
    """Those written out, and one before each step and after the script for each that follows it."""
    text = (ROOT / "runner" / "run.cpp").read_text()
    before, _, after = text.partition("kAfterwards[]")
    named = re.compile(r'\{"(\w+)", \w+, Blame::')
    made = [f"runner-before-{name}" for name in named.findall(before)]
    return made + [f"runner-after-{name}" for name in named.findall(after)] + points("runner")


# A runner that dies here has noted how the script ended: another one brings the job home.
AFTER_THE_END = ("runner-end-noted", "runner-after-checkpoints", "runner-after-outputs", "runner-before-final-report")


@pytest.mark.parametrize("point", [point for point in points("server/storage", "server/services/s3")
                                   if not point.startswith(("lifecycle", "notifications"))])
@pytest.mark.parametrize("passage", [1, 7])
def test_puts_survive_a_kill_at(server, rng, point, passage):
    history = History(server, rng)
    server.stop()
    server.start(SAGELET_CRASH_AT=f"{point}:{passage}")
    try:
        history.write_until_gone(lambda: server.process.wait(60))
    except subprocess.TimeoutExpired:  # the point is not on the way of a put
        server.kill()
        pytest.skip(f"{point} is not passed by puts and deletes")
    server.start()
    history.verify_all()
    history.scrub()


@pytest.mark.parametrize("point", points("server/jobs", "server/services/sagemaker", "server/storage"))
def test_an_accepted_job_survives_a_kill_of_the_server_at(server, point):
    training = training_of(server)
    request = training.request("print('ran')\n")
    server.stop()
    server.start(SAGELET_CRASH_AT=point)
    sagemaker = clients(server, "sagemaker")[0]
    try:
        sagemaker.create_training_job(**request)
        accepted = True
    except Exception:
        accepted = False
    try:
        server.process.wait(10)
    except Exception:
        server.kill()
    server.start()
    training = training_of(server)
    try:
        job = training.wait(request["TrainingJobName"], seconds=60)
    except training.sagemaker.exceptions.ClientError as error:
        assert not accepted, f"an accepted job is gone: {error}"
        return
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert training.lines(request["TrainingJobName"]).count("ran") == 1


@pytest.mark.parametrize("point", runner_points())
def test_a_job_ends_truly_when_its_runner_dies_at(server, point):
    training = training_of(server)
    server.stop()
    server.start(SAGELET_CRASH_AT=point)
    training = training_of(server)
    name = training.start("print('ran')\n")
    job = training.wait(name, seconds=60)
    if point in AFTER_THE_END:
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert training.lines(name).count("ran") == 1
        assert training.artifact(job) == {}
    assert job["TrainingJobStatus"] in ("Completed", "Failed")
    if job["TrainingJobStatus"] == "Failed":
        assert job["FailureReason"].startswith("InternalServerError")
