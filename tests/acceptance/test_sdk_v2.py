"""The unmodified SageMaker Python SDK v2. One story follows the log (40 s of sleep in the SDK); the rest wait by boto3."""
import logging
import os
import tarfile
import time

import pytest

os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
logging.getLogger("sagemaker.config").setLevel(logging.WARNING)

from support.server import ROOT  # noqa: E402
from support.training import FINAL  # noqa: E402

STORY = ROOT / "fixtures" / "story"
IRIS = "".join(f"{5 + i % 3},3.{i % 10},{1 + i % 3}.4,0.{1 + i % 3},c{i % 3},{i % 3}\n" for i in range(120))
HEAD = "sepal_len,sepal_wid,petal_len,petal_wid,class,class_cat\n"


@pytest.fixture(scope="module")
def session(server):
    import sagemaker
    return sagemaker.Session()


@pytest.fixture(scope="module")
def training_data(session, tmp_path_factory):
    path = tmp_path_factory.mktemp("iris") / "train.csv"
    path.write_text(HEAD + IRIS)
    return session.upload_data(str(path), key_prefix="DEMO-sklearn-iris/training")


def estimator(session, **options):
    from sagemaker import get_execution_role
    from sagemaker.sklearn import SKLearn
    settings = {"entry_point": "train.py", "source_dir": str(STORY), "role": get_execution_role(session),
                "instance_count": 1, "instance_type": "ml.c5.xlarge", "py_version": "py3",
                "framework_version": "1.2-1", "hyperparameters": {"estimators": 5}, "sagemaker_session": session}
    return SKLearn(**{**settings, **options})


def wait(session, name, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = session.sagemaker_client.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] in FINAL:
            return job
        time.sleep(0.1)
    raise AssertionError(f"{name} did not end")


def test_the_default_bucket_is_made_and_named_after_account_and_region(session, s3):
    assert session.default_bucket() == "sagemaker-us-east-1-000000000000"
    assert session.account_id() == "000000000000"
    s3.head_bucket(Bucket=session.default_bucket())


def test_the_execution_role_is_found(session):
    from sagemaker import get_execution_role
    role = get_execution_role(session)
    assert role.startswith("arn:aws:iam::000000000000:role/") and "AmazonSageMaker-ExecutionRole" in role


def test_upload_and_download_through_the_session(session, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    address = session.upload_data(str(tmp_path / "in"), key_prefix="session-upload")
    assert address == f"s3://{session.default_bucket()}/session-upload"
    session.download_data(str(tmp_path / "out"), session.default_bucket(), "session-upload/")
    assert (tmp_path / "out" / "a.txt").read_text() == "a"
    assert session.read_s3_file(session.default_bucket(), "session-upload/a.txt") == "a"
    assert session.list_s3_files(session.default_bucket(), "session-upload") == ["session-upload/a.txt"]


def test_fit_follows_the_log_to_the_end_and_leaves_a_model(session, training_data, capsys, tmp_path):
    job = estimator(session)
    job.fit({"train": training_data})
    printed = capsys.readouterr().out
    assert "120 rows" not in printed and "96 rows, 5 trees" in printed
    assert "Training image download completed. Training in progress" in printed
    assert "Uploading generated training model" in printed and "Completed - Training job completed" in printed
    assert "Training seconds:" in printed and "Billable seconds:" in printed
    session.download_data(str(tmp_path), *job.model_data.removeprefix("s3://").split("/", 1))
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        assert archive.getnames() == ["model.joblib"]


def test_attach_finds_a_job_again(session, training_data):
    from sagemaker.estimator import Estimator
    from sagemaker.sklearn import SKLearn
    first = estimator(session, metric_definitions=[{"Name": "r2", "Regex": r"r2=([0-9.\-]+)"}])
    first.fit({"train": training_data}, wait=False)
    name = first.latest_training_job.name
    wait(session, name)
    attached = Estimator.attach(name, sagemaker_session=session)
    assert attached.model_data == f"s3://{session.default_bucket()}/{name}/output/model.tar.gz"
    assert attached.hyperparameters()["estimators"] == "5"
    framework = SKLearn.attach(name, sagemaker_session=session)
    assert framework.entry_point == "train.py" and framework.latest_training_job.name == name
    metrics = framework.latest_training_job.describe()["FinalMetricDataList"]
    assert [metric["MetricName"] for metric in metrics] == ["r2"]


def test_a_failed_fit_raises_with_the_reason(session, tmp_path):
    from sagemaker.exceptions import UnexpectedStatusException
    (tmp_path / "bad.py").write_text("raise RuntimeError('deliberate')\n")
    job = estimator(session, entry_point="bad.py", source_dir=str(tmp_path))
    with pytest.raises(UnexpectedStatusException) as error:
        job.fit(logs=False)
    assert "RuntimeError: deliberate" in str(error.value) and "AlgorithmError" in str(error.value)


def test_the_articles_own_script_fails_by_name(session, training_data):
    job = estimator(session, entry_point="train_verbatim.py")
    job.fit({"train": training_data}, wait=False)
    told = wait(session, job.latest_training_job.name)
    assert told["TrainingJobStatus"] == "Failed"
    assert "AttributeError: 'Namespace' object has no attribute 'model_dir'" in told["FailureReason"]


def test_stop_through_the_estimator(session, tmp_path):
    (tmp_path / "slow.py").write_text("import time; print('up', flush=True); time.sleep(300)\n")
    job = estimator(session, entry_point="slow.py", source_dir=str(tmp_path))
    job.fit(wait=False)
    job.latest_training_job.stop()
    told = wait(session, job.latest_training_job.name)
    assert told["TrainingJobStatus"] == "Stopped", told.get("FailureReason")


def test_dependencies_and_requirements_travel_with_the_code(session, tmp_path):
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "helping.py").write_text("ANSWER = 42\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("from extra import helping; assert helping.ANSWER == 42\n")
    job = estimator(session, entry_point="main.py", source_dir=str(tmp_path / "src"),
                    dependencies=[str(tmp_path / "extra")])
    job.fit(wait=False)
    told = wait(session, job.latest_training_job.name)
    assert told["TrainingJobStatus"] == "Completed", told.get("FailureReason")


def test_a_pytorch_image_runs_script_mode_too(session, tmp_path):
    from sagemaker.pytorch import PyTorch
    (tmp_path / "main.py").write_text("import os; print(os.environ['SM_FRAMEWORK_MODULE'])\n")
    from sagemaker import get_execution_role
    job = PyTorch(entry_point="main.py", source_dir=str(tmp_path), role=get_execution_role(session), instance_count=1,
                  instance_type="ml.m5.large", framework_version="2.3.0", py_version="py311", sagemaker_session=session)
    job.fit(wait=False)
    told = wait(session, job.latest_training_job.name)
    assert told["TrainingJobStatus"] == "Completed", told.get("FailureReason")
