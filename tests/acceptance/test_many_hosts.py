"""Jobs of several hosts: names, one network, one ending, one model."""
import json

import pytest

from support.server import Server
from support.training import GROUP, Training, steps_of

TWO = {"ResourceConfig": {"InstanceCount": 2}}

# algo-1 listens, the other calls it until it answers.
PEER = """
import os, signal, socket, sys, time
def listen():
    return socket.create_server(("0.0.0.0", 7777))
def call():
    for _ in range(600):
        try:
            return socket.create_connection(("algo-1", 7777))
        except OSError:
            time.sleep(0.1)
    raise SystemExit("algo-1 does not answer")
"""

MEET = """
import json, os, socket, time
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
me = config["current_host"]
assert socket.gethostname() == me, socket.gethostname()
server = socket.create_server(("0.0.0.0", 7777))          # every host the same port
server.settimeout(60)
others = [host for host in config["hosts"] if host != me]
def call(host):
    until = time.time() + 60
    while True:
        try:
            return socket.create_connection((host, 7777), 5)
        except OSError:
            assert time.time() < until, host
            time.sleep(0.05)
calls = [call(host) for host in others]
for call in calls:
    call.sendall(me.ljust(16).encode())
heard = sorted(server.accept()[0].recv(16, socket.MSG_WAITALL).decode().strip() for _ in others)
assert heard == sorted(others), heard
links = [name for _, name in socket.if_nameindex()]
assert config["network_interface_name"] in links, links
print(me, "heard", ",".join(heard), flush=True)
json.dump(config, open(f"/opt/ml/model/{me}.json", "w"))
open("/opt/ml/model/same", "w").write(me)
open("/opt/ml/output/data/" + me, "w").write("data")
"""


def test_hosts_meet_by_name_and_leave_one_model(training):
    job = training.run(MEET, instance="ml.m5.large", **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = training.lines(job["TrainingJobName"])
    assert "algo-1 heard algo-2" in lines and "algo-2 heard algo-1" in lines
    model = training.artifact(job)
    assert sorted(model) == ["algo-1.json", "algo-2.json", "same"]
    assert model["same"] == b"algo-1"
    assert sorted(training.artifact(job, "output.tar.gz")) == ["algo-1", "algo-2"]
    assert json.loads(model["algo-2.json"]) == {
        "current_host": "algo-2", "current_instance_type": "ml.m5.large", "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth0",
        "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large",
                             "hosts": ["algo-1", "algo-2"]}]}


def test_each_host_has_a_stream_and_steps_are_told_once(training):
    job = training.run("print('here', flush=True)\n", **TWO)
    name = job["TrainingJobName"]
    streams = training.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=name + "/")["logStreams"]
    assert [stream["logStreamName"].split("/")[1].rsplit("-", 1)[0] for stream in streams] == ["algo-1", "algo-2"]
    assert [step["Status"] for step in steps_of(job)] == [
        "Starting", "Training", "Uploading", "Completed"]


def test_groups_number_their_hosts_in_a_row(training):
    request = training.request("""
import json
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
print(config["current_host"], config["current_group_name"], config["current_instance_type"], flush=True)
""")
    request["ResourceConfig"] = {"VolumeSizeInGB": 30, "InstanceGroups": [
        {"InstanceGroupName": "big", "InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
        {"InstanceGroupName": "small", "InstanceType": "ml.m5.large", "InstanceCount": 1}]}
    training.sagemaker.create_training_job(**request)
    job = training.wait(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = training.lines(job["TrainingJobName"])
    assert {line for line in lines if line.startswith("algo-")} == {
        "algo-1 big ml.m5.xlarge", "algo-2 big ml.m5.xlarge", "algo-3 small ml.m5.large"}


def test_the_first_host_to_finish_stops_nobody(training):
    job = training.run(PEER + """
if os.environ["SM_CURRENT_HOST"] == "algo-1":
    talk = listen().accept()
else:
    call().recv(1)  # the end of it: the first host's script is over
    time.sleep(1)
    open("/opt/ml/model/late", "w").write("worked to its end")
    print("the last line", flush=True)
""", **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "the last line" in training.lines(job["TrainingJobName"])
    assert training.artifact(job) == {"late": b"worked to its end"}


def test_the_first_host_to_fail_stops_the_rest(training):
    job = training.run(PEER + """
if os.environ["SM_CURRENT_HOST"] == "algo-2":
    call()  # answered when the first host is ready to be asked
    raise ValueError("of the second host")
def leave(*_):
    print("asked to leave", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
door = listen()
time.sleep(600)
""", **TWO)
    assert job["TrainingJobStatus"] == "Failed"
    assert "of the second host" in job["FailureReason"]
    assert "asked to leave" in training.lines(job["TrainingJobName"])


def test_a_stop_reaches_every_host(training):
    name = training.start("""
import os, signal, sys, time
def leave(*_):
    print(os.environ["SM_CURRENT_HOST"], "leaves", flush=True)
    open("/opt/ml/model/" + os.environ["SM_CURRENT_HOST"], "w").write("half")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print(os.environ["SM_CURRENT_HOST"], "up", flush=True)
time.sleep(600)
""", **TWO)
    training.wait_for_line(name, "algo-1 up")
    training.wait_for_line(name, "algo-2 up")
    training.sagemaker.stop_training_job(TrainingJobName=name)
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert {"algo-1 leaves", "algo-2 leaves"} <= set(training.lines(name))
    assert sorted(training.artifact(job)) == ["algo-1", "algo-2"]


def test_the_time_limit_ends_every_host(training):
    job = training.run("import time; time.sleep(600)\n", max_runtime=2, **TWO)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_metrics_of_all_hosts_are_one_list(training):
    job = training.run("""
import os
print("metric_" + os.environ["SM_CURRENT_HOST"][-1], "= 0.5;", flush=True)
""", AlgorithmSpecification={"MetricDefinitions": [{"Name": f"m{i}", "Regex": rf"metric_{i} = ([0-9.]+);"}
                                                   for i in (1, 2)]}, **TWO)
    assert sorted(metric["MetricName"] for metric in job["FinalMetricDataList"]) == ["m1", "m2"]


def test_a_script_reaches_the_server_from_its_private_network(training):
    job = training.run(f"""
import json, os, urllib.request
assert os.environ["AWS_ENDPOINT_URL"]
print(urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_sagelet/health", timeout=20).status, flush=True)
if "AWS_SESSION_TOKEN" not in os.environ:  # nodes of a cluster have the keys themselves
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
                                     headers={{"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}})
    assert json.load(urllib.request.urlopen(request, timeout=20))["AccessKeyId"]
""", **TWO)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.one_machine(
    "EnableNetworkIsolation with several instances is refused: hosts share the network of their nodes."))])
def test_isolation_leaves_no_way_to_the_server(training, count):
    job = training.run("""
import os, socket
try:
    host, port = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    socket.create_connection((host, int(port)), 5)
except OSError as error:
    print("no way:", error, flush=True)
else:
    raise SystemExit(3)
""", EnableNetworkIsolation=True, ResourceConfig={"InstanceCount": count})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert len([line for line in training.lines(job["TrainingJobName"]) if line.startswith("no way:")]) == count


@pytest.mark.one_machine("The network is the nodes' own: `jobs: network:` means nothing.")
@pytest.mark.parametrize("loopback", [False, True], ids=["nobody's network", "loopback"])
def test_hosts_meet_in_every_way(loopback):
    """As who is not root, and on aliases of the machine's loopback, where two hosts cannot have one port on 0.0.0.0."""
    way = {"config": "jobs:\n  network: loopback\n"} if loopback else {"environment": {"SAGELET_SANDBOX": "user namespaces"}}
    with Server(**way) as own:
        training = Training.on(own, "ways")
        job = training.run(MEET.replace('"0.0.0.0"', "me") if loopback else MEET, **TWO)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        interface = json.loads(training.artifact(job)["algo-2.json"])["network_interface_name"]
        assert interface == ("lo" if loopback else "eth0")


def test_without_mount_namespaces_the_failure_says_what_to_do():
    with Server(environment={"SAGELET_SANDBOX": "link under a lock"}) as own:
        job = Training.on(own, "ways").run("print(1)\n", **TWO)
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("ClientError: this machine gives us no mount namespaces")
        assert "InstanceCount" in job["FailureReason"]
