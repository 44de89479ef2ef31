"""A Slurm cluster of one's own on this machine: munged, slurmctld and a slurmd for each of n1.., all below one folder.

As a program it starts one, prints the exports for a shell, and runs until ^C:  python tests/support/slurm_cluster.py
"""
import ctypes
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.processes import command, marked, parent, processes  # noqa: E402
from support.switch import Switch  # noqa: E402

START_SECONDS = 30
MARK = "SAGELET_TEST_CLUSTER"  # in the environment of the daemons; jobs do not inherit it
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sbcast", "srun")
CONFIG = """
ClusterName=sagelet
SlurmctldHost={host}({controller})
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
GresTypes=gpu
KillWait={kill_wait}
InactiveLimit=0
SlurmctldTimeout=30
SlurmdTimeout={node_timeout}
MinJobAge={min_job_age}
MaxJobCount=20000
SlurmdParameters=config_overrides
{nodes}
PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 OverSubscribe=NO
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 OverSubscribe=NO
PartitionName=gpu Nodes={gpu_node} MaxTime=INFINITE State=UP PriorityTier=1 OverSubscribe=NO
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr={address} Port={port} CPUs={cpus} RealMemory={memory} State=UNKNOWN"


def missing():
    """Programs that are not here; empty when a cluster can be started."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [program for program in NEEDED if not shutil.which(program, path=path)]


def free_ports(count):
    """In a row, below those that the kernel gives to clients."""
    while True:
        first = random.randrange(20000, 32000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("0.0.0.0", port))
            return list(range(first, first + count))
        except OSError:
            continue


def die_with_parent():
    """Run in a daemon before its program: a test that is killed leaves none."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Cluster:
    """Nodes n1.. of `cpus` cores; the last has a GPU that nobody looks for. They share this machine's network unless they
    are `apart`: then each is a namespace with an address of its own. Use as a context manager."""

    def __init__(self, cpus=16, memory=64000, kill_wait=3, node_timeout=10, min_job_age=300, nodes=3, apart=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sagelet-slurm-"))
        self.folder.chmod(0o755)  # munged wants its socket to be reachable
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.config = self.folder / "slurm.conf"
        self.daemons = {}
        host, ports = socket.gethostname().split(".")[0], free_ports(len(self.nodes) + 1)
        net = random.randrange(1, 250)
        self.switch = Switch(*self.nodes) if apart else None
        self.addresses = self.switch.addresses if apart else {
            name: f"127.0.{net}.{number}" for number, name in enumerate(self.nodes, 1)}
        self.address = self.switch.here if apart else "127.0.0.1"  # of slurmctld's machine
        nodes = [NODE.format(name=name, host=host, address=self.addresses[name], port=ports[number], cpus=cpus, memory=memory)
                 for number, name in enumerate(self.nodes, 1)]
        nodes[-1] += " Gres=gpu:1"
        self.config.write_text(CONFIG.format(
            host=host, controller=self.address, gpu_node=self.nodes[-1], port=ports[0], user=pwd.getpwuid(os.geteuid()).pw_name, folder=self.folder, kill_wait=kill_wait,
            node_timeout=node_timeout, min_job_age=min_job_age, nodes="\n".join(nodes)))
        (self.folder / "gres.conf").write_text(f"NodeName={self.nodes[-1]} Name=gpu File=/dev/zero\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        (self.folder / "state").mkdir()

    def environment(self, **more):
        """This process's, with what Slurm's commands need."""
        path = os.environ.get("PATH", "/usr/bin:/bin")
        return {**os.environ, "PATH": f"{path}:/usr/sbin:/sbin", **self.exports(), **more}

    def exports(self):
        return {"SLURM_CONF": str(self.config)}

    # --- daemons: "munged", "slurmctld", "n1".. ---

    def start(self):
        absent = missing()
        if absent:
            raise RuntimeError(f"missing programs (BOOTSTRAP=slurm script/bootstrap): {', '.join(absent)}")
        try:
            self._network("add")
            self.start_daemon("munged")
            self._wait(lambda: (self.folder / "munge.sock").exists(), "munged")
            for name in ("slurmctld", *self.nodes):
                self.start_daemon(name)
            self.wait_for_nodes(*self.nodes)
        except BaseException:
            print(self.logs())
            self.stop()
            raise
        return self

    def start_daemon(self, name):
        words = {"munged": ["munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key",
                            f"--socket={self.folder}/munge.sock", f"--pid-file={self.folder}/munged.pid",
                            f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munge.seed"],
                 "slurmctld": ["slurmctld", "-D"]}.get(name) or self.on_node(name, "slurmd", "-D", "-N", name)
        with open(self.folder / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder,
                                                  env=self.environment(**{MARK: f"{self.folder}:{name}"}),
                                                  start_new_session=True, preexec_fn=die_with_parent)

    def on_node(self, name, *argv):
        """What runs a command in the node's network."""
        return self.switch.words(name, *argv) if self.switch else list(argv)

    def kill_daemon(self, name):
        """kill -9 of the daemon alone; what runs on a node goes on."""
        self.daemons[name].kill()
        self.daemons[name].wait(20)

    def restart_daemon(self, name):
        self.kill_daemon(name)
        self.start_daemon(name)
        if name == "slurmctld":
            self._wait(self.answers, "slurmctld")

    def kill_node(self, name):
        """As when its power fails: slurmd, its step daemons, and all that ran there, none of which sees another's end."""
        for pid in self._on_node(name):
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        self.kill_daemon(name)
        self._kill_all(lambda: self._on_node(name))

    # --- Slurm's commands ---

    def run(self, *words, check=True, timeout=60, **options):
        done = subprocess.run([str(word) for word in words], env=self.environment(), capture_output=True, text=True,
                              check=False, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def answers(self):
        return self.run("scontrol", "ping", check=False).find("is UP") != -1

    def node_state(self, name):
        return self.run("sinfo", "-h", "-N", "-n", name, "-o", "%T", check=False).split("\n")[0]

    def wait_for_nodes(self, *names, state="idle", seconds=START_SECONDS):
        self._wait(lambda: all(self.node_state(name) == state for name in names), f"nodes {state}", seconds)

    def job(self, job_id):
        """{JobState: ..., Reason: ...} as scontrol tells it; empty when it is gone."""
        shown = self.run("scontrol", "show", "job", "-o", job_id, check=False)
        return dict(word.split("=", 1) for word in shown.split(" ") if "=" in word)

    def wait_for_saved_jobs(self):
        """slurmctld writes down what it has accepted some seconds later, and does not know of it before."""
        now = time.time()
        self.run("scancel", self.run("sbatch", "--parsable", "--hold", "-o", "/dev/null", input="#!/bin/sh\n"))  # there is news to save
        saved = self.folder / "state" / "job_state"
        self._wait(lambda: saved.exists() and saved.stat().st_mtime > now, "job_state")

    def jobs(self, state="all"):
        return self.run("squeue", "-h", "-t", state, "-o", "%i").split()

    def logs(self):
        shown = []
        for path in sorted(self.folder.glob("*.log")):
            shown.append(f"-- {path.name}\n{path.read_text(errors='replace')[-1200:]}")
        return "\n".join(shown)

    # --- the end ---

    def stop(self):
        """Every daemon, everything that jobs left, the folder."""
        for name in list(self.daemons):
            self.daemons[name].kill()
            self.daemons[name].wait(20)
        self._kill_all(lambda: [pid for name in self.nodes for pid in self._on_node(name)])
        self._kill_all(lambda: marked(f"{MARK}={self.folder}:"))
        self._network("del")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _network(self, change):
        if self.switch:
            return self.switch.start() if change == "add" else self.switch.stop()
        # Programs that look for their own address among the machine's find it (LightGBM); all of 127.* is there anyway.
        for address in self.addresses.values():
            subprocess.run(["ip", "addr", change, f"{address}/32", "dev", "lo"], check=False, capture_output=True)

    def _on_node(self, name):
        """The node's step daemons and all below them, and what they left: it has the node's name in its environment."""
        roots = set(marked(f"{MARK}={self.folder}:{name}\0"))
        both = set(marked(f"SLURMD_NODENAME={name}\0")) & set(marked(f"SLURM_CONF={self.config}\0"))
        found = roots | both
        for pid in processes():
            above = pid
            while above > 1 and above not in found:
                above = parent(above)
            if above > 1:
                found.add(pid)
        found.discard(os.getpid())
        return [pid for pid in found if command(pid)]

    @staticmethod
    def _kill_all(find):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = find()
            if not found:
                return
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        raise RuntimeError(f"unkillable: {[(pid, command(pid)) for pid in find()]}")

    def _wait(self, condition, what, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if time.monotonic() > deadline or "munged" in dead:
                raise RuntimeError(f"waited in vain for: {what}; ended daemons: {dead}")
            time.sleep(0.05)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind not in (None, SystemExit, KeyboardInterrupt):
            print(self.logs())
        self.stop()


def main():
    with Cluster() as cluster:
        for name, value in cluster.exports().items():
            print(f"export {name}={value}", flush=True)
        print(f"# nodes {', '.join(cluster.nodes)}; logs in {cluster.folder}; ^C ends all", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
