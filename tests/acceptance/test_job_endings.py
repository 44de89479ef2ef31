"""How jobs end: failures and their reasons, stops, time limits, what is left behind."""
import os
import pathlib
import time

import pytest

from support.server import ON_SLURM, ROOT
from support.training import source_archive

STORY = ROOT / "fixtures" / "story"


def statuses(job):
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def started(job, status):
    return next(step["StartTime"] for step in job["SecondaryStatusTransitions"] if step["Status"] == status)


def processes_with(text):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text.encode() in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_an_exception_is_named_in_the_reason(training):
    job = training.run("def f():\n    raise ValueError('the data is odd')\nf()\n")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    reason = job["FailureReason"]
    assert reason.startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "')
    assert "ValueError: the data is odd" in reason
    assert reason.endswith(", exit code: 1") and "train.py" in reason and len(reason) <= 1024
    assert any("Traceback" in line for line in training.lines(job["TrainingJobName"]))
    assert statuses(job)[-1] == "Failed" and "TrainingEndTime" in job
    assert any("ValueError: the data is odd" in line for line in training.lines(job["TrainingJobName"]))


@pytest.mark.parametrize("code", [2, 77, 255])
def test_an_exit_code_is_told(training, code):
    job = training.run(f"raise SystemExit({code})\n")
    assert job["TrainingJobStatus"] == "Failed"
    assert f"ExitCode {code}\n" in job["FailureReason"] and job["FailureReason"].endswith(", exit code: 1")


def test_a_signal_is_told_as_a_negative_code(training):
    job = training.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n")
    assert job["TrainingJobStatus"] == "Failed" and "ExitCode -9" in job["FailureReason"]


def test_the_scripts_own_failure_file_is_the_reason(training):
    job = training.run("open('/opt/ml/output/failure', 'w').write('my own words'); raise SystemExit(1)\n")
    assert job["FailureReason"] == "AlgorithmError: my own words, exit code: 1"


def test_a_long_reason_is_cut(training):
    job = training.run("open('/opt/ml/output/failure', 'w').write('long ' * 2000); raise SystemExit(1)\n")
    assert len(job["FailureReason"]) <= 1024 and job["FailureReason"].startswith("AlgorithmError: long long")


def test_a_missing_module_says_which_interpreter_ran(training):
    job = training.run("import no_such_module_at_all\n")
    assert job["TrainingJobStatus"] == "Failed"
    assert "ModuleNotFoundError: No module named 'no_such_module_at_all'" in job["FailureReason"]
    assert "python" in job["FailureReason"].lower() and "SAGELET_PYTHON" in job["FailureReason"]


def test_a_missing_script_fails(training):
    job = training.run(archive=source_archive({"other.py": "pass\n"}))
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("AlgorithmError: ")


def test_a_missing_source_archive_fails(training, sagemaker):
    request = training.request("pass\n")
    request["HyperParameters"]["sagemaker_submit_directory"] = f'"s3://{training.bucket}/nowhere.tar.gz"'
    sagemaker.create_training_job(**request)
    job = training.wait(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed" and "nowhere.tar.gz" in job["FailureReason"]


def test_the_articles_script_as_printed_fails_and_names_the_slip(training, s3):
    s3.put_object(Bucket=training.bucket, Key="train/train.csv",
                  Body=b"sepal_len,sepal_wid,petal_len,petal_wid,class,class_cat\n5.1,3.5,1.4,0.2,Iris-setosa,0\n")
    job = training.run((STORY / "train_verbatim.py").read_text(), channels={"train": "train/"},
                       hyperparameters={"estimators": 20})
    assert job["TrainingJobStatus"] == "Failed"
    assert "AttributeError: 'Namespace' object has no attribute 'model_dir'" in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")


def test_a_stopped_script_may_save_what_it_has(training, sagemaker):
    name = training.start("""
import signal, sys, time
def stop(*_):
    open("/opt/ml/model/saved", "w").write("in time")
    print("stopping", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
time.sleep(120)
""")
    training.wait_for_line(name, "up")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = training.wait(name, seconds=30)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert statuses(job)[-1] == "Stopped" and "Stopping" in statuses(job)
    assert training.artifact(job) == {"saved": b"in time"}
    assert "stopping" in training.lines(name) and "FailureReason" not in job


def test_a_script_that_ignores_the_stop_is_killed_after_the_grace(training, sagemaker):
    name = training.start("""
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(120)
""")
    training.wait_for_line(name, "up")
    began = time.monotonic()
    sagemaker.stop_training_job(TrainingJobName=name)
    assert training.describe(name)["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = training.wait(name, seconds=30)
    assert job["TrainingJobStatus"] == "Stopped"
    assert 1.5 < time.monotonic() - began < 20


def test_stopping_twice_is_fine(training, sagemaker):
    name = training.start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                          "print('up', flush=True); time.sleep(120)\n")
    training.wait_for_line(name, "up")
    sagemaker.stop_training_job(TrainingJobName=name)
    sagemaker.stop_training_job(TrainingJobName=name)
    assert training.wait(name, seconds=30)["TrainingJobStatus"] == "Stopped"


def test_a_time_limit_stops_the_job(training):
    name = training.start("import time; print('up', flush=True); time.sleep(120)\n", max_runtime=2)
    job = training.wait(name, seconds=60)
    assert job["TrainingJobStatus"] == "Stopped" and job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert statuses(job)[-1] == "MaxRuntimeExceeded" and "FailureReason" not in job


def test_a_job_waits_while_the_machine_is_full(training, sagemaker):
    first = training.start("import time; print('up', flush=True); time.sleep(60)\n", instance="ml.m5.24xlarge")
    training.wait_for_line(first, "up")
    second = training.start("pass\n", instance="ml.m5.24xlarge")

    def says_why(job):
        return ("free" if ON_SLURM else "core") in job["SecondaryStatusTransitions"][-1]["StatusMessage"].lower()
    waiting = training.wait(second, until=says_why)
    assert waiting["TrainingJobStatus"] == "InProgress" and waiting["SecondaryStatus"] in ("Starting", "Pending")
    sagemaker.stop_training_job(TrainingJobName=first)
    stopped, done = training.wait(first), training.wait(second)
    assert stopped["TrainingJobStatus"] == "Stopped" and done["TrainingJobStatus"] == "Completed"
    assert started(done, "Training") >= started(stopped, "Stopping")


def test_a_waiting_job_can_be_stopped(training, sagemaker):
    first = training.start("import time; print('up', flush=True); time.sleep(60)\n", instance="ml.m5.24xlarge")
    training.wait_for_line(first, "up")
    second = training.start("pass\n", instance="ml.m5.24xlarge")
    sagemaker.stop_training_job(TrainingJobName=second)
    job = training.wait(second, seconds=10)
    assert job["TrainingJobStatus"] == "Stopped"
    sagemaker.stop_training_job(TrainingJobName=first)
    training.wait(first)


def test_daemons_do_not_outlive_their_job(training):
    job = training.run("""
import os, subprocess
subprocess.Popen(["sleep", "987654"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "987653"])
    os._exit(0)
print("daemons are up")
""")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    deadline = time.monotonic() + 10
    while (left := processes_with("\x00987654") + processes_with("\x00987653")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


@pytest.mark.parametrize("hostile", ["../escaped.txt", "/tmp/escaped-by-sagelet-test.txt", "a/../../escaped.txt"])
def test_an_archive_cannot_write_outside_its_folder(training, hostile):
    import io
    import tarfile

    def add(tar):
        member = tarfile.TarInfo(hostile)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))

    job = training.run(archive=source_archive({"train.py": "print('ran')\n"}, add))
    assert not pathlib.Path("/tmp/escaped-by-sagelet-test.txt").exists()
    assert job["TrainingJobStatus"] in ("Failed", "Completed")
    if job["TrainingJobStatus"] == "Failed":
        assert hostile.split("/")[-1] in job["FailureReason"] or "archive" in job["FailureReason"].lower()


def test_a_link_in_an_archive_leads_nowhere_outside(training):
    import tarfile

    def add(tar):
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
        through = tarfile.TarInfo("link/escaped-by-sagelet-test")
        tar.addfile(through)

    training.run(archive=source_archive({"train.py": "print('ran')\n"}, add))
    assert not pathlib.Path("/etc/escaped-by-sagelet-test").exists()


def test_a_flood_of_log_does_not_sink_the_server(training, sagemaker, server):
    """1 GB of short lines in place of 10: the same path, a tenth of the time."""
    name = training.start("""
import os
block = b"0123456789 " * 9 + b"\\n"
block = block * 10000
for _ in range(100):
    os.write(1, block)
print("flood over", flush=True)
""", max_runtime=60)
    for _ in range(5):
        training.describe(name)
        time.sleep(0.2)
    sagemaker.stop_training_job(TrainingJobName=name)
    job = training.wait(name, seconds=90)
    assert job["TrainingJobStatus"] in ("Stopped", "Completed", "Failed")
    assert server.get("/_sagelet/health")


def test_output_that_nobody_can_read_does_not_break_the_upload(training):
    job = training.run("""
import os, socket
os.symlink("/nowhere", "/opt/ml/model/dangling")
os.mkfifo("/opt/ml/model/pipe")
socket.socket(socket.AF_UNIX).bind("/opt/ml/model/socket")
open("/opt/ml/model/real", "w").write("1")
""")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert training.artifact(job)["real"] == b"1"
