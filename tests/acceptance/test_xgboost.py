"""XGBoost's built-in algorithm: the image without a script. Jobs run by the environment that has the package."""
import os
import random
import subprocess
import sys
import textwrap

import pytest

from support.server import ROOT, Server
from support.training import ROLE, Training, unique

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
WITH_XGBOOST = ROOT / ".venv-v3" / "bin" / "python"
CONFIG = f"""
images:
  - match: "*/sagemaker-xgboost:*"
    process: {{ python: {WITH_XGBOOST} }}
"""
REGRESSION = {"objective": "reg:squarederror", "num_round": "6", "eta": "0.5", "max_depth": "3"}


@pytest.fixture(scope="module")
def own():
    with Server(config=CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def jobs(own):
    return Training.on(own, "xgboost")


def rows(count, seed=1):
    """A label that two of four features decide."""
    chance = random.Random(seed)
    for _ in range(count):
        features = [chance.random() for _ in range(4)]
        yield 3 * features[0] + features[1], features


def csv(count, seed=1, weight=False):
    return "".join(",".join(f"{value:.5f}" for value in [label, *([1.0] if weight else []), *features]) + "\n"
                   for label, features in rows(count, seed)).encode()


def libsvm(count, seed=1):
    return "".join(f"{label:.5f} " + " ".join(f"{i}:{value:.5f}" for i, value in enumerate(features)) + "\n"
                   for label, features in rows(count, seed)).encode()


def parquet(count, tmp_path):
    """By the environment that has pyarrow."""
    (tmp_path / "a.csv").write_bytes(csv(count))
    subprocess.run([WITH_XGBOOST, "-c", "import pandas; t = pandas.read_csv('a.csv', header=None); "
                    "t.columns = list('yabcd'); t.to_parquet('a.parquet')"], cwd=tmp_path, check=True)
    return (tmp_path / "a.parquet").read_bytes()


@pytest.fixture
def run(jobs):
    """run({channel: (bytes, content type)}): starts the job and waits; gives its description."""
    def start(channels, hyperparameters=None, image=IMAGE, **fields):
        name = unique("xgb")
        config = []
        for channel, (data, content_type) in channels.items():
            jobs.s3.put_object(Bucket=jobs.bucket, Key=f"{name}/{channel}/part-0", Body=data)
            config.append({**jobs.channel(channel, f"{name}/{channel}"), **({"ContentType": content_type} if content_type else {})})
        jobs.sagemaker.create_training_job(**{
            "TrainingJobName": name, "RoleArn": ROLE, "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "HyperParameters": REGRESSION if hyperparameters is None else hyperparameters, "InputDataConfig": config,
            "OutputDataConfig": {"S3OutputPath": f"s3://{jobs.bucket}/out"}, "StoppingCondition": {"MaxRuntimeInSeconds": 120},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}, **fields})
        return jobs.wait(name)
    return start


def metrics(job):
    return {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}


def test_csv_trains_a_model_that_predicts_and_the_service_knows_its_metrics(run, jobs, tmp_path):
    job = run({"train": (csv(300), "text/csv"), "validation": (csv(60, 2), "text/csv")})
    lines = jobs.lines(job["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert any("Train matrix has 300 rows and 4 columns" in line for line in lines)
    shown = [line for line in lines if line.startswith("[") and "#011train-rmse:" in line]
    assert [line.split("#011")[0] for line in shown] == [f"[{n}]" for n in range(6)] and "#011validation-rmse:" in shown[-1]
    last = float(shown[-1].rsplit(":", 1)[1])
    assert metrics(job)["validation:rmse"] == pytest.approx(last) and last < 0.3
    (tmp_path / "xgboost-model").write_bytes(jobs.artifact(job)["xgboost-model"])
    predicted = subprocess.run([WITH_XGBOOST, "-c", "import xgboost, numpy; m = xgboost.Booster(); m.load_model('xgboost-model'); "
                                "print(m.predict(xgboost.DMatrix(numpy.array([[0.9, 0.9, 0.5, 0.5], [0.1, 0.1, 0.5, 0.5]])))[:2])"],
                               cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    high, low = (float(value) for value in predicted.strip(" []\n").split())
    assert high > 2.5 and low < 1.2


@pytest.mark.parametrize("content_type", [None, "text/libsvm", "text/x-libsvm"])
def test_libsvm_is_what_a_channel_without_a_content_type_holds(run, content_type):
    job = run({"train": (libsvm(100), content_type)}, {**REGRESSION, "eval_metric": "mae,rmse"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert set(metrics(job)) == {"train:mae", "train:rmse"}


def test_parquet_and_csv_say_the_same(run, tmp_path):
    by_parquet = run({"train": (parquet(200, tmp_path), "application/x-parquet")})
    by_csv = run({"train": (csv(200), "text/csv; label_size=1")})
    assert metrics(by_parquet)["train:rmse"] == pytest.approx(metrics(by_csv)["train:rmse"], abs=1e-4)


def test_weights_in_the_second_column_and_aliases(run, jobs):
    job = run({"train": (csv(100, weight=True), "text/csv")}, {
        "num_round": "2", "csv_weights": "1", "learning_rate": "0.1", "reg_lambda": "2", "objective": "reg:squarederror"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert any("100 rows and 4 columns" in line for line in jobs.lines(job["TrainingJobName"]))


def test_a_second_job_goes_on_from_the_checkpoint(run, jobs):
    checkpoints = {"CheckpointConfig": {"S3Uri": f"s3://{jobs.bucket}/{unique('checkpoints')}"}}
    data = {"train": (csv(200), "text/csv")}
    first = run(data, {**REGRESSION, "num_round": "4"}, **checkpoints)
    second = run(data, {**REGRESSION, "num_round": "7"}, **checkpoints)
    rounds = [[line.split("#011")[0] for line in jobs.lines(job["TrainingJobName"]) if "#011train-rmse" in line] for job in (first, second)]
    assert rounds == [["[0]", "[1]", "[2]", "[3]"], ["[4]", "[5]", "[6]"]]
    assert metrics(second)["train:rmse"] < metrics(first)["train:rmse"]


def test_early_stopping_ends_a_job_that_learns_nothing(run, jobs):
    noise = "".join(f"{i * 7919 % 13},{i % 2}\n" for i in range(60)).encode()
    job = run({"train": (noise, "csv"), "validation": (noise[:200].rsplit(b"\n", 1)[0], "csv")}, {
        **REGRESSION, "num_round": "200", "early_stopping_rounds": "3"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert len([line for line in jobs.lines(job["TrainingJobName"]) if "#011train-rmse" in line]) < 200


def test_two_hosts_train_one_model_on_their_shards(run, jobs):
    """Each host reads its own file; the metrics are the cluster's, so both hosts' rows are behind them."""
    name, parts = unique("shards"), [csv(150, 1), csv(150, 2)]
    for i, part in enumerate(parts):
        jobs.s3.put_object(Bucket=jobs.bucket, Key=f"{name}/part-{i}", Body=part)
    channel = jobs.channel("train", name)
    channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    job = run({}, InputDataConfig=[{**channel, "ContentType": "text/csv"}],
              ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = jobs.lines(job["TrainingJobName"])
    assert len([line for line in lines if "Train matrix has 150 rows" in line]) == 2, lines
    assert [line.split("#011")[0] for line in lines if "#011train-rmse" in line] == [f"[{n}]" for n in range(6)]
    whole = run({"train": (b"".join(parts), "text/csv")})
    assert metrics(job)["train:rmse"] == pytest.approx(metrics(whole)["train:rmse"], rel=0.1)
    assert jobs.artifact(job)["xgboost-model"]


DATA = {"train": (csv(20), "text/csv")}


@pytest.mark.parametrize("channels, hyperparameters, reason", [
    (DATA, {"objective": "reg:squarederror"}, "Missing required hyperparameter: num_round"),
    (DATA, {"num_round": "ten"}, "Hyperparameter num_round: could not parse value 'ten' as int"),
    (DATA, {"num_round": "1", "eta": "2"}, "Hyperparameter eta: 2.0 is not in"),
    (DATA, {"num_round": "1", "flavour": "x"}, "Extraneous hyperparameter found: flavour"),
    (DATA, {"num_round": "1", "objective": "multi:softmax"}, "num_class is required"),
    (DATA, {"num_round": "1", "objective": "binary:logistic", "base_score": "0.5"}, "label must be in (0, 1)"),
    (DATA, {"num_round": "1", "_kfold": "5"}, "k-fold cross validation is not emulated"),
    ({"training": DATA["train"]}, None, "Missing required channel: train"),
    ({"train": (csv(5), None)}, None, "Blankspace and colon not found in firstline"),
    ({"train": (b"a,b,c\n1,2,3\n", "text/csv")}, None, "csv without a header"),
    ({"train": (b"x", "application/x-recordio-protobuf")}, None, "send text/csv, text/libsvm or application/x-parquet"),
    ({"train": (b"x", "image/png")}, None, "image/png is not an accepted ContentType"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_the_users_fault_is_a_client_error_that_says_so(run, channels, hyperparameters, reason):
    job = run(channels, hyperparameters)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ") and reason in job["FailureReason"], job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")


def test_an_interpreter_without_the_package_is_told_what_to_install(training, sagemaker, s3, bucket):
    """The server of the other tests maps the image to an environment that has SDK v2 and no xgboost."""
    s3.put_object(Bucket=bucket, Key="data/part", Body=csv(5))
    name = unique("xgb")
    sagemaker.create_training_job(
        TrainingJobName=name, RoleArn=ROLE, AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters=REGRESSION, InputDataConfig=[training.channel("train", "data")], StoppingCondition={"MaxRuntimeInSeconds": 60},
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10})
    reason = training.wait(name)["FailureReason"]
    assert "pip install xgboost-cpu" in reason and sys.executable in reason


def test_the_estimator_of_sdk_v2_trains_it(own, tmp_path):
    (tmp_path / "train.csv").write_bytes(csv(200))
    (tmp_path / "story.py").write_text(textwrap.dedent(f"""
        import sagemaker
        from sagemaker import image_uris
        from sagemaker.inputs import TrainingInput
        session = sagemaker.Session()
        data = TrainingInput(session.upload_data("train.csv", key_prefix="xgb"), content_type="csv")
        estimator = sagemaker.estimator.Estimator(
            image_uris.retrieve("xgboost", "us-east-1", "1.7-1"), {ROLE!r}, instance_count=1, instance_type="ml.m5.large",
            hyperparameters={{"num_round": 3, "objective": "reg:squarederror"}})
        estimator.fit({{"train": data, "validation": data}}, logs=False)
        print("model:", estimator.model_data)
        print("metrics:", sorted(m["MetricName"] for m in estimator.latest_training_job.describe()["FinalMetricDataList"]))
    """))
    done = subprocess.run([sys.executable, "story.py"], cwd=tmp_path, env={**os.environ, **own.client_environment()},
                          capture_output=True, text=True, timeout=150, check=False)
    assert "metrics: ['train:rmse', 'validation:rmse']" in done.stdout and "/output/model.tar.gz" in done.stdout, done
