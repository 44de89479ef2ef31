"""Servers on the test's cluster, and what Slurm knows of their jobs."""
import contextlib
import http.server
import socketserver
import threading
import time

from support.server import BIN, Server

CONFIG = """
placement: slurm
slurm:
  runner: {runner}
  capacity_wait_seconds: 2
  instance_types:
    ml.m5.large: {{ cpus: 1, memory: 512MB }}
    ml.p3.2xlarge: {{ partition: gpu, cpus: 1, memory: 512MB }}
    ml.c5.xlarge: {{ cpus: 1, memory: 512MB }}
jobs:
  stop_grace_seconds: 5
"""
PATIENT = CONFIG.replace("  capacity_wait_seconds: 2\n", "")  # nodes are away for a moment when slurmctld comes back
WAIT = "import time; print('up', flush=True); time.sleep(300)"
IGNORES = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT


def server_on(cluster, config=CONFIG, environment=None, **options):
    return Server(config=config.format(runner=BIN.resolve() / "sagelet-runner"), ephemeral=False,
                  environment={**cluster.exports(), **(environment or {})}, **options)


def slurm_job(cluster, name):
    """Slurm's number of a training job's newest run; empty when Slurm does not know it."""
    found = [line.split() for line in cluster.run("squeue", "-h", "-t", "all", "-o", "%i %j").splitlines()]
    numbers = [int(number) for number, job in found if job == f"sagelet-{name}"]
    return str(max(numbers)) if numbers else ""


def start_and_wait(training, cluster, script=WAIT, line="up", **options):
    """A job that runs: its name, Slurm's number, its node."""
    name = training.start(script, **options)
    training.wait_for_line(name, line)
    number = slurm_job(cluster, name)
    return name, number, cluster.job(number)["NodeList"]


@contextlib.contextmanager
def engine(path):
    """As much of a docker engine as a server asks whether it has an image; gives its DOCKER_HOST."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            body = b'{"Id": "sha256:' + b"0" * 64 + b'", "ApiVersion": "1.43", "Os": "linux", "Architecture": "amd64", "Config": {}}'
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "server"

        def log_message(self, *_):
            pass

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as listens:
        threading.Thread(target=listens.serve_forever, daemon=True).start()
        yield f"unix://{path}"
        listens.shutdown()


def eventually(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
