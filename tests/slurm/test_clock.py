"""Slurm's own time limit. In a file of its own: limits are whole minutes, and slurmctld looks at them every 30 s."""
import pytest

from slurm.stands import IGNORES, WAIT, start_and_wait


@pytest.mark.timeout(240)
def test_slurms_time_limit_is_max_runtime_exceeded(training, cluster):
    names = []
    for program in (WAIT, IGNORES):
        name, number, _ = start_and_wait(training, cluster, program)
        cluster.run("scontrol", "update", f"jobid={number}", "timelimit=1")
        names.append(name)
    for name in names:
        job = training.wait(name, seconds=200)
        assert job["TrainingJobStatus"] == "Stopped" and job["SecondaryStatus"] == "MaxRuntimeExceeded", job
