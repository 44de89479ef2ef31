"""Bring your own container, whole: the article's push script, then its Estimator, and the same by plain boto3."""
import io
import pathlib
import shutil
import subprocess
import tarfile
import textwrap

import pytest

from support.server import PYTHON, ROOT
from support.training import ROLE, unique
from .conftest import HOST, JOB_SECONDS, wait_for

REPOSITORY = "scikit-learn-custom"
URI = f"{HOST}/{REPOSITORY}:latest"


@pytest.fixture(scope="module")
def pushed(shell, base, tmp_path_factory):
    """What build_and_push.sh printed; its context is a copy, so that a checkout stays as it is."""
    story = tmp_path_factory.mktemp("story")
    for name in ("Dockerfile", "train.py", "build_and_push.sh"):
        shutil.copy(ROOT / "fixtures" / "story" / name, story)
    done = subprocess.run(["./build_and_push.sh"], cwd=story, env=shell, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def data(client):
    """train.csv of the story, in the account's bucket."""
    bucket = unique("byoc").lower()
    s3 = client("s3")
    s3.create_bucket(Bucket=bucket)
    lines = (ROOT / "fixtures/sagemaker-sample-files/datasets/tabular/iris/iris.data").read_text().split()
    kinds = sorted({line.split(",")[4] for line in lines})
    rows = [f"{line},{kinds.index(line.split(',')[4])}" for line in lines]
    text = "\n".join(["sepal_len,sepal_wid,petal_len,petal_wid,class,class_cat", *rows, ""])
    s3.put_object(Bucket=bucket, Key="in/train.csv", Body=text.encode())
    return bucket


def model_of(client, job):
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return tar.getnames()


def test_the_article_s_script_pushes_to_ecr(pushed, client):
    assert "Login Succeeded" in pushed
    (detail,) = client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
    assert detail["imageTags"] == ["latest"]
    (repository,) = client("ecr").describe_repositories(repositoryNames=[REPOSITORY])["repositories"]
    assert repository["repositoryUri"] + ":latest" == URI


def test_the_script_runs_again_when_the_repository_is_there(pushed, shell, client, tmp_path):
    for name in ("Dockerfile", "train.py", "build_and_push.sh"):
        shutil.copy(ROOT / "fixtures" / "story" / name, tmp_path)
    done = subprocess.run(["./build_and_push.sh"], cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("where", ["engine", "registry"])
def test_a_job_runs_the_pushed_image(pushed, data, client, engine, where):
    """Once as it lies in the engine that built it, once with the registry as the only place that has it."""
    if where == "registry":
        engine.docker("rmi", "-f", URI, REPOSITORY)
    sagemaker, name = client("sagemaker"), unique("byoc-job")
    sagemaker.create_training_job(
        TrainingJobName=name, RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": URI, "TrainingInputMode": "File"},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": f"s3://{data}/in", "S3DataDistributionType": "FullyReplicated"}}}],
        OutputDataConfig={"S3OutputPath": f"s3://{data}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600})
    job = wait_for(sagemaker, name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "model.joblib" in model_of(client, job)


def test_estimator_with_image_uri_fits(pushed, data, client, shell, tmp_path):
    """SDK v2, as the article has it but for the estimator's name, which it got wrong."""
    script = tmp_path / "notebook.py"
    script.write_text(textwrap.dedent(f"""
        import boto3
        from sagemaker import get_execution_role
        from sagemaker.estimator import Estimator

        account_id = boto3.client("sts").get_caller_identity().get("Account")
        region = boto3.session.Session().region_name
        byoc_image_uri = "{{}}.dkr.ecr.{{}}.{{}}/{{}}".format(account_id, region, "amazonaws.com", "{REPOSITORY}:latest")
        estimator = Estimator(image_uri=byoc_image_uri, role=get_execution_role(),
                              base_job_name="scikit-custom-container-test-job", instance_count=1,
                              instance_type="ml.c5.xlarge")
        estimator.fit({{"train": "s3://{data}/in"}}, logs=False)
        print("model:", estimator.model_data)
        print("job:", estimator.latest_training_job.name)
    """))
    done = subprocess.run([PYTHON, script], env=shell, cwd=pathlib.Path(tmp_path), capture_output=True, text=True,
                          timeout=JOB_SECONDS)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    name = done.stdout.split("job:")[1].split()[0]
    job = client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed"
    assert "model.joblib" in model_of(client, job)


def test_an_image_that_nobody_has_fails_with_the_remedy(data, client, engine):
    sagemaker, name = client("sagemaker"), unique("byoc-none")
    request = {
        "TrainingJobName": name, "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": f"{HOST}/nobody:latest", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": f"s3://{data}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600}}
    try:
        sagemaker.create_training_job(**request)
    except sagemaker.exceptions.ClientError as refused:
        assert "nobody" in str(refused)
        return
    job = wait_for(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed" and "nobody" in job["FailureReason"]
