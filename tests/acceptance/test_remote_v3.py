"""@remote and RemoteExecutor of SDK v3. It installs nothing by itself: the job's interpreter must have the SDK."""
import concurrent.futures

import pytest

from support.training import ROLE, SKLEARN

pytestmark = pytest.mark.timeout(300)
SETTINGS = {"instance_type": "ml.m5.large", "image_uri": SKLEARN, "role": ROLE}


@pytest.fixture(scope="module")
def session(server):
    from sagemaker.core.helper.session_helper import Session
    return Session()


def test_a_decorated_function_gives_its_value_and_raises_its_own_error(session):
    from sagemaker.core.remote_function import remote

    @remote(sagemaker_session=session, **SETTINGS)
    def add(left, right):
        return left + right

    @remote(sagemaker_session=session, environment_variables={"COLOUR": "green"}, **SETTINGS)
    def fail():
        import os
        raise LookupError(os.environ["COLOUR"])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        added, failed = pool.submit(add, 2, 3), pool.submit(fail)
        assert added.result() == 5
        with pytest.raises(LookupError, match="green"):
            failed.result()


def test_an_executor_runs_several_jobs_with_what_they_asked_for(session, tmp_path):
    from sagemaker.core.remote_function import RemoteExecutor
    from support.wheels import make_wheel
    make_wheel(tmp_path, "tiny_thing", "3.5")
    (tmp_path / "requirements.txt").write_text("tiny-thing\n")

    def times(number):
        import tiny_thing
        return tiny_thing.__version__, number * 2, open("made-before.txt").read().strip()

    with RemoteExecutor(sagemaker_session=session, max_parallel_jobs=2, dependencies=str(tmp_path / "requirements.txt"),
                        pre_execution_commands=["echo tea > made-before.txt"],
                        environment_variables={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}, **SETTINGS) as executor:
        futures = [executor.submit(times, number) for number in (1, 2)]
    assert [future.result() for future in futures] == [("3.5", 2, "tea"), ("3.5", 4, "tea")]
