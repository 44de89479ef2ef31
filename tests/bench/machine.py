"""What a process costs, read from /proc, and the load generator."""
import http.client
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import time

from support.server import ROOT
from support.wire import Signer, head_bytes

TICK = os.sysconf("SC_CLK_TCK")
LOAD = ROOT / "build" / "bench" / "load"


def cpu_seconds(pid):
    """User and system time of a process with all its threads, and of its children that ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def anonymous_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+)", text, re.MULTILINE).group(1)) / 1024


def pinned(command, core):
    """On one core when there are two: the server on 0, the load on 1."""
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core), *command]
    return command


def pin(pid, core):
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        subprocess.run(["taskset", "-a", "-c", "-p", str(core), str(pid)], stdout=subprocess.DEVNULL, check=False)


class Requests:
    """Signed requests, ready to be replayed."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.name = f"{host}:{port}"
        self.signers = {service: Signer(self.name, service) for service in ("s3", "sagemaker")}

    def sagemaker(self, operation, body):
        text = json.dumps(body).encode()
        headers = self.signers["sagemaker"].headers("POST", "/", body=text, headers={
            "content-type": "application/x-amz-json-1.1", "x-amz-target": f"SageMaker.{operation}"})
        headers["content-length"] = str(len(text))
        return head_bytes("POST", "/", headers) + text

    def s3(self, method, path, body=b""):
        headers = self.signers["s3"].headers(method, path, body=body)
        if method == "PUT":
            headers["content-length"] = str(len(body))
        return head_bytes(method, path, headers) + body

    def replay(self, requests, connections=1, seconds=None):
        """Sends them from core 1; gives the generator's figures."""
        with tempfile.NamedTemporaryFile(suffix=".requests") as file:
            for request in requests:
                file.write(struct.pack("<I", len(request)) + request)
            file.flush()
            how = ["each"] if seconds is None else ["seconds", str(seconds)]
            command = [str(LOAD), self.host, str(self.port), file.name, str(connections), *how]
            done = subprocess.run(pinned(command, 1), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        told = json.loads(done.stdout)
        if told["bad"]:
            raise RuntimeError(f"{told['bad']} of {told['requests']} answers were bad: {done.stderr}")
        return told

    def cost(self, pid, requests, connections=1, seconds=None):
        """The same, with the server's CPU in microseconds a request."""
        before = cpu_seconds(pid)
        told = self.replay(requests, connections, seconds)
        told["cpu_us"] = (cpu_seconds(pid) - before) / max(1, told["requests"]) * 1e6
        return told


def run_job(requests, request):
    """Seconds from CreateTrainingJob to Completed. Polls each millisecond on one connection, so that waiting costs
    nothing to speak of."""
    connection = http.client.HTTPConnection(requests.host, requests.port, timeout=60)
    connection.connect()

    def call(operation, body):
        connection.sock.sendall(requests.sagemaker(operation, body))
        response = http.client.HTTPResponse(connection.sock)
        response.begin()
        return json.loads(response.read() or b"{}")

    began = time.monotonic()
    call("CreateTrainingJob", request)
    name = {"TrainingJobName": request["TrainingJobName"]}
    while (job := call("DescribeTrainingJob", name))["TrainingJobStatus"] == "InProgress":
        time.sleep(0.001)
    if job["TrainingJobStatus"] != "Completed":
        raise RuntimeError(job.get("FailureReason"))
    return time.monotonic() - began
