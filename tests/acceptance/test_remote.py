"""@remote and RemoteExecutor of the unmodified SDK v2. A call follows its log for 40 s and more, so tests submit to executors,
which wait without the log, and read results when the jobs are over."""
import concurrent.futures
import logging
import os
import subprocess
import sys
import textwrap

import pytest

os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
logging.getLogger("sagemaker.config").setLevel(logging.WARNING)

from support.server import ROOT, Server  # noqa: E402
from support.training import ROLE, SKLEARN, Training  # noqa: E402
from support.wheels import make_wheel  # noqa: E402

pytestmark = pytest.mark.timeout(300)
BASE_PYTHON = "236514542706.dkr.ecr.us-east-1.amazonaws.com/sagemaker-base-python-310:1.0"
SETTINGS = {"instance_type": "ml.m5.large", "image_uri": SKLEARN, "role": ROLE}


@pytest.fixture(scope="module")
def session(server):
    import sagemaker
    return sagemaker.Session()


@pytest.fixture
def run(session):
    """run(function, *arguments, **settings): one job by an executor; gives its future when it is over."""
    from sagemaker.remote_function import RemoteExecutor

    def submit(function, *arguments, **settings):
        with RemoteExecutor(sagemaker_session=session, **{**SETTINGS, **settings}) as executor:
            future = executor.submit(function, *arguments)
        return future
    return submit


def log_of(training, future):
    return "\n".join(training.lines(future._job.job_name))


def test_a_decorated_function_gives_its_value_and_raises_its_own_error(session):
    from sagemaker.remote_function import remote

    @remote(sagemaker_session=session, job_name_prefix="adds-up", **SETTINGS)
    def add(left, right, *, times=1):
        return {"sum": (left + right) * times, "cwd": __import__("os").getcwd()}

    @remote(sagemaker_session=session, **{**SETTINGS, "image_uri": BASE_PYTHON})
    def divide(left, right):
        return left / right

    with concurrent.futures.ThreadPoolExecutor() as pool:
        added, divided = pool.submit(add, 2, 3, times=10), pool.submit(divide, 1, 0)
        assert added.result() == {"sum": 50, "cwd": "/opt/ml/code/sagemaker_remote_function_workspace"}
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            divided.result()


def test_an_executor_runs_several_jobs_and_keeps_their_order(session):
    from sagemaker.remote_function import RemoteExecutor

    def square(number):
        return number * number

    def fail(text):
        raise KeyError(text)

    with RemoteExecutor(sagemaker_session=session, max_parallel_jobs=4, **SETTINGS) as executor:
        futures = [executor.submit(square, number) for number in range(3)]
        failing = executor.submit(fail, "no such thing")
    assert [future.result() for future in futures] == [0, 1, 4]
    with pytest.raises(KeyError, match="no such thing"):
        failing.result()


def test_requirements_are_installed_without_an_index_where_the_interpreter_has_the_sdk(run, training, tmp_path):
    make_wheel(tmp_path / "wheels", "tiny_thing", "1.5")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("tiny-thing>=1\n")

    def version():
        import tiny_thing
        return tiny_thing.__version__

    future = run(version, dependencies=str(requirements), environment_variables={
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")})
    assert future.result() == "1.5"
    assert "sagemaker>=2.256.0" in requirements.read_text(), "the SDK does not ask for itself any more"
    log = log_of(training, future)
    assert "is installed and meets sagemaker>=2.256.0,<3.0.0: kept as it is" in log and "Collecting sagemaker" not in log
    with pytest.raises(ImportError):
        __import__("tiny_thing")


def test_a_newer_sdk_that_is_asked_for_is_installed(training, tmp_path):
    make_wheel(tmp_path, "sagemaker", "2.999.0", {"sagemaker/__init__.py": "__version__ = '2.999.0'\n"})
    script = """
        import subprocess, sys
        def install(text):
            open("asked.txt", "w").write(text)
            subprocess.run([sys.executable, "-m", "pip", "install", "-r", "asked.txt", "-U"], check=True)
            subprocess.run([sys.executable, "-c", "import importlib.metadata as m; print('now', m.version('sagemaker'))"])
        install("sagemaker>=2.256.0,<3.0.0\\n")
        install("sagemaker>=2.900,<3.0.0\\n")
    """
    job = training.run(script, Environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)})
    lines = training.lines(job["TrainingJobName"])
    versions = [line for line in lines if line.startswith("now ")]
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert versions[0].startswith("now 2.2") and versions[1] == "now 2.999.0", lines


@pytest.mark.parametrize("set_by_caller", [None, "1"])
def test_offline_pip_does_not_try_again_unless_the_caller_says_so(set_by_caller):
    script = """
        import subprocess, sys
        open("asked.txt", "w").write("joblib\\n")
        subprocess.run([sys.executable, "-m", "pip", "install", "-r", "asked.txt", "-U"], check=True)
    """
    server = Server("--offline", environment={"PIP_INDEX_URL": "https://index.example/simple"})
    server.environment.pop("PIP_RETRIES", None)
    server.environment |= {"PIP_RETRIES": set_by_caller} if set_by_caller else {}
    with server:
        training = Training.on(server, "offline")
        job = training.run(script)
        log = "\n".join(training.lines(job["TrainingJobName"]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "Requirement already satisfied: joblib" in log
    assert log.count("Retrying") == int(set_by_caller or 0), log


def test_requirements_that_cannot_be_met_name_the_package(run, tmp_path):
    from sagemaker.remote_function.runtime_environment.runtime_environment_manager import RuntimeEnvironmentError
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package-anywhere==1.0\n")
    future = run(lambda: 1, dependencies=str(requirements), environment_variables={"PIP_NO_INDEX": "1"})
    with pytest.raises(RuntimeEnvironmentError, match="no-such-package-anywhere"):
        future.result()


def test_commands_and_variables_reach_the_function(run):
    def look():
        import os
        return open("made-before.txt").read().strip(), os.environ["COLOUR"], os.environ["SM_CURRENT_HOST"]

    future = run(look, environment_variables={"COLOUR": "green"},
                 pre_execution_commands=["echo $COLOUR tea > made-before.txt", "touch /opt/ml/input/writable"])
    assert future.result() == ("green tea", "green", "algo-1")


def test_a_failed_script_before_the_function_is_the_error(run, tmp_path):
    from sagemaker.remote_function.runtime_environment.runtime_environment_manager import RuntimeEnvironmentError
    script = tmp_path / "before.sh"
    script.write_text("echo preparing\necho the oven is cold >&2\nexit 3\n")
    future = run(lambda: 1, pre_execution_script=str(script))
    with pytest.raises(RuntimeEnvironmentError, match="the oven is cold"):
        future.result()


def test_local_modules_travel_and_defaults_come_from_a_config_file(server, tmp_path):
    """In a process of its own: both depend on the working folder and on a file named by the environment."""
    (tmp_path / "kitchen" / "deep").mkdir(parents=True)
    for folder in ("kitchen", "kitchen/deep"):
        (tmp_path / folder / "__init__.py").write_text("")
    (tmp_path / "kitchen" / "deep" / "recipe.py").write_text("from ..pantry import FLOUR\ndef cake(): return FLOUR + 1\n")
    (tmp_path / "kitchen" / "pantry.py").write_text("FLOUR = 41\n")
    (tmp_path / "config.yaml").write_text(textwrap.dedent(f"""
        SchemaVersion: '1.0'
        SageMaker:
          PythonSDK:
            Modules:
              RemoteFunction:
                ImageUri: {SKLEARN}
                InstanceType: ml.m5.large
                RoleArn: {ROLE}
                IncludeLocalWorkDir: true
                EnvironmentVariables: {{FROM_CONFIG: "yes"}}
                PreExecutionCommands: ["echo from-config > note.txt"]
                S3RootUri: s3://sagemaker-us-east-1-000000000000/from-config
    """))
    (tmp_path / "call.py").write_text(textwrap.dedent("""
        from sagemaker.remote_function import RemoteExecutor
        from kitchen.deep.recipe import cake

        def bake(extra):
            import os
            return cake() + extra, os.environ["FROM_CONFIG"], open("note.txt").read().strip()

        with RemoteExecutor() as executor:
            future = executor.submit(bake, 1)
        print("result:", future.result(), executor.job_settings.s3_root_uri)
    """))
    done = subprocess.run([sys.executable, "call.py"], cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False,
                          env={**os.environ, "SAGEMAKER_USER_CONFIG_OVERRIDE": str(tmp_path / "config.yaml")})
    assert "result: (43, 'yes', 'from-config') s3://sagemaker-us-east-1-000000000000/from-config" in done.stdout, done


def test_an_environment_file_without_conda_says_what_is_missing(run, tmp_path):
    from sagemaker.remote_function.runtime_environment.runtime_environment_manager import RuntimeEnvironmentError
    (tmp_path / "environment.yml").write_text("name: x\ndependencies: [python=3.11]\n")
    future = run(lambda: 1, dependencies=str(tmp_path / "environment.yml"))
    with pytest.raises(RuntimeEnvironmentError, match="Neither conda nor mamba is installed"):
        future.result()


STAND_IN = f"""#!/bin/bash
# As much of micromamba as @remote uses: an environment is the test's own interpreter under another name.
echo "micromamba $*" >>"$MAMBA_ROOT_PREFIX/calls.txt"
case "$1 $2" in
  "env create") mkdir -p "$MAMBA_ROOT_PREFIX/envs/$4" && grep -q dependencies "$6" ;;
  "run -n") [ -d "$MAMBA_ROOT_PREFIX/envs/$3" ] || exit 9
    shift 3; [ "$1" = python ] && set -- {ROOT}/.venv/bin/"$@"; CONDA_DEFAULT_ENV=made exec "$@" ;;
  *) exit 8 ;;
esac
"""


@pytest.mark.parametrize("program", ["micromamba", "conda"])
def test_an_environment_file_goes_through_what_there_is_of_conda(program, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / program).write_text(STAND_IN if program == "micromamba" else STAND_IN.replace(
        "$MAMBA_ROOT_PREFIX/envs", "${CONDA_ENVS_DIRS%%:*}").replace("$MAMBA_ROOT_PREFIX", "$CONDA_ENVS_DIRS"))
    (tools / program).chmod(0o755)
    (tmp_path / "environment.yml").write_text("name: x\ndependencies: [python=3.11]\n")
    (tmp_path / "call.py").write_text(textwrap.dedent(f"""
        from sagemaker.remote_function import RemoteExecutor
        def where():
            import os
            return os.environ["CONDA_DEFAULT_ENV"]
        with RemoteExecutor(dependencies="environment.yml", **{SETTINGS!r}) as executor:
            futures = [executor.submit(where) for _ in range(2)]
        print("results:", [future.result() for future in futures])
    """))
    with Server(environment={"PATH": f"{tools}:{os.environ['PATH']}"}) as own:
        done = subprocess.run([sys.executable, "call.py"], cwd=tmp_path, env=own.client_environment(), text=True,
                              capture_output=True, timeout=250, check=False)
    assert "results: ['made', 'made']" in done.stdout, done
