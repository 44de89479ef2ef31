"""Several jobs at a time, and kill -9 of server, runners and docker engine at random moments among them.

CRASH_ROUNDS=200 runs 12 batches of 10 jobs on each stand; a failure prints what to look at, SEED=... draws the same jobs
and kills again.
"""
import os
import pathlib
import time

import pytest

from crash.conftest import CONFIG
from crash.ledger import Told, within
from crash.stands import DockerStand, Stand
from support import engine
from support.processes import command, marked, processes
from support.training import unique

BATCH = 10
MOST_BATCHES = 12
ROUNDS_A_BATCH = 16


@pytest.fixture
def share(tmp_path):
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture(params=["process", "live-restore", "no live-restore"])
def stand(request, tmp_path, share):
    config = CONFIG + f"  cores_per_job: 0.1\nfile_systems:\n  '*': {share}\n"
    made = Stand(tmp_path, config) if request.param == "process" else DockerStand(
        tmp_path, request.param == "live-restore", config)
    yield made
    made.close()


class Killer:
    """Kills what a random number says, often several at once, and starts again what must run."""

    def __init__(self, stand, rng):
        self.stand, self.rng = stand, rng
        self.kills = {"server": 0, "runner": 0, "engine": 0}

    def strike(self, told):
        victims = [[name] for name in self.kills if name != "engine" or self.stand.daemon]
        both = [["server", "runner"]] + ([["server", "engine"], ["runner", "engine"]] if self.stand.daemon else [])
        for victim in self.rng.choice(victims * 2 + both):
            self.kills[victim] += 1
            getattr(self, victim)(told)
        time.sleep(self.rng.choice([0, 0, 0.3, 1.5]))
        again = [self.engine_again, self.server_again]
        self.rng.shuffle(again)
        for start in again:
            start()

    def server(self, _):
        self.stand.server.kill()

    def runner(self, told):
        """Every second one, so that a batch has others too."""
        names = sorted(self.stand.runners())
        for name in self.rng.sample(names, (len(names) + 1) // 2):
            for job in told:
                if job.name == name:
                    folder = self.stand.kill_runner(name)
                    # With its progress noted, the job is taken up: this kill costs it nothing.
                    job.hits += bool(folder) and not (folder / "progress.json").exists()

    def engine(self, told):
        self.stand.daemon.kill()
        for job in told:
            job.engine_hits += 1
            job.hits += not self.stand.live_restore

    def server_again(self):
        if self.stand.server.process.poll() is not None:
            self.stand.server.start()

    def engine_again(self):
        if self.stand.daemon and self.stand.daemon.process.poll() is not None:
            self.stand.daemon.start()


def control_groups(stand, ids):
    """Of these jobs' processes, and of the engine's containers."""
    top = pathlib.Path("/sys/fs/cgroup")
    found = [pathlib.Path(where, name) for where, names, _ in os.walk(top) for name in names  # some go meanwhile
             if name.startswith("sagelet-") and name.removeprefix("sagelet-") in ids]
    if stand.daemon:  # runc itself forgets those of version 2 where both versions are mounted
        found += [path for path in top.glob(f"*/{stand.groups}/*") if path.is_dir() and path.parts[4] != "unified"]
    return found


def shims(stand):
    """The engine's, one a container."""
    return [(pid, command(pid)) for pid in processes() if f"{stand.daemon.folder}/exec/containerd" in command(pid)
            and "containerd-shim" in command(pid)]


def mounts(stand):
    """Below the folders of the server and of the engine's containers."""
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    below = [str(stand.server.folder)] + ([f"{stand.daemon.folder}/data/overlay2", f"{stand.daemon.folder}/data/containers"]
                                          if stand.daemon else [])
    # An engine that is killed while it makes a container forgets the mount of the layer below it: no job's, no container's.
    return [point for point in points if point.startswith(tuple(below)) and not point.endswith("-init/merged")]


def folders(stand, told):
    """Of runs that are not kept to be looked into, and what those still owe the engine."""
    failed = {job.name for job in told if job.outcome != "own" or job.kind.code or job.hits or job.engine_hits}
    left = [spec["folder"] for spec in stand.specs() if spec["name"] not in failed]
    return left + [str(note) for note in (stand.server.data / "jobs").glob("*/engine")]


def check_nothing_is_left(stand, told, mark):
    ids = {run for job in told for run, _ in job.written()}
    assert not within(20, lambda: [(pid, command(pid)) for pid in marked(mark)]), "processes"
    if stand.daemon:
        assert not within(20, lambda: engine.containers(stand.daemon.socket)), "containers"
        assert not within(20, lambda: shims(stand)), "processes of containers that the engine has forgotten"
    assert not within(20, lambda: folders(stand, told)), "folders"
    assert not within(20, lambda: mounts(stand)), "mounts"
    assert not within(20, lambda: control_groups(stand, ids)), "control groups"


@pytest.mark.timeout(3600)
def test_jobs_end_in_their_true_state_whatever_is_killed(stand, share, rng, rounds):
    killer, mark = Killer(stand, rng), unique("MARK")
    outcomes, before = {"own": 0, "lost": 0}, []
    for batch in range(max(1, min(rounds // ROUNDS_A_BATCH, MOST_BATCHES))):
        began = time.monotonic()
        told = []
        for steps in rng.sample(["job"] * BATCH + ["kill"] * 4, BATCH + 4) + ["kill"]:
            if steps == "job":
                told.append(Told(stand, share, rng, mark))
            else:
                killer.strike(told)
            time.sleep(rng.uniform(0, 0.4))
        jobs = stand.jobs()
        for job in told:
            job.outcome = job.check(jobs)
            outcomes[job.outcome] += 1
        before += told
        check_nothing_is_left(stand, before, mark)
        print(f"batch {batch}: {outcomes}, kills {killer.kills}, {time.monotonic() - began:.0f} s", flush=True)
