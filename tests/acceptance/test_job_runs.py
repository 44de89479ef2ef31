"""What a job is when it runs: its files, environment, arguments, output, logs, metrics, checkpoints."""
import io
import json
import tarfile
import zipfile

import pytest

from support.server import Server
from support.training import GROUP, Training, unique

TELL = """
import json, os, sys
told = {"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}
json.dump(told, open("/opt/ml/model/told.json", "w"))
"""


def told(training, job):
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return json.loads(training.artifact(job)["told.json"])


def test_a_script_gets_its_arguments_and_environment(training):
    job = training.run(TELL, hyperparameters={"epochs": 3, "name": "a b", "flag": True, "x": 0.5, "list": [1, "two"]},
                       Environment={"COLOUR": "blue"})
    heard = told(training, job)
    assert heard["argv"] == ["--epochs", "3", "--flag", "True", "--list", "[1, 'two']", "--name", "a b", "-x", "0.5"]
    env = heard["env"]
    assert env["COLOUR"] == "blue"
    assert env["SM_MODEL_DIR"] == "/opt/ml/model" and env["SM_OUTPUT_DATA_DIR"] == "/opt/ml/output/data"
    assert env["SM_HP_EPOCHS"] == "3" and json.loads(env["SM_HPS"])["name"] == "a b"
    assert env["SM_CURRENT_HOST"] == "algo-1" and json.loads(env["SM_HOSTS"]) == ["algo-1"]
    assert env["TRAINING_JOB_NAME"] == job["TrainingJobName"] and env["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert env["AWS_REGION"] == "us-east-1"
    assert heard["cwd"] == "/opt/ml/code"


def test_config_files_are_where_the_toolkits_read_them(training, s3):
    s3.put_object(Bucket=training.bucket, Key="data/a.csv", Body=b"1")
    job = training.run("""
import json
told = {name: json.load(open(f"/opt/ml/input/config/{name}.json"))
        for name in ("hyperparameters", "inputdataconfig", "resourceconfig")}
json.dump(told, open("/opt/ml/model/told.json", "w"))
""", hyperparameters={"a": "x"}, channels={"train": "data/"})
    heard = told(training, job)
    assert heard["hyperparameters"]["a"] == '"x"'
    assert heard["inputdataconfig"]["train"]["TrainingInputMode"] == "File"
    config = heard["resourceconfig"]
    assert config["current_host"] == "algo-1" and config["hosts"] == ["algo-1"]
    assert config["current_instance_type"] == "ml.m5.large" and config["current_group_name"] == "homogeneousCluster"


def test_channels_are_laid_out_below_their_names(training, s3):
    for key, body in {"data/x/a.csv": b"a", "data/b.csv": b"b", "data/": b"", "one/only.txt": b"only"}.items():
        s3.put_object(Bucket=training.bucket, Key=key, Body=body)
    job = training.run("""
import json, os
told = {}
for folder, _, files in os.walk("/opt/ml/input/data"):
    for name in files:
        path = os.path.join(folder, name)
        told[os.path.relpath(path, "/opt/ml/input/data")] = open(path).read()
told["channels"] = os.environ["SM_CHANNELS"] + os.environ["SM_CHANNEL_TRAIN"]
json.dump(told, open("/opt/ml/model/told.json", "w"))
""", channels={"train": "data/", "test": "one/only.txt"})
    assert told(training, job) == {"train/x/a.csv": "a", "train/b.csv": "b", "test/only.txt": "only",
                                   "channels": '["test","train"]/opt/ml/input/data/train'}


def test_output_is_two_archives_without_a_leading_folder(training, s3):
    job = training.run("""
import os
os.makedirs("/opt/ml/model/sub"); open("/opt/ml/model/sub/m.bin", "w").write("model")
open("/opt/ml/output/data/note.txt", "w").write("note")
""")
    assert training.artifact(job) == {"sub/m.bin": b"model"}
    assert training.artifact(job, "output.tar.gz") == {"note.txt": b"note"}


def test_equal_content_makes_equal_archives(training, s3):
    script = "open('/opt/ml/model/a', 'w').write('x' * 1000); open('/opt/ml/model/b', 'w').write('y')\n"
    etags = set()
    for _ in range(2):
        job = training.run(script)
        etags.add(s3.head_object(Bucket=training.bucket, Key=f"out/{job['TrainingJobName']}/output/model.tar.gz")["ETag"])
    assert len(etags) == 1


def test_every_line_comes_once_and_in_order(training):
    job = training.run("for i in range(2000): print('line', i, flush=i % 100 == 0)\n")
    lines = [line for line in training.lines(job["TrainingJobName"]) if line.startswith("line ")]
    assert lines == [f"line {i}" for i in range(2000)]


def test_lines_arrive_while_the_job_runs(training, sagemaker):
    name = training.start("import time; print('early', flush=True); time.sleep(60)\n")
    training.wait_for_line(name, "early")
    assert training.describe(name)["TrainingJobStatus"] == "InProgress"
    sagemaker.stop_training_job(TrainingJobName=name)
    training.wait(name)


def test_the_stream_is_named_after_job_host_and_time(training, logs):
    job = training.run("print('x')\n")
    name = job["TrainingJobName"]
    streams = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=name + "/", orderBy="LogStreamName",
                                        limit=1)
    assert "nextToken" not in streams
    prefix, _, rest = streams["logStreams"][0]["logStreamName"].partition("/")
    assert prefix == name and rest.startswith("algo-1-") and rest.removeprefix("algo-1-").isdigit()


def test_odd_output_is_still_lines(training):
    job = training.run(r"""
import sys
sys.stdout.buffer.write(b"bad \xff utf8\n" + "ünï ☃\n".encode() + b"\n" + b"x" * 5000 + b"\nno newline at the end")
sys.stderr.write("to stderr\n")
""")
    lines = training.lines(job["TrainingJobName"])
    assert any(line.startswith("bad ") and line.endswith(" utf8") for line in lines)
    assert "ünï ☃" in lines and "x" * 5000 in lines and "no newline at the end" in lines and "to stderr" in lines


def test_metrics_are_read_from_the_log(training):
    job = training.run("for i in range(3): print(f'epoch {i} loss={1 / (i + 1):.4f} acc=0.{i}')\n",
                       AlgorithmSpecification={"MetricDefinitions": [
                           {"Name": "loss", "Regex": r"loss=([0-9.]+)"}, {"Name": "acc", "Regex": r"acc=([0-9.]+)"},
                           {"Name": "never", "Regex": r"nothing=([0-9.]+)"}]})
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert set(final) == {"loss", "acc"}
    assert final["loss"] == pytest.approx(0.3333, abs=1e-6) and final["acc"] == pytest.approx(0.2, abs=1e-6)


def test_a_job_without_matching_lines_has_no_metrics(training):
    job = training.run("pass\n", AlgorithmSpecification={"MetricDefinitions": [{"Name": "m", "Regex": "m=(.*)"}]})
    assert "FinalMetricDataList" not in job


def test_checkpoints_go_both_ways(training, s3):
    s3.put_object(Bucket=training.bucket, Key="ckpt/old.txt", Body=b"from before")
    job = training.run("""
import os
assert open("/opt/ml/checkpoints/old.txt").read() == "from before"
os.makedirs("/opt/ml/checkpoints/sub")
open("/opt/ml/checkpoints/sub/new.txt", "w").write("from the job")
""", CheckpointConfig={"S3Uri": f"s3://{training.bucket}/ckpt"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert s3.get_object(Bucket=training.bucket, Key="ckpt/sub/new.txt")["Body"].read() == b"from the job"
    assert job["CheckpointConfig"]["S3Uri"] == f"s3://{training.bucket}/ckpt"


def test_checkpoints_are_synced_while_the_job_runs(training, s3, sagemaker):
    name = training.start("""
import time
open("/opt/ml/checkpoints/half.txt", "w").write("half way")
print("written", flush=True)
time.sleep(60)
""", CheckpointConfig={"S3Uri": f"s3://{training.bucket}/live"})
    training.wait_for_line(name, "written")

    def there(_):
        return s3.list_objects_v2(Bucket=training.bucket, Prefix="live/")["KeyCount"] > 0

    training.wait(name, until=there, seconds=60)
    assert there(None)
    sagemaker.stop_training_job(TrainingJobName=name)
    training.wait(name)


def wheel(name, version, body):
    out = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{name}.py", body)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return out.getvalue()


def test_requirements_are_installed_for_this_job_alone(training):
    name = unique("smallthing").replace("-", "_")
    file = f"{name}-1.0-py3-none-any.whl"
    job = training.run(f"import {name}; print('got', {name}.VALUE)\n", files={
        file: wheel(name, "1.0", "VALUE = 42\n"), "requirements.txt": f"./{file}\n"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "got 42" in training.lines(job["TrainingJobName"])
    other = training.run(f"import {name}\n")
    assert other["TrainingJobStatus"] == "Failed" and "ModuleNotFoundError" in other["FailureReason"]


def test_requirements_that_cannot_be_installed_fail_the_job(training):
    job = training.run("pass\n", files={"requirements.txt": "./not-there-1.0-py3-none-any.whl\n"})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ") and "InstallRequirementsError" in job["FailureReason"]


def test_a_scripts_own_boto3_reaches_us_with_the_jobs_role(training):
    job = training.run(f"""
import boto3, json
identity = boto3.client("sts").get_caller_identity()
boto3.client("s3").put_object(Bucket="{training.bucket}", Key="from-the-job", Body=b"hi")
json.dump({{"arn": identity["Arn"]}}, open("/opt/ml/model/told.json", "w"))
""")
    heard = told(training, job)
    assert ":assumed-role/AmazonSageMaker-ExecutionRole-Sagelet/" in heard["arn"]
    assert training.s3.get_object(Bucket=training.bucket, Key="from-the-job")["Body"].read() == b"hi"


def test_a_shell_script_may_be_the_program(training):
    job = training.run('echo "shell says $SM_HP_A"; echo ok > /opt/ml/model/x\n', program="train.sh",
                       hyperparameters={"a": 1})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "shell says 1" in training.lines(job["TrainingJobName"])


def test_an_entrypoint_of_ones_own_is_run_as_given(training, sagemaker):
    request = training.request("pass\n")
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/sh", "-c"]
    request["AlgorithmSpecification"]["ContainerArguments"] = ["echo from the entrypoint > /opt/ml/model/x"]
    sagemaker.create_training_job(**request)
    job = training.wait(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert training.artifact(job) == {"x": b"from the entrypoint\n"}


def test_jobs_that_run_at_once_do_not_see_one_anothers_opt_ml():
    with Server(config="jobs:\n  cores_per_job: 0.5\n") as own:
        training = Training.on(own, "side-by-side")
        first = training.start("import time; open('/opt/ml/model/mine', 'w').write('1'); print('up', flush=True); "
                               "time.sleep(60)\n")
        training.wait_for_line(first, "up")
        job = training.run("import os; print('sees', os.listdir('/opt/ml/model'))\n")
        assert "sees []" in training.lines(job["TrainingJobName"])
        training.sagemaker.stop_training_job(TrainingJobName=first)
        assert training.artifact(training.wait(first)) == {"mine": b"1"}


def test_threads_match_the_cores_a_job_was_given(training):
    job = training.run("""
import json, os
json.dump({"omp": os.environ.get("OMP_NUM_THREADS"), "cores": len(os.sched_getaffinity(0)),
           "sm": os.environ["SM_NUM_CPUS"]}, open("/opt/ml/model/told.json", "w"))
""")
    heard = told(training, job)
    assert heard["omp"] == str(heard["cores"]) == heard["sm"]


def test_uncompressed_output_is_files(training, s3):
    job = training.run("open('/opt/ml/model/plain.txt', 'w').write('as it is')\n",
                       OutputDataConfig={"CompressionType": "NONE"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = [item["Key"] for item in s3.list_objects_v2(Bucket=training.bucket, Prefix="out/")["Contents"]]
    assert any(key.endswith("/output/model/plain.txt") for key in found), found


def test_members_of_the_model_keep_their_modes(training):
    job = training.run("import os; open('/opt/ml/model/run.sh', 'w').write('x'); os.chmod('/opt/ml/model/run.sh', 0o755)\n")
    key = f"out/{job['TrainingJobName']}/output/model.tar.gz"
    data = training.s3.get_object(Bucket=training.bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        assert tar.getmember("run.sh").mode & 0o777 == 0o755
