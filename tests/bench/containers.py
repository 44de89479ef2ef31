"""A job in a container beside its peers with the same image: `docker run`, and the local mode of SDK v2."""
import json
import pathlib
import shutil
import statistics
import subprocess
import time

import machine
from support import engine
from support.server import PYTHON, Server
from support.training import ROLE

IMAGE = "sagelet-bench/noop:1"
TRAIN = "sagelet-bench/train:1"  # with a program `train`, which is what both start by default
TIMES = 7


def request_of(name):
    return {"TrainingJobName": name, "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File",
                                       "ContainerEntrypoint": ["/bin/true"]},
            "OutputDataConfig": {"S3OutputPath": "s3://bench/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}}


def run_docker():
    began = time.monotonic()
    subprocess.run(["docker", "run", "--rm", "--entrypoint", "/bin/true", IMAGE], check=True, capture_output=True)
    return time.monotonic() - began


def wait_until_gone():
    """What the last job leaves behind must not weigh on the next one's rival."""
    while engine.containers():
        time.sleep(0.02)


def noop_in_docker(bench):
    engine.ensure_engine()
    if engine.docker("image", "inspect", IMAGE, check=False).returncode != 0:
        engine.make_image(IMAGE)
    ours, plain = [], []
    with Server() as server:
        requests = machine.Requests("127.0.0.1", server.port)
        requests.replay([requests.s3("PUT", "/bench")])
        for number in range(TIMES):
            ours.append(machine.run_job(requests, request_of(f"docker-noop-{number}")))
            wait_until_gone()
            plain.append(run_docker())
    return {"job": statistics.median(ours) * 1e3, "docker run": statistics.median(plain) * 1e3}


# ---- SDK v2's local mode

def has_compose():
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return plugin.returncode == 0 or shutil.which("docker-compose") is not None


def make_train_image():
    if engine.docker("image", "inspect", IMAGE, check=False).returncode != 0:
        engine.make_image(IMAGE)
    make = "echo '#!/bin/sh' >/usr/bin/train && /bin/busybox chmod 755 /usr/bin/train"
    dockerfile = f"FROM {IMAGE}\nRUN {json.dumps(['/bin/sh', '-c', make])}\n"
    subprocess.run(["docker", "build", "-q", "-t", TRAIN, "-"], input=dockerfile, text=True, check=True,
                   capture_output=True)


class LocalMode:
    """In a process of its own, whose imports are not counted; what it asks AWS goes to us."""

    def __init__(self, server):
        script = pathlib.Path(__file__).with_name("local_mode.py")
        self.process = subprocess.Popen([str(PYTHON), str(script), TRAIN], env=server.client_environment(), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def fit(self):
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        said = []
        for line in self.process.stdout:
            if line.startswith("seconds "):
                return float(line.split()[1])
            said.append(line)
        raise RuntimeError("local mode: " + "".join(said)[-600:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """compose leaves its containers and the SDK its network."""
        self.process.stdin.close()
        self.process.wait(30)
        left = engine.docker("ps", "-aq", "--filter", f"ancestor={TRAIN}").stdout.split()
        if left:
            engine.docker("rm", "-f", *left)
        engine.docker("network", "rm", "sagemaker-local", check=False)


def local_mode(bench):
    if not has_compose():
        raise RuntimeError("peer absent: local mode needs docker compose; apt-get install docker-compose")
    engine.ensure_engine()
    if engine.docker("image", "inspect", TRAIN, check=False).returncode != 0:
        make_train_image()
    ours, theirs = [], []
    with Server() as server, LocalMode(server) as peer:
        requests = machine.Requests("127.0.0.1", server.port)
        requests.replay([requests.s3("PUT", "/bench")])
        peer.fit()  # its first one makes the network
        for number in range(5):
            request = request_of(f"train-{number}")
            request["AlgorithmSpecification"] = {"TrainingImage": TRAIN, "TrainingInputMode": "File"}
            ours.append(machine.run_job(requests, request))
            wait_until_gone()
            theirs.append(peer.fit())
    return {"job": statistics.median(ours) * 1e3, "local mode's fit": statistics.median(theirs) * 1e3,
            "times faster": statistics.median(theirs) / statistics.median(ours)}
