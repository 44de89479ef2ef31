"""Our script mode against sagemaker-training itself: the same input through both, called as PyTorch's image calls it.

Both run below one base folder (SAGEMAKER_BASE_DIR), one after the other, so even paths must agree. Compared are the exit
code, the script's arguments and environment, and the files output/success and output/failure.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from cases import CASES, DUMP

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
RESOURCES = {
    "current_host": "algo-1",
    "current_instance_type": "ml.m5.large",
    "current_group_name": "homogeneousCluster",
    "hosts": ["algo-1"],
    "network_interface_name": "eth0",
    "instance_groups": [
        {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
    ],
}


def runner_path():
    given = os.environ.get("SAGELET_RUNNER")
    beside = os.environ.get("SAGELET_BIN")
    if given or not beside:
        return pathlib.Path(given) if given else ROOT / "build/release/bin/sagelet-runner"
    folder = pathlib.Path(beside)
    return (folder if folder.is_dir() else folder.parent) / "sagelet-runner"


def toolkit_python():
    given = os.environ.get("SAGELET_TOOLKIT_PYTHON") or os.environ.get("SAGELET_TOOLKIT")
    return pathlib.Path(given) if given else ROOT / ".venv-toolkit/bin/python"


def lay_out(base, case):
    shutil.rmtree(base, ignore_errors=True)
    for folder in ("input/config", "input/data", "model", "output/data", "code"):
        (base / folder).mkdir(parents=True)
    hyperparameters = dict(case["hps"])
    program = case.get("program", "train.py")
    if program is not None:
        hyperparameters.setdefault("sagemaker_program", json.dumps(program))
    config = {
        "hyperparameters": hyperparameters,
        "resourceconfig": case.get("resources", RESOURCES),
        "inputdataconfig": case.get("channels", {}),
    }
    for name, value in config.items():
        (base / "input/config" / f"{name}.json").write_text(json.dumps(value))
    for name, text in case.get("files", {"train.py": DUMP}).items():
        path = base / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def environment_of(base, case):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_TRAINING_MODULE": "framework_stand_in:main",
        "SM_STUDIO_LOCAL_MODE": "true",  # the toolkit waits for host names otherwise
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **case.get("environment", {}),
    }


def read(path):
    return path.read_text(errors="surrogateescape") if path.exists() else None


def outcome(base, case, command):
    """Everything that one of the two programs left behind."""
    lay_out(base, case)
    done = subprocess.run(
        command, env=environment_of(base, case), cwd=base, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    dump = read(base / "dump.json")
    return {
        "exit code": done.returncode,
        "seen by the script": json.loads(dump) if dump else None,
        "seen by the shell": read(base / "dump.txt"),
        "success": read(base / "output/success"),
        "failure": read(base / "output/failure"),
        "output": done.stdout.decode(errors="replace"),
    }


def without_cores(result):
    """SM_NUM_CPUS apart: the toolkit counts all cores of the machine, we those the job may use."""
    seen = result["seen by the script"]
    if not seen:
        return None
    variables = seen["environment"]
    cores = int(variables.pop("SM_NUM_CPUS"))
    variables["SM_TRAINING_ENV"] = re.sub(r'"num_cpus":\d+', '"num_cpus":N', variables["SM_TRAINING_ENV"])
    # The toolkit puts its own interpreter's whole path there.
    variables["PYTHONPATH"] = variables["PYTHONPATH"].split(":")[0]
    return cores


def normal_failure(result, compare):
    """A Framework Error shows a Python traceback of the toolkit's own; a build shows its temporary folders."""
    text = result["failure"]
    if text and text.startswith("Framework Error: "):
        return "Framework Error: "
    if text and '\nCommand "mpirun ' in text:
        return re.sub(r" -x \S+", "", text)  # see launchers/torchrun
    if text and compare == "command":
        return re.sub(r'ErrorMessage ".*"\n', "", text, flags=re.DOTALL)
    return text


def name_the_error(theirs, message):
    """The toolkit knows errors by a list of names and shows an empty text for all others. Ours is its file with that text."""
    assert theirs["failure"].count('ErrorMessage ""\n') == 1, theirs["failure"]
    theirs["failure"] = theirs["failure"].replace('ErrorMessage ""\n', f'ErrorMessage "{message}"\n')


@pytest.mark.parametrize("name", CASES)
def test_script_mode_does_what_the_toolkit_does(name, tmp_path):
    case, base, python = CASES[name], tmp_path / "ml", str(toolkit_python())
    if not os.access(python, os.X_OK):
        pytest.skip(f"no sagemaker-training at {python}; script/bootstrap makes it")
    train = [python, "-c", "from sagemaker_training.cli.train import main; main()"]
    theirs = outcome(base, case, train)
    ours = outcome(base, case, [str(runner_path()), "--script-mode", str(base), "--python", python])
    shown = "\n".join(f"--- {who}\n{result.pop('output')[-3000:]}" for who, result in (("toolkit", theirs), ("ours", ours)))
    without_cores(theirs)
    cores = without_cores(ours)
    assert cores is None or cores == len(os.sched_getaffinity(0))
    for result in (theirs, ours):
        result["failure"] = normal_failure(result, case.get("compare"))
    if "ours" in case:
        name_the_error(theirs, case["ours"].replace("PYTHON", python).replace("BASE", str(base)))
    assert ours == theirs, shown


def test_there_are_cases_enough():
    assert len(CASES) >= 40
