"""A job in a container beside `docker run` of the same image, interleaved."""
import statistics
import subprocess
import time

import machine
from support import engine
from support.server import Server
from support.training import ROLE

IMAGE = "sagelet-bench/noop:1"
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
