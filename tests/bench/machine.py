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


def cpu_seconds(pid, children=False):
    """User and system time of a process with all its threads, and of its children that ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15 if children else 13])) / TICK


def anonymous_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+)", text, re.MULTILINE).group(1)) / 1024


def peak_mb(pid):
    """Most resident memory since clear_peak(); mapped files count, but our bodies are written, not mapped."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+)", text, re.MULTILINE).group(1)) / 1024


def clear_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


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

    def __init__(self, host, port, **key):
        self.host, self.port = host, port
        self.name = f"{host}:{port}"
        self.signers = {service: Signer(self.name, service, **key) for service in ("s3", "sagemaker", "logs")}
        self.connection = None

    def sagemaker(self, operation, body):
        """A JSON call; the log calls among them go to their service."""
        text = json.dumps(body).encode()
        service, target = ("logs", "Logs_20140328") if "Log" in operation else ("sagemaker", "SageMaker")
        headers = self.signers[service].headers("POST", "/", body=text, headers={
            "content-type": "application/x-amz-json-1.1", "x-amz-target": f"{target}.{operation}"})
        headers["content-length"] = str(len(text))
        return head_bytes("POST", "/", headers) + text

    def s3(self, method, path, body=b"", more=None):
        headers = self.signers["s3"].headers(method, path, body=body, headers=more)
        if method in ("PUT", "POST"):
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

    def exchange(self, request):
        """One request's answer, on a connection that stays."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
            self.connection.connect()
        self.connection.sock.sendall(request)
        response = http.client.HTTPResponse(self.connection.sock)
        response.begin()
        answer = response.read()
        if response.will_close:
            self.connection.close()
            self.connection = None
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {answer[:400]}")
        return answer

    def call(self, operation, body):
        return json.loads(self.exchange(self.sagemaker(operation, body)) or b"{}")

    def cost(self, pid, requests, connections=1, seconds=None):
        """The same, with the server's CPU in microseconds a request."""
        before = cpu_seconds(pid)
        told = self.replay(requests, connections, seconds)
        told["cpu_us"] = (cpu_seconds(pid) - before) / max(1, told["requests"]) * 1e6
        return told


def wait_for_job(requests, name, end="Completed"):
    """Polls each millisecond, so that waiting costs nothing to speak of."""
    while (job := requests.call("DescribeTrainingJob", {"TrainingJobName": name}))["TrainingJobStatus"] == "InProgress":
        time.sleep(0.001)
    if job["TrainingJobStatus"] != end:
        raise RuntimeError(f"{name}: {job['TrainingJobStatus']}, {job.get('FailureReason')}")


def run_job(requests, request, end="Completed"):
    """Seconds from CreateTrainingJob to the end that is expected."""
    began = time.monotonic()
    requests.call("CreateTrainingJob", request)
    wait_for_job(requests, request["TrainingJobName"], end)
    return time.monotonic() - began
