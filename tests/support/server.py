"""A Sagelet of one's own for a test: started on a free port in a fresh folder, stopped at the end."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SAGELET_BIN") or ROOT / "build" / "release" / "bin")
SAGELET = BIN / "sagelet"
PYTHON = ROOT / ".venv" / "bin" / "python"
SAMPLES = f"sagemaker-sample-files={ROOT / 'fixtures' / 'sagemaker-sample-files'}"
START_SECONDS = 30
STOP_SECONDS = 20

# Ours to decide on; what a developer's shell happens to have must not change a test.
NOT_INHERITED = ("AWS_", "SAGELET_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE",
                 "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
KEPT = ("SAGELET_BIN", "SAGELET_TOOLKIT", "SAGELET_TEST_ADVERTISE")
# SAGELET_TEST_PLACEMENT=slurm runs the same tests on a cluster, which acceptance/conftest.py starts.
ON_SLURM = os.environ.get("SAGELET_TEST_PLACEMENT") == "slurm"
PLACEMENT = f"""
placement: slurm
slurm:
  runner: {BIN.resolve() / 'sagelet-runner'}
  capacity_wait_seconds: 5
  instance_types:
    ml.m5.24xlarge: {{ partition: gpu, cpus: 1, memory: 1GB, options: ["--exclusive"] }}  # two of them never run at once
"""


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def on_slurm(config):
    """The same config for the cluster: jobs run there, and nodes have a way to the server."""
    if "placement:" in config:
        return config
    if "advertise:" not in config:
        address = os.environ["SAGELET_TEST_ADVERTISE"]
        config += f"\nadvertise: http://{address}:{free_port(address)}"
    return config + PLACEMENT


def clean_environment(**changes):
    """This process's environment without anything that names a cloud, a proxy or an authority."""
    env = {name: value for name, value in os.environ.items()
           if not name.upper().startswith(NOT_INHERITED) or name in KEPT}
    env["HOME"] = changes.pop("HOME", env.get("HOME", "/tmp"))
    env.update({name: str(value) for name, value in changes.items()})
    return env


def sagelet(*arguments, environment=None, check=False, timeout=60, **options):
    """Runs a sub-command to its end, output captured as text."""
    return subprocess.run([str(SAGELET), *map(str, arguments)], env=environment or clean_environment(),
                          capture_output=True, text=True, timeout=timeout, check=check, **options)


class Server:
    """`sagelet serve`. Use as a context manager, or start() and stop()."""

    def __init__(self, *options, folder=None, config=None, environment=None, ephemeral=True):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sagelet-test-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.ready = self.folder / "ready"
        self.output = self.folder / "serve.log"
        self.options = [str(option) for option in options]
        self.ephemeral = ephemeral
        self.environment = clean_environment(**{"SAGELET_PYTHON": PYTHON, **(environment or {})})
        if ON_SLURM:
            config = on_slurm(config or "")
        if config is not None:
            path = self.folder / "sagelet.yaml"
            path.write_text(config)
            self.options += ["--config", str(path)]
        self.process = None
        self.url = None

    def command(self):
        """A server that is started again takes its old port: runners of before look for it there."""
        where = ["--ephemeral"] if self.ephemeral else ["--data", str(self.data)]
        port = self.port if self.url else 0
        return [str(SAGELET), "serve", "--port", str(port), "--ready-file", str(self.ready), "--seed-bucket", SAMPLES,
                *where, *self.options]

    def forget_port(self):
        """The next start takes any free port: runners of before have to find it."""
        self.url = None

    def start(self, **more_environment):
        self.ready.unlink(missing_ok=True)
        env = {**self.environment, **{name: str(value) for name, value in more_environment.items()}}
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)
        deadline = time.monotonic() + START_SECONDS
        while not (self.ready.exists() and self.ready.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"serve did not get ready (exit {self.process.poll()}):\n{self.log()}")
            time.sleep(0.01)
        self.url = self.ready.read_text().strip()
        return self

    def log(self):
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """SIGTERM; gives the exit code. A server that does not stop is killed and that is an error."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"serve did not stop within {STOP_SECONDS} s of SIGTERM:\n{self.log()[-4000:]}") from None

    def kill(self):
        """kill -9, as a crash test does it."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait(STOP_SECONDS)

    def get(self, path):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url + path, timeout=20) as answer:
            return answer.read()

    def status(self):
        return json.loads(self.get("/_sagelet/status"))

    def client_environment(self, **base):
        """What a shell has after `eval "$(sagelet env)"`."""
        env = clean_environment(**base)
        done = subprocess.run(["bash", "-c", f'eval "$({SAGELET} env --url {self.url})" && env -0'], env=env,
                              capture_output=True, text=True, check=True, timeout=60)
        pairs = (pair.split("=", 1) for pair in done.stdout.split("\0") if "=" in pair)
        return dict(pairs)

    def clients(self, *services, **config):
        """Fresh boto3 clients with keys that any server takes; `config` is botocore's."""
        return [boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="x",
                             aws_secret_access_key="x", config=Config(**config)) for service in services]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            self.stop()
        finally:
            if kind is None:
                self.remove()
            else:
                print(f"server's folder: {self.folder}\n{self.log()[-4000:]}")
