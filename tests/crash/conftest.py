"""Every crash test has a server of its own, kept on disk (durability `power`), that it may kill."""
import os
import random
import time

import pytest

from support.processes import gone_within, marked
from support.server import Server
from support.training import Training

CONFIG = "jobs:\n  stop_grace_seconds: 2\n"


def clients(server, *services):
    """Fresh clients: connections of before a kill are gone."""
    return server.clients(*services, retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


def training_of(server, bucket="crash"):
    sagemaker, s3, logs = clients(server, "sagemaker", "s3", "logs")
    s3.create_bucket(Bucket=bucket)
    return Training(sagemaker, s3, logs, bucket)


def outage(server, until=lambda: time.sleep(1.5)):
    """Kills the server, or an engine, waits, starts it again. Gives from when to when it was away."""
    server.kill()
    killed = time.time()
    until()
    back = time.time()
    server.start()
    return killed, back


def outage_until_gone(server, mark):
    """An outage in which the job's processes, which have `mark` in their environment, end."""
    assert marked(mark), "the job has ended before"

    def gone():
        assert gone_within(mark, 60) == []
    return outage(server, gone)


@pytest.fixture
def server(tmp_path):
    running = Server(folder=tmp_path / "server", config=CONFIG, ephemeral=False)
    running.start()
    yield running
    try:
        running.get("/_sagelet/health")
        clients_of_the_dead = training_of(running)
        for job in clients_of_the_dead.sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]:
            clients_of_the_dead.sagemaker.stop_training_job(TrainingJobName=job["TrainingJobName"])
            clients_of_the_dead.wait(job["TrainingJobName"], seconds=30)
    finally:
        running.stop()
    assert "Sanitizer" not in running.log(), running.log()[-8000:]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What server and runners said last, for a failure that will not come again."""
    report = yield
    if report.when == "call" and report.failed:
        for stand in item.funcargs.values():
            server = getattr(stand, "server", stand)
            if isinstance(server, Server):
                logs = [server.output, *server.data.glob("jobs/*/runner.log"), *server.data.glob("jobs/*/*/runner.log")]
                report.sections += [(str(log), log.read_text(errors="replace")[-4000:]) for log in logs if log.exists()]
    return report


@pytest.fixture
def rng():
    """Random, but a failure can be played again: SEED=<the printed number>."""
    seed = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def rounds():
    return int(os.environ.get("CRASH_ROUNDS", "30"))
