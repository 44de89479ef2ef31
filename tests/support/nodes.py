"""A machine apart: a network namespace with one cable to this one, as a cluster's node or a server of the outside."""
import itertools
import os
import subprocess
import sys

from support.server import clean_environment

_numbers = itertools.count()


def _ip(*words, check=True):
    subprocess.run(["ip", *words], check=check, capture_output=True, text=True, timeout=20)


class Machine:
    """Use as a context manager. `here` is this machine's address on the cable, `address` the other one's."""

    def __init__(self):
        number = os.getpid() * 4 + next(_numbers)
        self.name = f"sg{number}"
        net = f"10.{100 + number // 64 % 64}.{number % 64 * 4}"
        self.here, self.address = f"{net}.1", f"{net}.2"

    def __enter__(self):
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", f"{self.name}h", "type", "veth", "peer", "name", f"{self.name}n", "netns", self.name)
            _ip("addr", "add", f"{self.here}/24", "dev", f"{self.name}h")
            _ip("link", "set", f"{self.name}h", "up")
            _ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", f"{self.name}n")
            for device in ("lo", f"{self.name}n"):
                _ip("-n", self.name, "link", "set", device, "up")
        except subprocess.CalledProcessError as failed:
            self.remove()
            raise RuntimeError(failed.stderr) from failed
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        _ip("link", "del", f"{self.name}h", check=False)
        _ip("netns", "del", self.name, check=False)

    def words(self, *argv):
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def start(self, *argv, environment=None, **options):
        return subprocess.Popen(self.words(*argv), env=clean_environment(**(environment or {})), text=True, **options)

    def run(self, *argv, environment=None, timeout=60):
        return subprocess.run(self.words(*argv), env=clean_environment(**(environment or {})), text=True,
                              capture_output=True, timeout=timeout)

    def python(self, code, *arguments, environment=None, timeout=60):
        """What it printed; an error when it failed."""
        done = self.run(sys.executable, "-c", code, *arguments, environment=environment, timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()
