"""StopTrainingJob at any moment of a job's preparation: it ends Stopped, and nothing of it stays behind."""
import os
import pathlib
import time

from crash.conftest import training_of

SCRIPT = "import time\nprint('up', flush=True)\ntime.sleep(600)\n"
# pip works on it for a while and needs no network.
PACKAGE = "from setuptools import setup\nsetup(name='slow', py_modules=['slow'])\n"
LONGEST = 1.5  # seconds: by then the script is up


def processes_of(folder):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if folder in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found


def test_a_job_stopped_at_any_moment_ends_stopped_and_leaves_no_process(server, rng):
    training = training_of(server)
    for i in range(40):
        training.s3.put_object(Bucket=training.bucket, Key=f"d/{i}", Body=os.urandom(500_000))
    files = {"requirements.txt": "./lib\n", "lib/setup.py": PACKAGE, "lib/slow.py": ""}
    for _ in range(min(int(os.environ.get("CRASH_ROUNDS", "12")), 40)):
        mode = rng.choice(["File", "Pipe", "FastFile"])
        channels = [{**training.channel("data", "d/"), "InputMode": mode}]
        name = training.start(SCRIPT, files=files, InputDataConfig=channels)
        pause = rng.random() * LONGEST
        time.sleep(pause)
        training.sagemaker.stop_training_job(TrainingJobName=name)
        job = training.wait(name, seconds=60)
        what = f"{mode}, stopped after {pause:.3f} s: {job.get('FailureReason')}"
        assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped", what
        deadline = time.monotonic() + 10
        while (left := processes_of(f"TRAINING_JOB_NAME={name}\0".encode())) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, what
