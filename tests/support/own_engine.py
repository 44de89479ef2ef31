"""A docker engine of one's own: data, socket, bridge and proxy apart from the machine's engine.

Its images stay in build/docker/engine, so that a second run need not build them again.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from support.server import ROOT, clean_environment

CACHE = ROOT / "build" / "docker"
START_SECONDS = 60
BRIDGE, ADDRESS = "sagelet-reg0", "172.30.77.1/24"


def cannot():
    """Why there can be none here; empty when it should work."""
    if os.geteuid() != 0:
        return "an engine of our own needs root"
    missing = [program for program in ("dockerd", "docker", "ip", "debootstrap") if not shutil.which(program)]
    return f"missing programs (BOOTSTRAP=docker script/bootstrap): {', '.join(missing)}" if missing else ""


def make_bridge():
    """The machine's engine has docker0."""
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=False, capture_output=True)
    subprocess.run(["ip", "addr", "add", ADDRESS, "dev", BRIDGE], check=False, capture_output=True)
    subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)


class Engine:
    """`dockerd`. Use as a context manager; start() again after kill() finds what was there."""

    def __init__(self, proxy=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sagelet-engine-"))
        self.data = CACHE / "engine"
        self.socket = self.folder / "docker.sock"
        self.log = self.folder / "dockerd.log"
        self.proxy = proxy
        self.daemon = None

    @property
    def host(self):
        return f"unix://{self.socket}"

    def start(self):
        make_bridge()
        environment = clean_environment(**({"HTTPS_PROXY": self.proxy} if self.proxy else {}))
        with open(self.log, "ab") as out:
            self.daemon = subprocess.Popen(
                ["dockerd", f"--data-root={self.data}", f"--exec-root={self.folder}/exec", f"--host={self.host}",
                 f"--pidfile={self.folder}/pid", f"--bridge={BRIDGE}"],
                stdout=out, stderr=out, env=environment, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while self.docker("version", check=False).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("dockerd does not start: " + self.log.read_text(errors="replace")[-3000:])
            time.sleep(0.1)
        return self

    def environment(self, **more):
        return {**clean_environment(), "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.folder / "config"), **more}

    def docker(self, *words, check=True, timeout=600, **options):
        done = subprocess.run(["docker", *map(str, words)], capture_output=True, text=True, check=False, timeout=timeout,
                              env=self.environment(), **options)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, words))}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait(60)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
