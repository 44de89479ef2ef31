"""A full disk gives AWS's error, and nothing acknowledged is lost."""
import os
import subprocess

import pytest
from botocore.exceptions import ClientError

from crash.conftest import CONFIG, clients
from support.server import Server


@pytest.fixture
def small_disk(tmp_path):
    """16 MB that are full soon."""
    where = tmp_path / "small"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(where)], capture_output=True,
                             check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=False)


def test_a_full_disk_refuses_and_keeps_what_it_has(small_disk):
    server = Server(config=CONFIG, ephemeral=False)
    server.data = small_disk / "data"
    server.start()
    try:
        fill_and_check(server)
    finally:
        server.stop()


def fill_and_check(server):
    s3 = clients(server, "s3")[0]
    s3.create_bucket(Bucket="full")
    kept, refusal = [], None
    for number in range(60):
        try:
            s3.put_object(Bucket="full", Key=f"{number}", Body=os.urandom(500_000))
            kept.append(number)
        except ClientError as error:
            refusal = error.response
            break
    assert refusal, "30 MB went into 16"
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] in (503, 507), refusal
    assert len(kept) > 5
    for number in kept:
        assert s3.get_object(Bucket="full", Key=f"{number}")["ContentLength"] == 500_000
    for number in kept[:10]:
        s3.delete_object(Bucket="full", Key=f"{number}")
    s3.put_object(Bucket="full", Key="again", Body=b"x" * 400_000)
    assert s3.get_object(Bucket="full", Key="again")["ContentLength"] == 400_000
