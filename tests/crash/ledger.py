"""Jobs that write down outside of themselves how they started and ended, and what must be true of them after any kill."""
import dataclasses
import pathlib
import random
import re
import time

from support.training import unique

TEXT = "the script's own words"
FILE_SYSTEM = {"FileSystemId": "fs-0123456789abcdef0", "FileSystemType": "EFS", "DirectoryPath": "/",
               "FileSystemAccessMode": "rw"}
SCRIPT = """
import os, pathlib, random, time
name = os.environ["TRAINING_JOB_NAME"]
def tell(*words):
    with open("/opt/ml/input/data/ledger/" + name, "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")
        os.fsync(file.fileno())
tell("start", os.environ["SAGELET_JOB_ID"])
count = pathlib.Path("/opt/ml/checkpoints/count")
first = int(count.read_text()) if count.exists() else 0
for i in range(first, {lines}):
    print("line", i)
    if {checkpoints}:
        new = count.with_suffix(".new")
        new.write_text(str(i + 1))
        new.rename(count)
    if i % {burst} == {burst} - 1:
        time.sleep({pause})
if {code}:
    pathlib.Path("/opt/ml/output/failure").write_text({text!r})
else:
    pathlib.Path("/opt/ml/model/weights").write_bytes(random.Random(name).randbytes(300_000))
tell("end", {code})
os._exit({code})
"""


@dataclasses.dataclass
class Kind:
    lines: int
    pause: float
    burst: int = 1
    code: int = 0
    retries: int = 0
    checkpoints: bool = False


KINDS = {
    "ends well": lambda rng: Kind(rng.randrange(1, 100), 0.02),
    "fails": lambda rng: Kind(rng.randrange(1, 100), 0.02, code=3),
    "prints much": lambda rng: Kind(20_000, 0.01, burst=200),
    "may be retried": lambda rng: Kind(rng.randrange(50, 150), 0.02, retries=3, code=rng.choice([0, 0, 3])),
    "keeps checkpoints": lambda rng: Kind(rng.randrange(150, 250), 0.02, retries=3, checkpoints=True),
}


class Told:
    """A job that was accepted, and what was killed below it."""

    def __init__(self, stand, share, rng, mark):
        self.stand, self.share, self.name = stand, share, unique("kill")
        self.kind_name = rng.choice(sorted(KINDS))
        self.kind = kind = KINDS[self.kind_name](rng)
        self.hits = 0  # kills that may cost it a run
        self.engine_hits = 0
        fields = {"RetryStrategy": {"MaximumRetryAttempts": kind.retries}} if kind.retries else {}
        if kind.checkpoints:
            fields["CheckpointConfig"] = {"S3Uri": f"s3://crash/checkpoints/{self.name}"}
        jobs = stand.jobs()
        self.isolated = rng.random() < 0.5
        self.request = jobs.request_of(
            SCRIPT.format(**{**dataclasses.asdict(kind), "text": TEXT}), name=self.name,
            EnableNetworkIsolation=self.isolated, Environment={"CRASH_MARK": mark},
            VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}, **fields)
        self.request["InputDataConfig"].append(
            {"ChannelName": "ledger", "DataSource": {"FileSystemDataSource": FILE_SYSTEM}})
        jobs.sagemaker.create_training_job(**self.request)

    def written(self):
        """[(job id, exit code or None)] of the runs whose script began."""
        runs = []
        file = self.share / self.name
        for word, value in (line.split() for line in (file.read_text() if file.exists() else "").splitlines()):
            if word == "start":
                runs.append((value, None))
            else:
                runs[-1] = (runs[-1][0], int(value))
        return runs

    def __str__(self):
        return f"{self.name} ({self.kind_name}, {self.hits} hits, isolated {self.isolated}, wrote {self.written()})"

    def check(self, jobs, seconds=200):
        job = jobs.wait(self.name, seconds=seconds)
        status, reason, runs = job["TrainingJobStatus"], job.get("FailureReason", ""), self.written()
        what = f"{self}: {status}, {reason}"
        assert len({run for run, _ in runs}) == len(runs), f"one run began twice: {what}"
        assert len(runs) <= self.hits + self.engine_hits + 1, f"ran again without cause: {what}"
        streams = self.streams(jobs)
        if reason.startswith("InternalServerError"):
            # One killed in the middle of a start, or of an end, knows no more what became of it.
            assert status == "Failed" and (self.hits > self.kind.retries or self.lost_by_engine()), f"nothing was lost: {what}"
        else:
            assert runs and runs[-1][1] == self.kind.code, f"not what its exit says: {what}"
            assert status == ("Failed" if self.kind.code else "Completed"), what
            assert reason == (f"AlgorithmError: {TEXT}, exit code: 3" if self.kind.code else ""), what
            self.check_last_log(streams, what)
        for lines in streams[:-1]:
            assert lines == list(range(lines[0], lines[0] + len(lines))) or self.engine_hits, f"log of a lost run: {what}"
        for lines in streams:
            assert lines == sorted(set(lines)), f"doubled or out of order: {what}"
        if status == "Completed":
            self.check_results(jobs, job, what)
        return "own" if not reason.startswith("Internal") else "lost"

    def lost_by_engine(self):
        logs = [pathlib.Path(spec["folder"], "runner.log").read_text() for spec in self.stand.specs()
                if spec["name"] == self.name]
        return self.engine_hits and any(text in log for log in logs for text in (
            "the container does not start", "the engine does not know how it ended", "the container was never started"))

    def streams(self, jobs):
        """The numbers of its lines, a list a run."""
        found, self.excused = [], False
        for _, events in sorted(jobs.streams(self.name).items()):
            self.excused = any("the docker engine was away when the program ended" in event["message"] for event in events)
            lines = [re.fullmatch(r"line (\d+)", event["message"].rstrip("\n")) for event in events]
            numbers = [int(line[1]) for line in lines if line]
            if self.excused and len(numbers) > 1 and str(numbers[-2] + 1).startswith(str(numbers[-1])):
                numbers.pop()  # all that the engine had read of it
            found.append(numbers)
        return [lines for lines in found if lines]

    def check_last_log(self, streams, what):
        last = streams[-1] if streams else []
        first = last[0] if self.kind.checkpoints and last else 0
        missing = sorted(set(range(first, self.kind.lines)) - set(last))
        if self.engine_hits and self.excused:  # the last ones, and it is said
            missing = [line for line in missing if line < max(last, default=0)]
        # What an engine had read and not yet written when it was killed is gone: one gap a kill, no more.
        gaps = [line for line in missing if line - 1 not in missing]
        assert len(gaps) <= self.engine_hits, f"lines are missing ({len(missing)}, from {missing[:3]}): {what}"

    def check_results(self, jobs, job, what):
        assert jobs.artifact(job) == {"weights": random.Random(self.name).randbytes(300_000)}, f"its model: {what}"
        if self.kind.checkpoints:
            kept = jobs.s3.get_object(Bucket="crash", Key=f"checkpoints/{self.name}/count")["Body"].read()
            assert int(kept) == self.kind.lines, f"its checkpoint is {kept}: {what}"


def within(seconds, left):
    """What left() still gives after that time."""
    deadline = time.monotonic() + seconds
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
