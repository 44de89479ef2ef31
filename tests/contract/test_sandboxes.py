"""What every sandbox promises."""
import json
import os
import pathlib
import signal
import time

from contract.conftest import nothing_left
from support.processes import command, gone_within, marked
from support.training import unique


def folder_of(server, name):
    """The job's folder on this machine."""
    for spec in (server.data / "jobs").glob("*/spec.json"):
        if json.loads(spec.read_text())["name"] == name:
            return spec.parent
    raise AssertionError(f"no folder of {name}")


def runner_in(folder):
    return json.loads((folder / "runner.json").read_text())["pid"]


def test_the_environment_is_the_platforms_and_the_requests(jobs):
    job = jobs.run("""
        import json, os
        print(json.dumps(dict(os.environ)))
        print(os.getcwd())
        print(os.uname().nodename)
        print(json.load(open("/opt/ml/input/config/resourceconfig.json")))
        """, Environment={"MINE": "a b=c", "AWS_REGION": "us-east-1"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    environment = json.loads(job["lines"][0])
    assert environment["TRAINING_JOB_NAME"] == job["TrainingJobName"] and environment["MINE"] == "a b=c"
    assert environment["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert environment["SAGEMAKER_METRICS_DIRECTORY"] == "/opt/ml/output/metrics/sagemaker"
    assert job["lines"][2] == "algo-1" and "'current_host': 'algo-1'" in job["lines"][3]


def test_channels_and_hyperparameters_are_there(jobs):
    jobs.s3.put_object(Bucket=jobs.bucket, Key="in/a/b.txt", Body=b"data")
    job = jobs.run("""
        import json
        print(open("/opt/ml/input/data/train/a/b.txt").read())
        print(json.load(open("/opt/ml/input/config/hyperparameters.json")))
        print(json.load(open("/opt/ml/input/config/inputdataconfig.json"))["train"]["TrainingInputMode"])
        """, channels={"train": "in/"}, HyperParameters={"lr": "0.1"})
    assert job["lines"] == ["data", "{'lr': '0.1'}", "File"], job


def test_the_model_is_stored_and_files_belong_to_the_caller(jobs, server):
    name = jobs.start("""
        import os, sys
        os.makedirs("/opt/ml/model/sub")
        open("/opt/ml/model/sub/m", "w").write("model")
        os.chmod("/opt/ml/model/sub", 0o700)
        open("/opt/ml/output/data/o", "w").write("out")
        open("/opt/ml/output/failure", "w").write("as wished")
        print("written")
        import time; time.sleep(1)
        sys.exit(7)
        """)
    jobs.wait_for_line(name, "written")
    folder = folder_of(server, name)
    job = jobs.wait(name)
    assert job["FailureReason"] == "AlgorithmError: as wished, exit code: 7"
    owners = {path.lstat().st_uid for path in [folder, *folder.rglob("*")]}
    assert owners == {os.geteuid()}
    done = jobs.run("open('/opt/ml/model/m', 'w').write('model')")
    assert jobs.artifact(done) == {"m": b"model"}


def test_an_exit_code_is_the_programs(jobs):
    for code in (1, 77, 255):
        job = jobs.run(f"import sys; sys.exit({code})")
        assert job["FailureReason"] == f"AlgorithmError: , exit code: {code}"


def test_a_signal_is_told_as_a_shell_tells_it(jobs):
    job = jobs.run("""
        import os, signal
        if os.fork() == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.wait()[1]))
        raise SystemExit(137)
        """)
    assert job["lines"] == ["-9"] and job["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_a_program_that_is_not_there_is_127(jobs):
    job = jobs.run(command=["/no/such/program"])
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].endswith("exit code: 127")
    assert any("/no/such/program" in line for line in job["lines"])


def test_each_line_comes_once_and_in_order_whatever_its_length(jobs):
    job = jobs.run("""
        import sys
        for i in range(20000):
            print("line", i)
        print("x" * 100000)
        print("no newline at the end", end="")
        """)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["lines"][:20000] == [f"line {i}" for i in range(20000)]
    assert job["lines"][20000:] == ["x" * 100000, "no newline at the end"]


def test_a_stop_gives_the_program_its_grace(jobs, sandbox):
    name = jobs.start("""
        import signal, sys, time
        def stop(*_):
            open("/opt/ml/model/saved", "w").write("in time")
            print("stopping")
            sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        print("up")
        time.sleep(120)
        """)
    jobs.wait_for_line(name, "up")
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    job = jobs.wait(name)
    assert job["TrainingJobStatus"] == "Stopped" and "stopping" in jobs.lines(name)
    assert jobs.artifact(job) == {"saved": b"in time"}


def test_who_ignores_the_stop_is_killed_after_the_grace(jobs):
    name = jobs.start("""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("up")
        time.sleep(120)
        """)
    jobs.wait_for_line(name, "up")
    began = time.monotonic()
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    assert jobs.wait(name)["TrainingJobStatus"] == "Stopped"
    assert 1.5 < time.monotonic() - began < 40


def test_the_time_limit_stops_the_job(jobs):
    job = jobs.run("import time; time.sleep(120)", max_runtime=3)
    assert job["TrainingJobStatus"] == "Stopped" and job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_killed_runner_leaves_nothing_of_its_job(jobs, server, sandbox):
    """A container goes on with another runner, and ends when it is told to."""
    mark = unique("MARK")
    name = jobs.start("import time; print('up'); time.sleep(600)", Environment={"CONTRACT_MARK": mark})
    jobs.wait_for_line(name, "up")
    folder = folder_of(server, name)
    runner = runner_in(folder)
    assert "sagelet-runner" in command(runner)
    os.kill(runner, signal.SIGKILL)
    if sandbox == "docker":
        jobs.sagemaker.stop_training_job(TrainingJobName=name)
        assert jobs.wait(name)["TrainingJobStatus"] == "Stopped"
    else:
        job = jobs.wait(name)
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError: We encountered an internal error.")
    assert gone_within(mark, 10) == []


def test_the_programs_own_sdk_reaches_the_server_as_the_jobs_role(jobs):
    job = jobs.run(f"""
        import boto3
        print(boto3.client("sts").get_caller_identity()["Arn"])
        boto3.client("s3").put_object(Bucket="{jobs.bucket}", Key="from/inside", Body=b"hello")
        print(sorted(b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"])[:1])
        """)
    assert job["TrainingJobStatus"] == "Completed", job["lines"]
    assert ":assumed-role/" in job["lines"][0]
    assert jobs.s3.get_object(Bucket=jobs.bucket, Key="from/inside")["Body"].read() == b"hello"


def test_checkpoints_outside_of_opt_ml_come_and_go(jobs):
    jobs.s3.put_object(Bucket=jobs.bucket, Key="ck/old", Body=b"1")
    job = jobs.run("""
        print(open("/checks/old").read())
        open("/checks/new", "w").write("2")
        """, CheckpointConfig={"S3Uri": f"s3://{jobs.bucket}/ck/", "LocalPath": "/checks"})
    assert job["lines"] == ["1"], job
    assert jobs.s3.get_object(Bucket=jobs.bucket, Key="ck/new")["Body"].read() == b"2"
    assert not pathlib.Path("/checks/new").exists()


def test_what_a_job_leaves_in_the_engine_is_nothing(jobs, server, sandbox):
    if sandbox != "docker":
        assert not list((server.data / "jobs").glob("*/engine"))
        return
    name = jobs.start("import time; print('up'); time.sleep(1)")
    jobs.wait_for_line(name, "up")
    job_id = folder_of(server, name).name
    assert jobs.wait(name)["TrainingJobStatus"] == "Completed"
    assert nothing_left(job_id) == []
