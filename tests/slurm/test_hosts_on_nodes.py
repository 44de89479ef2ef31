"""Jobs of several hosts on several nodes: one network, one ending, one model, and nothing that stays behind."""
import io
import json
import os
import signal
import socket
import subprocess
import tarfile

import pytest

from acceptance.test_distributed import MPI, PYTHON, mpi
from acceptance.test_many_hosts import MEET
from slurm.stands import eventually, server_on
from support.processes import command, gone_within, marked, parent
from support.slurm_cluster import MARK
from support.training import Training

TWO = {"ResourceConfig": {"InstanceCount": 2}}

# The nodes of a test's cluster are one machine: what listens on one port of it needs an address of its own.
MEET_HERE = MEET.replace('"0.0.0.0"', "me")

WAITS = """
import os, signal, sys, time
def leave(*_):
    print(os.environ["SM_CURRENT_HOST"], "leaves", flush=True)
    open("/opt/ml/model/" + os.environ["SM_CURRENT_HOST"], "w").write("half")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print(os.environ["SM_CURRENT_HOST"], "up", flush=True)
time.sleep(600)
"""


CONFIG = """
advertise: http://127.0.0.1:{port}
placement: slurm
slurm:
  folder: {folder}
  options: ["--exclude=n3"]
  instance_types:
    ml.m5.large: {{ cpus: 1, memory: 1GB }}
jobs:
  stop_grace_seconds: 5
"""


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory):
    """Jobs' folders on every node: the runner is sent there, too."""
    return tmp_path_factory.mktemp("node")


@pytest.fixture(scope="module")
def server(cluster, node_folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = CONFIG.replace("{folder}", str(node_folder)).replace("{port}", str(port))
    with server_on(cluster, config, environment={"SAGELET_PYTHON": PYTHON}) as running:
        running.advertised = f"http://127.0.0.1:{port}"
        yield running


def is_up(cluster, node):
    return cluster.node_state(node) in ("idle", "mixed")  # mixed: of a job that the node did not survive


@pytest.fixture
def n2_apart(cluster, server, node_folder):
    """The second node has its own disk: neither the server's data nor what the first node has is there."""
    cluster.kill_daemon("n2")
    hides = " && ".join(f"mount -t tmpfs own {folder}" for folder in (node_folder, server.folder))
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{hides} && exec slurmd -D -N n2"]
    mark = {MARK: f"{cluster.folder}:n2"}
    cluster.daemons["n2"] = subprocess.Popen(words, env=cluster.environment(**mark), cwd=cluster.folder, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    pid = cluster.daemons["n2"].pid
    assert eventually(lambda: command(pid).startswith("slurmd ") and is_up(cluster, "n2")), (command(pid), cluster.node_state("n2"))
    yield lambda: subprocess.run(["nsenter", f"--target={pid}", "--mount", "ls", node_folder], capture_output=True, text=True,
                                 check=True, timeout=20).stdout.split()
    cluster.restart_daemon("n2")


def both_wait(training):
    name = training.start(WAITS, **TWO)
    for host in ("algo-1", "algo-2"):
        training.wait_for_line(name, f"{host} up")
    return name


def host_on(node):
    """(what srun started there, the host's runner below it)"""
    found = [pid for pid in marked(f"SLURMD_NODENAME={node}\0") if command(pid).endswith(" --step-host")]
    task = next(pid for pid in found if parent(pid) not in found)
    return task, next(pid for pid in found if parent(pid) == task)


def what_is_left(cluster, folder):
    """Processes of jobs, and their files."""
    left = [command(pid) for pid in marked(f"SLURM_CONF={cluster.config}\0") if "sagelet-runner" in command(pid)]
    return left + [str(path) for path in folder.glob("sagelet-*") if not path.name.startswith("sagelet-pip-cache")]


def test_hosts_meet_by_name_and_leave_one_model(training):
    job = training.run(MEET_HERE, instance="ml.m5.large", **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = training.lines(job["TrainingJobName"])
    assert "algo-1 heard algo-2" in lines and "algo-2 heard algo-1" in lines
    model = training.artifact(job)
    assert sorted(model) == ["algo-1.json", "algo-2.json", "same"]
    assert model["same"] == b"algo-1"
    assert sorted(training.artifact(job, "output.tar.gz")) == ["algo-1", "algo-2"]
    assert json.loads(model["algo-2.json"])["network_interface_name"] == "lo"
    stored = training.s3.list_objects_v2(Bucket=training.bucket, Prefix=f"out/{job['TrainingJobName']}/")["Contents"]
    assert [item["Key"].rsplit("/", 1)[1] for item in stored] == ["model.tar.gz", "output.tar.gz"]


def test_a_script_on_any_node_is_the_jobs_role_directly_and_by_the_proxy(training, server):
    job = training.run("""
import os, ssl, urllib.request
import urllib.error
me, url = os.environ["SM_CURRENT_HOST"], os.environ["AWS_ENDPOINT_URL"]
assert "AWS_SESSION_TOKEN" in os.environ
print(me, "at", url, urllib.request.urlopen(url + "/_sagelet/health", timeout=20).status, flush=True)
context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
try:
    opener.open("https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15", timeout=20)
except urllib.error.HTTPError as answer:  # unsigned: it is ours that says so, in TLS by our authority
    print(me, "by the proxy", answer.code, b"MissingAuthenticationToken" in answer.read(), flush=True)
""", **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = training.lines(job["TrainingJobName"])
    for host in ("algo-1", "algo-2"):
        assert f"{host} at {server.advertised} 200" in lines
        assert f"{host} by the proxy 403 True" in lines


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")
def test_a_node_needs_nothing_of_the_others_but_the_network(training, n2_apart):
    job = training.run(MEET_HERE, **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert sorted(training.artifact(job)) == ["algo-1.json", "algo-2.json", "same"]
    assert eventually(lambda: all(name.startswith("sagelet-pip-cache") for name in n2_apart())), n2_apart()


def test_links_and_modes_come_home_from_another_node(training):
    job = training.run("""
import os
me = os.environ["SM_CURRENT_HOST"]
os.makedirs(f"/opt/ml/model/{me}/empty")
open(f"/opt/ml/model/{me}/run", "w").write("#!/bin/sh")
os.chmod(f"/opt/ml/model/{me}/run", 0o755)
os.symlink(f"/opt/ml/model/{me}/run", f"/opt/ml/model/{me}/link")
""", **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    key = f"out/{job['TrainingJobName']}/output/model.tar.gz"
    data = training.s3.get_object(Bucket=training.bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for host in ("algo-1", "algo-2"):
            assert tar.getmember(f"{host}/run").mode == 0o755
            assert tar.getmember(f"{host}/link").linkname == f"/opt/ml/model/{host}/run"
            assert tar.getmember(f"{host}/empty").isdir()


def test_mpirun_reduces_over_all_nodes(training):
    job = training.run(MPI, hyperparameters=mpi(), **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert training.artifact(job) == {"sum": b"10"}


def test_the_first_host_to_fail_stops_the_rest(training):
    job = training.run(WAITS.replace("time.sleep(600)", """
if os.environ["SM_CURRENT_HOST"] == "algo-2":
    raise ValueError("of the second host")
time.sleep(600)
"""), **TWO)
    assert job["TrainingJobStatus"] == "Failed"
    assert "of the second host" in job["FailureReason"]


def test_a_stop_reaches_every_host_and_nothing_stays(training, cluster, node_folder):
    name = both_wait(training)
    training.sagemaker.stop_training_job(TrainingJobName=name)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert {"algo-1 leaves", "algo-2 leaves"} <= set(training.lines(name))
    assert sorted(training.artifact(job)) == ["algo-1", "algo-2"]
    assert eventually(lambda: not what_is_left(cluster, node_folder)), what_is_left(cluster, node_folder)


@pytest.mark.parametrize("which", [0, 1], ids=["what srun started", "its runner"])
def test_a_host_that_dies_ends_the_job_and_asks_the_others_to_leave(training, cluster, node_folder, which):
    name = both_wait(training)
    os.kill(host_on("n2")[which], signal.SIGKILL)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: ") and "n2" in job["FailureReason"]
    assert "algo-1 leaves" in training.lines(name)
    assert eventually(lambda: not what_is_left(cluster, node_folder)), what_is_left(cluster, node_folder)


def test_a_node_that_dies_ends_the_job_with_its_name(training, cluster):
    name = both_wait(training)
    cluster.kill_node("n2")
    cluster.run("scontrol", "update", "nodename=n2", "state=down", "reason=power")  # as slurmctld after SlurmdTimeout
    try:
        job = training.wait(name)
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError: ") and "n2" in job["FailureReason"]
    finally:
        cluster.start_daemon("n2")
        cluster.run("scontrol", "update", "nodename=n2", "state=resume", check=False)
        assert eventually(lambda: is_up(cluster, "n2")), cluster.node_state("n2")


def test_a_leader_that_is_killed_takes_every_host_with_it(training, cluster):
    name = both_wait(training)
    leader = parent(next(pid for pid in marked("SLURMD_NODENAME=n1\0") if command(pid).startswith("srun ")))
    if command(leader).startswith("srun "):
        leader = parent(leader)
    os.kill(leader, signal.SIGKILL)
    assert training.wait(name)["TrainingJobStatus"] == "Failed"
    assert eventually(lambda: not [pid for pid in marked(f"SLURM_CONF={cluster.config}\0") if "--step-host" in command(pid)])


def test_isolation_of_several_hosts_is_refused_with_the_remedy(training):
    job = training.run("print(1)\n", EnableNetworkIsolation=True, **TWO)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ") and "EnableNetworkIsolation" in job["FailureReason"]


def test_logs_and_reports_wait_on_the_nodes_for_a_server_that_is_away(training, server):
    name = training.start("""
import os, time
print("first", flush=True)
began = time.time()
while time.time() < began + 3:
    print("more", flush=True)
    time.sleep(0.05)
open("/opt/ml/model/" + os.environ["SM_CURRENT_HOST"], "w").write("x")
print("last", flush=True)
""", **TWO)
    training.wait_for_line(name, "first")
    server.kill()
    assert not gone_within(f"TRAINING_JOB_NAME={name}\0", 60)  # it has ended, and nobody is there to hear it
    server.start()
    training = Training(*server.clients("sagemaker", "s3", "logs"), training.bucket)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert sorted(training.artifact(job)) == ["algo-1", "algo-2"]
    assert [training.lines(name).count(word) for word in ("first", "last")] == [2, 2]
