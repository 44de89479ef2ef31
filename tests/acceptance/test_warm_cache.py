"""The folder that matching jobs of a warm pool find again, where @remote keeps its caches."""
import pytest


@pytest.mark.one_machine("Warm pools keep nothing")
def test_the_second_job_of_a_pool_finds_what_the_first_kept(training):
    keep = "import os; open(os.environ['SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY'] + '/kept', 'w').write('warm')\n"
    find = ("import os\nfolder = os.environ['SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY']\n"
            "print('found', folder, open(folder + '/kept').read())\n")
    pool = {"ResourceConfig": {"KeepAlivePeriodInSeconds": 120, "VolumeSizeInGB": 77}}  # a size of its own: nobody else's pool
    first = training.run(keep, **pool)
    assert first["TrainingJobStatus"] == "Completed", first.get("FailureReason")
    second = training.run(find, **pool)
    assert second["TrainingJobStatus"] == "Completed", second.get("FailureReason")
    assert "found /opt/ml/sagemaker/warmpoolcache warm" in training.lines(second["TrainingJobName"])


def test_a_job_without_a_pool_has_no_such_folder(training):
    job = training.run("import os; print('named', 'SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY' in os.environ)\n")
    assert "named False" in training.lines(job["TrainingJobName"])
