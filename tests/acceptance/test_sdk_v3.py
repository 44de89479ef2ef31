"""ModelTrainer of the unmodified SDK v3, in the environment that has it."""
import json
import os
import time

import pytest

from support.training import FINAL, ROLE, SKLEARN, unique
from support.wheels import make_wheel

pytestmark = pytest.mark.timeout(300)
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311"


@pytest.fixture(scope="module")
def session(server):
    from sagemaker.core.helper.session_helper import Session
    return Session()


@pytest.fixture
def trainer(session, tmp_path):
    """trainer({path: text}, **settings): a ModelTrainer of a folder with these files."""
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, SourceCode

    def make(files, *, source=None, count=1, **settings):
        folder = tmp_path / "source"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        code = {"source_dir": str(folder), "entry_script": "train.py", **(source or {})}
        code = {key: value for key, value in code.items() if value is not None}
        return ModelTrainer(**{
            "training_image": SKLEARN, "source_code": SourceCode(**code), "role": ROLE, "sagemaker_session": session,
            "compute": Compute(instance_type="ml.m5.large", instance_count=count), "base_job_name": unique("v3"), **settings})
    return make


@pytest.fixture
def run(training, trainer):
    """Starts a job without waiting for it the SDK's way; gives its description and its lines."""
    def run_trainer(files, *, inputs=None, **settings):
        made = trainer(files, **settings)
        made.train(input_data_config=inputs, wait=False)
        name = made._latest_training_job.training_job_name
        deadline = time.monotonic() + 120
        while training.describe(name)["TrainingJobStatus"] not in FINAL and time.monotonic() < deadline:
            time.sleep(0.2)
        return training.describe(name), training.lines(name)
    return run_trainer


def shown(lines):
    """What a test's script printed as JSON."""
    found = [line.split("SHOWN ", 1)[1] for line in lines if "SHOWN " in line]
    assert found, "\n".join(lines[-60:])
    return json.loads(found[0])


SHOW = """
import json, os, sys
print("SHOWN " + json.dumps({"arguments": sys.argv[1:], "cwd": os.getcwd(), "data": sorted(os.listdir(os.environ["SM_CHANNEL_TRAINING"])),
      "env": {name: value for name, value in os.environ.items() if name.startswith("SM_")}}), flush=True)
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("trained")
"""


def test_train_waits_and_the_model_is_where_the_job_says(trainer, training, tmp_path, s3):
    from sagemaker.train.configs import InputData
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2\n")
    made = trainer({"train.py": SHOW}, hyperparameters={"depth": 3, "rate": 0.5, "name": "a b", "flag": True})
    made.train(input_data_config=[InputData(channel_name="training", data_source=str(tmp_path / "data"))], logs=False)
    name = made._latest_training_job.training_job_name
    told = shown(training.lines(name))
    assert told["cwd"] == "/opt/ml/input/data/code" and told["data"] == ["a.csv"]
    assert told["env"]["SM_HOSTS"] == '["algo-1"]' and told["env"]["SM_MASTER_ADDR"] == "algo-1"
    assert told["env"]["SM_ENTRY_SCRIPT"] == "train.py" and told["env"]["SM_SOURCE_DIR"] == "/opt/ml/input/data/code"
    pairs = dict(zip(told["arguments"][::2], told["arguments"][1::2]))
    assert pairs == {"--depth": "3", "--rate": "0.5", "--name": "a b", "--flag": "true"} or pairs["--flag"] in ("True", "true")
    job = training.describe(name)
    bucket, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert made._latest_training_job.refresh().training_job_status == "Completed"


def test_requirements_and_a_channel_from_s3(run, s3, bucket, tmp_path):
    from sagemaker.train.configs import InputData
    make_wheel(tmp_path / "wheels", "tiny_thing", "2.5")
    s3.put_object(Bucket=bucket, Key="set/part.txt", Body=b"x")
    job, lines = run({"train.py": "import tiny_thing\nassert tiny_thing.__version__ == '2.5'\n" + SHOW,
                      "requirements.txt": "tiny-thing\n"}, source={"requirements": "requirements.txt"},
                     inputs=[InputData(channel_name="training", data_source=f"s3://{bucket}/set")],
                     environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    assert job["TrainingJobStatus"] == "Completed", "\n".join(lines[-30:])
    assert shown(lines)["data"] == ["part.txt"]


def test_a_failed_script_raises_with_what_the_drivers_say_of_it(trainer):
    """The SDK's own driver writes the failure file: it names the command, not the script's error."""
    from sagemaker.core.utils.exceptions import FailedStatusError
    made = trainer({"train.py": "raise RuntimeError('the oven is cold')\n"})
    with pytest.raises(FailedStatusError, match="(?s)AlgorithmError: .*'train.py.*exit status 1.*, exit code: 1"):
        made.train(logs=False)


def test_a_command_instead_of_a_script(run):
    job, lines = run({"note.txt": "from the folder\n"}, source={
        "entry_script": None, "command": "cat note.txt && echo done > /opt/ml/model/m && echo \"$SM_CURRENT_HOST is here\""})
    assert job["TrainingJobStatus"] == "Completed", "\n".join(lines[-30:])
    assert "from the folder" in lines and "algo-1 is here" in lines


TORCHRUN = """#!/bin/sh
echo "torchrun called with: $*"
"""


def test_the_torchrun_driver_calls_torchrun(run, tmp_path):
    from sagemaker.train.distributed import Torchrun
    make_wheel(tmp_path / "wheels", "torch", "2.3.0", {"torch/__init__.py": "__version__ = '2.3.0'\n",
                                                      "torch-2.3.0.data/scripts/torchrun": TORCHRUN})
    job, lines = run({"train.py": "", "requirements.txt": "torch\n"}, source={"requirements": "requirements.txt"},
                     training_image=PYTORCH, hyperparameters={"epochs": 2}, distributed=Torchrun(process_count_per_node=2),
                     environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    assert job["TrainingJobStatus"] == "Completed", "\n".join(lines[-30:])
    assert any("torchrun called with: --nnodes=1 --nproc_per_node=2 train.py --epochs 2" in line for line in lines), lines


def test_the_mpi_driver_leaves_the_machine_as_it_was(run, tmp_path):
    """It appends the job's environment to /etc/environment, which is the machine's where a job runs as a process."""
    from sagemaker.train.distributed import MPI
    before = open("/etc/environment").read() if os.path.exists("/etc/environment") else None
    mpirun = "#!/bin/sh\necho \"mpirun called with: $*\"\n"
    make_wheel(tmp_path / "wheels", "openmpi", "4.1", {"openmpi.py": "", "openmpi-4.1.data/scripts/mpirun": mpirun})
    job, lines = run({"train.py": "", "requirements.txt": "openmpi\n"}, source={"requirements": "requirements.txt"},
                     hyperparameters={"epochs": 2}, distributed=MPI(process_count_per_node=2),
                     environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    after = open("/etc/environment").read() if os.path.exists("/etc/environment") else None
    assert after == before
    if os.path.exists("/usr/sbin/sshd"):
        assert job["TrainingJobStatus"] == "Completed", "\n".join(lines[-30:])
        assert any("mpirun called with: --host algo-1:2 -np 2" in line for line in lines), lines
    else:
        assert "SSH daemon not found" in "\n".join(lines)


