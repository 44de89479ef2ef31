"""What jobs on a cluster do when nothing goes wrong."""
import concurrent.futures
import logging
import os
import time

os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
logging.getLogger("sagemaker.config").setLevel(logging.WARNING)

from acceptance.test_distributed import LIGHTGBM, PYTHON  # noqa: E402
from slurm.stands import CONFIG, engine, eventually, server_on, slurm_job, start_and_wait  # noqa: E402
from support.server import ROOT, sagelet  # noqa: E402
from support.training import Training, unique  # noqa: E402

WHERE = """
import os, pathlib
print("node", os.environ.get("SLURMD_NODENAME", "-"), flush=True)
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text("made")
"""


def test_the_articles_training_job_by_the_unmodified_sdk(server, tmp_path):
    os.environ.update(server.client_environment())
    import sagemaker
    from sagemaker.sklearn import SKLearn
    session = sagemaker.Session()
    rows = "".join(f"{5 + i % 3},3.{i % 10},{1 + i % 3}.4,0.{1 + i % 3},c{i % 3},{i % 3}\n" for i in range(120))
    path = tmp_path / "train.csv"
    path.write_text("sepal_len,sepal_wid,petal_len,petal_wid,class,class_cat\n" + rows)
    data = session.upload_data(str(path), key_prefix="iris/training")
    estimator = SKLearn(entry_point="train.py", source_dir=str(ROOT / "fixtures" / "story"), py_version="py3", instance_count=1,
                        role="arn:aws:iam::000000000000:role/x", instance_type="ml.c5.xlarge", framework_version="1.2-1",
                        hyperparameters={"estimators": 5}, sagemaker_session=session)
    estimator.fit({"train": data, "test": data}, wait=False)
    training = Training(*server.clients("sagemaker", "s3", "logs"), session.default_bucket())
    job = training.wait(estimator.latest_training_job.name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]][-1] == "Completed"


def test_an_administrator_recognises_a_job(training, cluster):
    name, number, _ = start_and_wait(training, cluster)
    shown = cluster.job(number)
    assert shown["JobName"] == f"sagelet-{name}"
    assert training.describe(name)["TrainingJobArn"] in cluster.run("squeue", "-h", "-o", "%k")
    assert shown["Requeue"] == "0" and shown["NumCPUs"] == "1"
    training.sagemaker.stop_training_job(TrainingJobName=name)
    assert training.wait(name)["TrainingJobStatus"] == "Stopped"


def test_an_instance_type_names_its_partition_and_gpu(training, cluster):
    name = training.start(WHERE, instance="ml.p3.2xlarge")
    assert training.wait(name)["TrainingJobStatus"] == "Completed"
    assert cluster.job(slurm_job(cluster, name))["NodeList"] == "n3"


def test_fifty_jobs_at_once(training):
    archive = training.request(WHERE)  # the code once
    names = [unique("many") for _ in range(50)]

    def create(name):
        training.sagemaker.create_training_job(**{**archive, "TrainingJobName": name})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(create, names))
    jobs = [training.wait(name, seconds=120) for name in names]
    assert [job["TrainingJobStatus"] for job in jobs] == ["Completed"] * 50, [job.get("FailureReason") for job in jobs]


def test_a_runner_that_nodes_do_not_have_is_sent_to_them(cluster, tmp_path):
    config = "placement: slurm\nslurm:\n  folder: " + str(tmp_path) + "\njobs: {{ cores_per_job: 1, memory_per_job_mb: 512 }}\n"
    with server_on(cluster, config) as server:
        training = Training.on(server, unique("bucket"))
        job = training.run(WHERE)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    deadline = time.monotonic() + 10
    while list(tmp_path.glob("sagelet-j*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(tmp_path.glob("sagelet-j*")), list(tmp_path.iterdir())


def test_an_image_that_needs_a_container_is_refused_with_the_remedy(cluster, tmp_path):
    with engine(tmp_path / "engine") as address:
        config = CONFIG + 'images: [ {{ match: "*own-image*", docker: "own-image:1" }} ]\n'
        with server_on(cluster, config, environment={"DOCKER_HOST": address}) as server:
            job = Training.on(server, unique("bucket")).run(WHERE, image="000000000000.dkr.ecr.us-east-1.amazonaws.com/own-image:1")
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"].startswith("ClientError: ")
    assert "run no containers" in job["FailureReason"] and "images:" in job["FailureReason"]


def test_two_hosts_work_in_a_shared_folder(cluster, tmp_path):
    (tmp_path / "shared").mkdir()
    config = CONFIG.replace("  runner: {runner}\n", f"  shared: {tmp_path / 'shared'}\n  folder: {tmp_path / 'own'}\n")
    script = """
import os, pathlib
host = os.environ["SM_CURRENT_HOST"]
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / host).write_text(host)
"""
    with server_on(cluster, config) as server:
        training = Training.on(server, unique("bucket"))
        job = training.run(script, ResourceConfig={"InstanceCount": 2})
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert training.artifact(job) == {"algo-1": b"algo-1", "algo-2": b"algo-2"}
        assert not (tmp_path / "own").exists()
        kept = {".sagelet-runner", f"sagelet-pip-cache-{os.geteuid()}"}
        assert eventually(lambda: {path.name for path in (tmp_path / "shared").iterdir()} <= kept), list((tmp_path / "shared").iterdir())
        assert (tmp_path / "shared/.sagelet-runner").exists()


def test_what_keeps_the_cluster_from_working_is_said(cluster):
    with server_on(cluster, "placement: slurm\nslurm: {{ partition: nothing }}\n") as server:
        said = sagelet("doctor", "--url", server.url)
        assert "Slurm has no partition nothing" in said.stdout + said.stderr or "nvalid partition" in said.stdout + said.stderr
        training = Training.on(server, unique("bucket"))
        job = training.run(WHERE)
        assert job["TrainingJobStatus"] == "Failed" and "Slurm refuses the job" in job["FailureReason"]


def test_a_server_without_slurms_commands_says_what_is_missing(tmp_path):
    (tmp_path / "sagelet.yaml").write_text("placement: slurm\n")
    done = sagelet("serve", "--port", "0", "--data", tmp_path / "data", "--config", tmp_path / "sagelet.yaml",
                   environment={"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert done.returncode != 0 and "slurm-client" in done.stderr + done.stdout


# The test's nodes are one machine, where a port is taken once.
TWO_PORTS = LIGHTGBM.replace(":{port}", ":{port + hosts.index(host)}").replace("local_listen_port=port",
                                                                              "local_listen_port=port + rank")


def test_two_hosts_end_with_the_same_lightgbm_model(cluster):
    with server_on(cluster, environment={"SAGELET_PYTHON": PYTHON}) as server:
        training = Training.on(server, unique("bucket"))
        job = training.run(TWO_PORTS, instance="ml.m5.large", ResourceConfig={"InstanceCount": 2}, max_runtime=240)
        name = job["TrainingJobName"]
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason", "") + "\n".join(training.lines(name))
        model = training.artifact(job)
        assert sorted(model) == ["algo-1", "algo-2"] and model["algo-1"] == model["algo-2"]
        assert cluster.job(slurm_job(cluster, name))["NumNodes"] == "2"
