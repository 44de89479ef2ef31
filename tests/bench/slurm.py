"""Jobs on a Slurm cluster of this machine: one beside `sbatch --wait` of the same script, and a thousand in the queue."""
import os
import statistics
import subprocess
import time

import machine
import training
from support.server import BIN, PYTHON, Server
from support.slurm_cluster import Cluster

SCRIPT = "print('nothing to do')\n"
TIMES = 7
QUEUED = int(os.environ.get("QUEUED", "1000"))
CONFIG = f"""
placement: slurm
slurm: {{ runner: {BIN.resolve() / 'sagelet-runner'} }}
jobs: {{ cores_per_job: 1, memory_per_job_mb: 256 }}
"""


def server_on(cluster):
    return Server(config=CONFIG, environment=cluster.exports(), ephemeral=False)


def batch(cluster):
    began = time.monotonic()
    subprocess.run(["sbatch", "--wait", "--quiet", "--chdir=/", "--output=/dev/null"], text=True, check=True,
                   input=f"#!/bin/sh\nexec {PYTHON} -c \"{SCRIPT.strip()}\"\n", env=cluster.environment())
    return time.monotonic() - began


def completed(cluster):
    """Until slurmctld has the job as ended: sbatch --wait looks every two seconds or less often."""
    began = time.monotonic()
    number = cluster.run("sbatch", "--parsable", "--chdir=/", "--output=/dev/null",
                         input=f"#!/bin/sh\nexec {PYTHON} -c \"{SCRIPT.strip()}\"\n")
    while cluster.job(number)["JobState"] != "COMPLETED":
        time.sleep(0.01)
    return time.monotonic() - began


def noop_job(bench):
    ours, waited, ended = [], [], []
    with Cluster() as cluster, server_on(cluster) as server:
        requests = training.ready(server, SCRIPT)
        for number in range(TIMES):
            ours.append(machine.run_job(requests, training.request_of(f"slurm-{number}")))
            waited.append(batch(cluster))
            ended.append(completed(cluster))
    return {"job": statistics.median(ours) * 1e3, "sbatch --wait": statistics.median(waited) * 1e3,
            "sbatch until COMPLETED": statistics.median(ended) * 1e3}


def queue(bench):
    """A thousand jobs in the queue: what the server spends, and how it answers meanwhile."""
    with Cluster(cpus=4) as cluster, server_on(cluster) as server:
        requests = training.ready(server, SCRIPT)
        creates = [requests.sagemaker("CreateTrainingJob", training.request_of(f"queued-{n}")) for n in range(QUEUED)]
        began = time.monotonic()
        requests.replay(creates, 8)
        created = time.monotonic() - began
        cpu, slow = machine.cpu_seconds(server.pid), []
        while (jobs := server.status()["jobs"])["queued"] + jobs["running"]:
            asked = time.monotonic()
            requests.call("DescribeTrainingJob", {"TrainingJobName": f"queued-{len(slow) * 7 % QUEUED}"})
            slow.append(time.monotonic() - asked)
            time.sleep(0.01)
        took = time.monotonic() - began
        used = machine.cpu_seconds(server.pid) - cpu
    return {"created in, s": created, "drained in, s": took, "server's CPU, % of a core": used / took * 100,
            "DescribeTrainingJob p99, ms": statistics.quantiles(slow, n=100)[98] * 1e3}
