"""Machines on one network: a network namespace for each, and a cable to this one. Needs root."""
import os
import random
import subprocess


def _ip(*words, check=True):
    subprocess.run(["ip", *words], check=check, capture_output=True, text=True, timeout=20)


class Switch:
    """`here` is this machine's address on it, `addresses` those of the others. What they send elsewhere ends here."""

    def __init__(self, *names):
        self.name = f"sgs{os.getpid() % 1_000_000}"
        net = f"10.{random.randrange(170, 250)}.{random.randrange(1, 250)}"
        self.here = f"{net}.1"
        self.addresses = {name: f"{net}.{number}" for number, name in enumerate(names, 11)}

    def words(self, name, *argv):
        """What runs a command on that machine, with the same process id."""
        return ["nsenter", f"--net=/var/run/netns/{self.namespace(name)}", *argv]  # /sys stays this machine's

    def namespace(self, name):
        return f"{self.name}-{name}"

    def start(self):
        """The bridge is in a namespace, too: this machine's packet filter (docker's) is not to see what passes it."""
        middle = self.namespace("middle")
        _ip("netns", "add", middle)
        _ip("-n", middle, "link", "add", "bridge", "type", "bridge")
        _ip("-n", middle, "link", "set", "bridge", "up")
        _ip("link", "add", self.name, "type", "veth", "peer", "name", "here", "netns", middle)
        _ip("addr", "add", f"{self.here}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")
        for name, address in self.addresses.items():
            space = self.namespace(name)
            _ip("netns", "add", space)
            _ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", middle)
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", space, "link", "set", device, "up")
            _ip("-n", space, "route", "add", "default", "via", self.here)
        for plug in ("here", *self.addresses):
            _ip("-n", middle, "link", "set", plug, "master", "bridge", "up")

    def stop(self):
        for name in ("middle", *self.addresses):
            _ip("netns", "del", self.namespace(name), check=False)
        _ip("link", "del", self.name, check=False)
