"""The figures: each knows how to take itself once, for each contestant. bench.py interleaves and sums up."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import containers
import machine
import s3
import slurm
import training
from support.server import PYTHON, SAGELET, Server, clean_environment
from support.training import ROLE, SKLEARN, source_archive

JOBS, OBJECTS = (int(os.environ.get(name, size)) for name, size in (("JOBS", 10_000), ("OBJECTS", 100_000)))
SECONDS = 2.0
# Signatures are verified in full while we measure; the key is the one that support.wire signs with.
STRICT = """
auth:
  mode: strict
  accounts:
    - { id: "000000000000", name: bench, keys: [ { access_key: test, secret_key: test } ] }
"""
UNKNOWN_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/never-run:1"


def job_request(name, image=SKLEARN, source=None):
    values = {"epochs": 1, "batch-size": 64, "lr": 0.001}
    if source:
        values.update(sagemaker_program="train.py", sagemaker_submit_directory=source)
    return {
        "TrainingJobName": name, "RoleArn": ROLE, "HyperParameters": {k: json.dumps(v) for k, v in values.items()},
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File", "MetricDefinitions": [
            {"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
        "OutputDataConfig": {"S3OutputPath": "s3://bench/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600}, "Tags": [{"Key": "bench", "Value": "1"}]}


class Bench:
    """A server with a full store, shared by the figures that need one; made at first use."""

    def __init__(self, jobs=JOBS, objects=OBJECTS):
        self.jobs, self.objects = jobs, objects
        self.server = None

    def start(self):
        if self.server is None:
            self.server = Server(config=STRICT, ephemeral=False)
            self.server.start()
            machine.pin(self.server.pid, 0)
            self.requests = machine.Requests("127.0.0.1", self.server.port)
            self.idle_mb = machine.anonymous_mb(self.server.pid)
            self.requests.replay([self.requests.s3("PUT", "/bench")])
        return self

    def fill(self):
        """Jobs of an image nobody knows end at once, so the store is full and the machine is free."""
        self.start()
        if not hasattr(self, "filled"):
            for at in range(0, self.jobs, 2000):
                self.requests.replay([self.requests.sagemaker("CreateTrainingJob", job_request(
                    f"fill-{number:06}", UNKNOWN_IMAGE)) for number in range(at, min(at + 2000, self.jobs))], 8)
            for at in range(0, self.objects, 10_000):
                self.requests.replay([self.requests.s3("PUT", f"/bench/fill/{number:06}", b"x" * 100)
                                      for number in range(at, min(at + 10_000, self.objects))], 16)
            self.filled = True
        return self

    def close(self):
        if self.server is not None:
            self.server.stop()
            self.server.remove()
            self.server = None


def noop_job(bench):
    """Seconds from CreateTrainingJob to Completed by the API, beside plain python of the same script."""
    script = "print('nothing to do')\n"
    server = Server().start()
    try:
        requests = machine.Requests("127.0.0.1", server.port)
        archive = source_archive({"train.py": script})
        requests.replay([requests.s3("PUT", "/bench"), requests.s3("PUT", "/bench/sourcedir.tar.gz", archive)])
        ours = [machine.run_job(requests, job_request(f"noop-{number}", source="s3://bench/sourcedir.tar.gz"))
                for number in range(8)]
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write(script)
            file.flush()
            plain = [timed([str(PYTHON), file.name]) for _ in range(8)]
    finally:
        server.stop()
        server.remove()
    return {"job": statistics.median(ours) * 1e3, "plain python": statistics.median(plain) * 1e3}


def timed(command):
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def ready_line(*options):
    """Milliseconds from fork to the ready line."""
    began = time.monotonic()
    process = subprocess.Popen([str(SAGELET), "serve", "--port", "0", *options], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, env=clean_environment())
    line = process.stdout.readline()
    took = time.monotonic() - began
    process.terminate()
    process.wait(30)
    if not line.startswith("sagelet ready"):
        raise RuntimeError(f"serve said {line!r}")
    return took * 1e3


def start_empty(bench):
    return {"ready": statistics.median(ready_line("--ephemeral") for _ in range(9))}


def start_full(bench):
    """On a copy of the full store, so that the one being measured goes on."""
    bench.fill()
    with tempfile.TemporaryDirectory(prefix="sagelet-bench-") as folder:
        bench.server.stop()
        shutil.copytree(bench.server.data, pathlib.Path(folder) / "data", symlinks=True)
        bench.server.start()
        machine.pin(bench.server.pid, 0)
        bench.requests = machine.Requests("127.0.0.1", bench.server.port)
        return {"ready": statistics.median(ready_line("--data", f"{folder}/data") for _ in range(3))}


def memory(bench):
    bench.start()
    idle = bench.idle_mb
    bench.requests.replay([bench.requests.s3("PUT", "/bench/small", os.urandom(4096))])
    bench.requests.replay([bench.requests.s3("GET", "/bench/small")], 32, SECONDS)
    describe(bench)
    return {"idle": idle, "after load": machine.anonymous_mb(bench.server.pid)}


def describe_requests(bench, count=200):
    return [bench.requests.sagemaker("DescribeTrainingJob", {"TrainingJobName": f"fill-{number:06}"})
            for number in range(0, bench.jobs, max(1, bench.jobs // count))]


def describe(bench):
    bench.fill()
    told = bench.requests.cost(bench.server.pid, describe_requests(bench), 32, SECONDS)
    return {"cpu us": told["cpu_us"], "per second": told["requests"] / told["seconds"]}


def describe_poll(bench):
    bench.fill()
    told = bench.requests.cost(bench.server.pid, describe_requests(bench), 256, SECONDS)
    return {"p99 ms": told["p99_us"] / 1e3, "3 x 256 x cpu, ms": 3 * 256 * told["cpu_us"] / 1e3}


def list_jobs(bench):
    bench.fill()
    request = bench.requests.sagemaker("ListTrainingJobs", {"MaxResults": 100, "SortBy": "CreationTime",
                                                            "SortOrder": "Descending"})
    return {"cpu us": bench.requests.cost(bench.server.pid, [request], 8, SECONDS)["cpu_us"]}


def create_job(bench):
    """Without a sync a record survives kill -9, which is what the aim is for; the difference to `power` is the shared
    sync. Jobs of an image nobody knows, so that only the API is measured; both servers in turn, for the load of others
    moves these figures as much."""
    bench.start()
    unsynced = Server("--config", bench.server.folder / "sagelet.yaml", ephemeral=True).start()
    try:
        machine.pin(unsynced.pid, 0)
        requests = machine.Requests("127.0.0.1", unsynced.port)
        requests.replay([requests.s3("PUT", "/bench")])
        rounds = [(create_many(bench.server, bench.requests), create_many(unsynced, requests)) for _ in range(3)]
    finally:
        unsynced.stop()
        unsynced.remove()
    synced, alone = (statistics.median(pair[place]["cpu_us"] for pair in rounds) for place in (0, 1))
    return {"cpu us, unsynced": alone, "cpu us, synced": synced, "the shared sync, cpu us": synced - alone,
            "per second, synced": statistics.median(pair[0]["requests"] / pair[0]["seconds"] for pair in rounds)}


def create_many(server, requests):
    name = f"create-{os.getpid()}-{time.monotonic_ns()}"
    return requests.cost(server.pid, [requests.sagemaker(
        "CreateTrainingJob", job_request(f"{name}-{number}", UNKNOWN_IMAGE)) for number in range(8000)], 32)


# name: (function, {value: aim}); an aim is an upper bound, a negative one a lower bound.
FIGURES = {
    "no-op job, ms": (noop_job, {"job": None}),
    "no-op in docker, ms": (containers.noop_in_docker, {"job": None}),
    "no-op in docker, beside SDK v2's local mode, ms": (containers.local_mode, {"times faster": -8}),
    "no-op on Slurm, ms": (slurm.noop_job, {"job": None}),
    "1,000 jobs in Slurm's queue": (slurm.queue, {}),
    "100 jobs in the queue": (training.queue, {"no-op: % of cores that have a job": -90}),
    "two hosts, ms": (training.two_hosts, {"network": 60}),
    "a channel of 1 GB": (training.channel, {}),
    "log lines": (training.log_lines, {}),
    "start empty, ms": (start_empty, {"ready": 10}),
    "start with 10,000 jobs and 100,000 objects, ms": (start_full, {"ready": 150}),
    "anonymous memory, MB": (memory, {"idle": 8, "after load": 40}),
    "DescribeTrainingJob": (describe, {"cpu us": 45}),
    "DescribeTrainingJob, 256 pollers": (describe_poll, {"p99 ms": None}),
    "ListTrainingJobs, 100 of 10,000": (list_jobs, {"cpu us": 400}),
    "CreateTrainingJob": (create_job, {"cpu us, unsynced": 80}),
    **s3.FIGURES,
}
