"""Training that really spans several hosts: LightGBM over sockets, an all-reduce over gloo, SDK v2's estimator."""
import os

import pytest

from support.server import ROOT, Server
from support.training import ROLE, Training, unique

PYTHON = ROOT / ".venv-distributed" / "bin" / "python"

LIGHTGBM = """
import hashlib, json, socket
import lightgbm, numpy
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
hosts = sorted(config["hosts"])
rank = hosts.index(config["current_host"])
data = numpy.random.default_rng(rank)
x = data.normal(size=(2000, 6))
y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
port = 12400 + len(hosts)  # LightGBM does not take one again that a job had on this machine a moment ago
machines = ",".join(f"{socket.gethostbyname(host)}:{port}" for host in hosts)
parameters = dict(objective="binary", tree_learner="data", num_machines=len(hosts), machines=machines,
                  local_listen_port=port, num_threads=1, verbose=-1, pre_partition=True, time_out=5)
model = lightgbm.train(parameters, lightgbm.Dataset(x, y), 10)
text = model.model_to_string().split("parameters:")[0]
print("accuracy", ((model.predict(x) > 0.5) == y).mean(), flush=True)
open("/opt/ml/model/" + config["current_host"], "w").write(hashlib.sha256(text.encode()).hexdigest())
"""

GLOO = """
import json
import jax, jax.numpy as jnp
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
hosts = sorted(config["hosts"])
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(coordinator_address=hosts[0] + ":7777", num_processes=len(hosts),
                           process_id=hosts.index(config["current_host"]))
from jax.experimental import multihost_utils
parts = multihost_utils.process_allgather(jnp.full((1000,), float(hosts.index(config["current_host"]) + 1)))
print("sum", int(parts.sum()), flush=True)
"""

MPI = """
import os, sys
from mpi4py import MPI
world = MPI.COMM_WORLD
total = world.allreduce(world.rank + 1)
places = world.gather((world.rank, os.uname().nodename))
if world.rank == 0:
    sys.stdout.write(f"total {total} at {sorted(places)} epochs {sys.argv[1:]}\\n")  # mpirun tags each write
    open(os.environ["SM_MODEL_DIR"] + "/sum", "w").write(str(total))
"""


@pytest.fixture(scope="module")
def jobs():
    if not PYTHON.exists():
        pytest.fail("there is no .venv-distributed: run script/bootstrap")
    with Server(environment={"SAGELET_PYTHON": PYTHON}) as own:
        yield Training.on(own, "distributed")


def run(jobs, script, count):
    name = jobs.start(script, ResourceConfig={"InstanceCount": count}, max_runtime=240)
    job = jobs.wait(name, seconds=240)
    lines = jobs.lines(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason", "") + "\n".join(lines)
    return job, lines


@pytest.mark.parametrize("count", [2, 4])
def test_every_host_ends_with_the_same_lightgbm_model(jobs, count):
    job, lines = run(jobs, LIGHTGBM, count)
    model = jobs.artifact(job)
    assert sorted(model) == [f"algo-{i + 1}" for i in range(count)]
    assert len(set(model.values())) == 1, model
    accuracies = [float(line.split()[1]) for line in lines if line.startswith("accuracy ")]
    assert len(accuracies) == count and min(accuracies) > 0.8


def test_an_all_gather_over_gloo_sees_every_host(jobs):
    _, lines = run(jobs, GLOO, 2)
    assert [line for line in lines if line.startswith("sum ")] == ["sum 3000", "sum 3000"]


def mpi(**more):
    return {"sagemaker_mpi_enabled": "true", "sagemaker_mpi_num_of_processes_per_host": "2", **more}


def test_mpirun_reduces_over_all_hosts(jobs):
    """What SDK v2's distribution={"mpi": ...} asks for: mpirun on the first host, processes on both, no sshd."""
    name = jobs.start(MPI, hyperparameters={**mpi(), "epochs": "3"}, ResourceConfig={"InstanceCount": 2}, max_runtime=120)
    job = jobs.wait(name, seconds=120)
    lines = jobs.lines(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason", "") + "\n".join(lines)
    said = next(line for line in lines if "total" in line)
    assert ("total 10 at [(0, 'algo-1'), (1, 'algo-1'), (2, 'algo-2'), (3, 'algo-2')] epochs ['--epochs', '3']") in said
    assert jobs.artifact(job) == {"sum": b"10"}


def test_a_rank_that_fails_on_another_host_is_the_jobs_failure(jobs):
    name = jobs.start(MPI.replace("total =", "assert world.rank < 3, 'the last one'\ntotal ="), hyperparameters=mpi(),
                      ResourceConfig={"InstanceCount": 2}, max_runtime=120)
    job = jobs.wait(name, seconds=120)
    assert job["TrainingJobStatus"] == "Failed"
    assert "the last one" in job["FailureReason"] and 'Command "mpirun --host algo-1:2,algo-2:2' in job["FailureReason"]


def test_a_stop_ends_mpi_on_every_host(jobs):
    name = jobs.start(MPI + "import time; time.sleep(600)\n", hyperparameters=mpi(), ResourceConfig={"InstanceCount": 2})
    jobs.wait_for_line(name, "total 10")
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    assert jobs.wait(name, seconds=60)["TrainingJobStatus"] == "Stopped"  # long before the grace of 120 s


def test_the_sdks_estimator_trains_on_two_hosts(training, server, tmp_path):
    """`training` and `server` are those of the session, with the environment of `sagelet env`."""
    import sagemaker
    from sagemaker.pytorch import PyTorch

    (tmp_path / "train.py").write_text(
        "import os\n"
        "hosts = eval(os.environ['SM_HOSTS'])\n"
        "open(os.environ['SM_MODEL_DIR'] + '/' + os.environ['SM_CURRENT_HOST'], 'w').write(str(len(hosts)))\n")
    assert os.environ["AWS_ENDPOINT_URL"] == server.url
    estimator = PyTorch(entry_point="train.py", source_dir=str(tmp_path), role=ROLE, instance_count=2,
                        instance_type="ml.m5.large", framework_version="2.1", py_version="py310",
                        sagemaker_session=sagemaker.Session(), output_path=f"s3://{training.bucket}/out")
    estimator.fit(wait=False, job_name=unique("two-hosts"))
    job = training.wait(estimator.latest_training_job.name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert training.artifact(job) == {"algo-1": b"2", "algo-2": b"2"}
