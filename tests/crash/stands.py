"""What a crash test may kill: a server with its runners, and, for jobs in containers, a docker engine of its own."""
import json
import os
import pathlib
import signal
import subprocess
import time

from contract.conftest import Jobs
from crash.conftest import CONFIG, clients
from support import engine
from support.server import Server
from support.training import SKLEARN

IMAGE = "crash/python:1"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Stand:
    """A server whose jobs are processes of this machine."""

    image = SKLEARN
    daemon = None

    def __init__(self, folder, config=CONFIG):
        self.server = Server(folder=folder / "server", config=config, ephemeral=False, environment=self.environment())
        self.server.start()

    def environment(self):
        return {}

    def jobs(self):
        sagemaker, s3, logs = clients(self.server, "sagemaker", "s3", "logs")
        s3.create_bucket(Bucket="crash")
        return Jobs(sagemaker, s3, logs, bucket="crash", image=self.image)

    def specs(self):
        """Of every run of a job that has a folder, the job's hosts not counted."""
        found = []
        for file in (self.server.data / "jobs").glob("*/spec.json"):
            try:
                found.append(json.loads(file.read_text()))
            except OSError:
                continue  # it ended meanwhile
        return found

    def runners(self):
        """{job's name: (pid, folder)} of those that have introduced themselves and run."""
        found = {}
        for spec in self.specs():
            try:
                note = json.loads(pathlib.Path(spec["folder"], "runner.json").read_text())
                stat = pathlib.Path(f"/proc/{note['pid']}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat[19]) == note["start_time"] and stat[0] != "Z":
                found[spec["name"]] = note["pid"], pathlib.Path(spec["folder"])
        return found

    def kill_runner(self, name):
        """Its folder; None when there was none to kill."""
        pid, folder = self.runners().get(name, (None, None))
        try:
            os.kill(pid, signal.SIGKILL)
        except (TypeError, ProcessLookupError):
            return None
        return folder

    def close(self):
        """Jobs outlive a server: what a failed test has left ends here."""
        for name in self.runners():
            self.kill_runner(name)
        if self.server.process.poll() is None:
            assert self.server.stop() == 0, self.server.log()[-3000:]


class DockerStand(Stand):
    """A server whose jobs are containers of an engine that may be killed too."""

    image = IMAGE

    def __init__(self, folder, live_restore, config=CONFIG):
        self.live_restore = live_restore
        # A bridge of its own: without one (--bridge=none) dockerd would delete docker0, the machine's engine's.
        self.bridge = f"sgt{os.getpid()}"
        ip("link", "add", self.bridge, "type", "bridge")
        ip("addr", "add", f"10.213.{os.getpid() % 250}.1/24", "dev", self.bridge)
        self.groups = f"sagelet-crash-{os.getpid()}"
        options = ["--live-restore"] if live_restore else []
        options += [f"--bridge={self.bridge}", "--iptables=false", "--ip-masq=false", f"--cgroup-parent=/{self.groups}"]
        self.daemon = engine.Daemon(options=options).start()  # below /tmp: paths of sockets are short
        engine.make_image(IMAGE, self.daemon.socket)
        super().__init__(folder, config)

    def environment(self):
        return {"DOCKER_HOST": f"unix://{self.daemon.socket}"}

    def start(self, script, **fields):
        return self.jobs().start(script, EnableNetworkIsolation=True, **fields)

    def leftovers(self, seconds=20):
        deadline = time.monotonic() + seconds
        while (left := engine.containers(self.daemon.socket)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def close(self):
        try:
            super().close()
        finally:
            self.daemon.stop()
            self.daemon.remove()
            ip("link", "del", self.bridge)
