"""Training jobs beyond one no-op: many in the queue, two hosts, large channels, loud logs. No cloud, no docker."""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time

import machine
from support.server import Server
from support.training import GROUP, ROLE, SKLEARN, source_archive

JOBS = 100
SPIN = 0.2  # CPU seconds of a job that has something to do
LINES = 200_000
CHANNEL = 1_000_000_000
FILES = 1_000
QUEUE = "jobs:\n  cores_per_job: 1\n"
KEPT = "durability: process\n"  # records as with --ephemeral, but in a folder that can be looked into


def request_of(name, hosts=1, **fields):
    values = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://bench/sourcedir.tar.gz"}
    return {"TrainingJobName": name, "RoleArn": ROLE, "HyperParameters": {k: json.dumps(v) for k, v in values.items()},
            "AlgorithmSpecification": {"TrainingImage": SKLEARN, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://bench/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600}, **fields}


def ready(server, script):
    """Requests of a server that has the script."""
    requests = machine.Requests("127.0.0.1", server.port)
    archive = source_archive({"train.py": script})
    requests.replay([requests.s3("PUT", "/bench"), requests.s3("PUT", "/bench/sourcedir.tar.gz", archive)])
    return requests


# ---- the queue

def run_queue(script):
    """Seconds for JOBS jobs, CPU seconds of the server and all that it started, and the share of time in which a core
    had a job, seen each 5 ms."""
    with Server(config=QUEUE) as server:
        requests = ready(server, script)
        creates = [requests.sagemaker("CreateTrainingJob", request_of(f"queued-{number}")) for number in range(JOBS)]
        cpu, began, seen = machine.cpu_seconds(server.pid, children=True), time.monotonic(), []
        requests.replay(creates, 8)
        while (jobs := server.status()["jobs"])["queued"] + jobs["running"]:
            seen.append(jobs["running"])
            time.sleep(0.005)
        took = time.monotonic() - began
        time.sleep(0.3)  # the last runner's own end
        return took, machine.cpu_seconds(server.pid, children=True) - cpu, statistics.mean(seen)


def queue(bench):
    cores = os.cpu_count()
    took, cpu, running = run_queue("print('nothing to do')\n")
    busy_took, _, busy_running = run_queue(f"import time\nwhile time.process_time() < {SPIN}: pass\n")
    return {"no-op: jobs per second": JOBS / took, "no-op: % of cores that have a job": running / cores * 100,
            "no-op: % of cores' time used": cpu / took / cores * 100,
            "0.2 s of work: % of cores that have a job": busy_running / cores * 100,
            "0.2 s of work: % of cores' time in scripts": JOBS * SPIN / busy_took / cores * 100}


# ---- hosts

def network_ms(server):
    """What the leading runners say in their logs; failed jobs' folders stay."""
    texts = (log.read_text() for log in (server.data / "jobs").glob("*/runner.log"))
    return [int(found.group(1)) / 1e3 for text in texts
            for found in [re.search(r"a private network for 2 hosts, made in (\d+) us", text)] if found]


def two_hosts(bench):
    """The network, and a whole job of two hosts beside one of one."""
    one, two = [], []
    with Server(config=KEPT, ephemeral=False) as server:
        requests = ready(server, "print('nothing to do')\n")
        for number in range(7):
            one.append(machine.run_job(requests, request_of(f"one-{number}")))
            two.append(machine.run_job(requests, request_of(f"two-{number}", hosts=2)))
        ready(server, "raise SystemExit(1)\n")
        for number in range(7):
            machine.run_job(requests, request_of(f"kept-{number}", hosts=2), end="Failed")
        networks = network_ms(server)
    if not networks:
        raise RuntimeError("no job of two hosts had a private network: `sagelet doctor` says why")
    return {"network": statistics.median(networks), "no-op, one host": statistics.median(one) * 1e3,
            "no-op, two hosts": statistics.median(two) * 1e3}


# ---- a channel of 1 GB

def make_files(folder, count):
    block = os.urandom(1_000_000)
    folder.mkdir(parents=True)
    for number in range(count):
        with open(folder / f"{number:05}.bin", "wb") as file:
            for _ in range(CHANNEL // count // len(block)):
                file.write(block)


def upload(server, folder):
    import boto3  # the bench starts without it
    s3 = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="test",
                      aws_secret_access_key="test")
    for file in sorted(folder.iterdir()):
        s3.upload_file(str(file), "bench", f"{folder.name}/{file.name}")


def download_seconds(requests, name, prefix):
    """The step Downloading of a job, as DescribeTrainingJob tells it."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://bench/{prefix}/", "S3DataDistributionType": "FullyReplicated"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    machine.run_job(requests, request_of(name, InputDataConfig=[channel]))
    told = requests.call("DescribeTrainingJob", {"TrainingJobName": name})
    step = next(step for step in told["SecondaryStatusTransitions"] if step["Status"] == "Downloading")
    return step["EndTime"] - step["StartTime"]


def copy_seconds(source, target):
    began = time.monotonic()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    took = time.monotonic() - began
    shutil.rmtree(target)
    return took


def channel(bench):
    """The same bytes as one object and as many; `cp` of the same files on the same disk."""
    rates = {}
    with Server(config=KEPT, ephemeral=False) as server:
        requests = ready(server, "print('nothing to do')\n")
        for label, count in (("1 file", 1), (f"{FILES:,} files", FILES)):
            folder = pathlib.Path(server.folder) / f"files-{count}"
            make_files(folder, count)
            upload(server, folder)
            ours, theirs = [], []
            for number in range(3):
                ours.append(download_seconds(requests, f"channel-{count}-{number}", folder.name))
                theirs.append(copy_seconds(folder, server.folder / "copy"))
            rates[f"{label}: MB/s"] = CHANNEL / 1e6 / statistics.median(ours)
            rates[f"{label}: cp, MB/s"] = CHANNEL / 1e6 / statistics.median(theirs)
    return rates


# ---- logs

LOUD = f"""
import sys, time
print(time.time())
for number in range({LINES}):
    sys.stdout.write("line %07d: loss=0.25 accuracy=0.75 and so on and so forth\\n" % number)
print("the end")
"""


def stream_of(requests, name):
    """Its log stream, once it is there."""
    while True:
        try:
            prefix = {"logGroupName": GROUP, "logStreamNamePrefix": name}
            if streams := requests.call("DescribeLogStreams", prefix)["logStreams"]:
                return {"logGroupName": GROUP, "logStreamName": streams[0]["logStreamName"]}
        except RuntimeError:  # no group before the first job's first line
            time.sleep(0.01)


def last_line(requests, stream):
    events = requests.call("GetLogEvents", {**stream, "limit": 1})["events"]
    return events[-1]["message"] if events else None


def count_lines(requests, stream):
    """All that can be read, page by page, and what the first line says."""
    page = requests.call("GetLogEvents", {**stream, "startFromHead": True})
    first, count = page["events"][0]["message"], 0
    while page["events"]:
        count += len(page["events"])
        page = requests.call("GetLogEvents", {**stream, "startFromHead": True, "nextToken": page["nextForwardToken"]})
    return count, first


def log_lines(bench):
    """Lines per second from the first print to the moment when the last line can be read."""
    with Server() as server:
        requests = ready(server, LOUD)
        requests.call("CreateTrainingJob", request_of("loud"))
        stream = stream_of(requests, "loud")
        while last_line(requests, stream) != "the end":
            time.sleep(0.01)
        ended = time.time()
        count, began = count_lines(requests, stream)
        if count != LINES + 2:
            raise RuntimeError(f"{count} lines of {LINES + 2} can be read")
        machine.wait_for_job(requests, "loud")
    return {"lines per second": LINES / (ended - float(began))}
