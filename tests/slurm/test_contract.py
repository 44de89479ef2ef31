"""The contract that every placement passes (server/jobs/placement/placement_contract.hpp), on a real cluster."""
import subprocess

from support.server import BIN


def test_the_placement_keeps_the_contract(cluster):
    done = subprocess.run([str(BIN / "jobs_test"), "--gtest_filter=Slurm/*"], capture_output=True, text=True, check=False,
                          env=cluster.environment(SAGELET_TEST_CLUSTER="yes"), timeout=120)
    assert done.returncode == 0 and "[  PASSED  ] 9 tests" in done.stdout, done.stdout[-6000:]
