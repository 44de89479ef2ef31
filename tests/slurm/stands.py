"""Servers on the test's cluster, and what Slurm knows of their jobs."""
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


def eventually(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
