"""Acknowledged means durable: what a call answered is there after kill -9, whole; the rest is whole or not there."""
import os

import pytest

from crash.conftest import clients
from crash.s3_history import History
from support.server import sagelet

ROUNDS_A_LOOK_AT_ALL = 25


@pytest.fixture(scope="session")
def object_rounds():
    return int(os.environ.get("CRASH_OBJECT_ROUNDS", "300"))


@pytest.mark.timeout(14400)  # 10,000 rounds
def test_no_acknowledged_call_is_lost_by_kill_9(server, rng, object_rounds):
    history = History(server, rng)
    for number in range(1, object_rounds + 1):
        history.kill_while_writing()
        server.start()
        history.verify()
        if number % ROUNDS_A_LOOK_AT_ALL == 0 or number == object_rounds:
            history.verify_all()
            history.scrub()
    assert history.numbers > object_rounds, "next to nothing was ever written"


def test_no_bytes_are_left_behind_by_broken_uploads(server, rng):
    """After kills and a restart the data folder holds what its records name, and no more."""
    history = History(server, rng)
    for _ in range(5):
        history.kill_while_writing()
        server.start()
        history.verify()  # settles which of the calls that nobody heard of again came through
    history.verify_all()
    server.stop()
    done = sagelet("scrub", "--data", server.data)
    assert done.returncode == 0, done.stdout + done.stderr
    server.start()


@pytest.mark.parametrize("part_size", [5 * 1024 * 1024])
def test_a_multipart_upload_goes_on_after_a_kill(server, part_size):
    s3 = clients(server, "s3")[0]
    s3.create_bucket(Bucket="crash")
    made = s3.create_multipart_upload(Bucket="crash", Key="big")["UploadId"]
    first = s3.upload_part(Bucket="crash", Key="big", UploadId=made, PartNumber=1, Body=b"a" * part_size)["ETag"]
    server.kill()
    server.start()
    s3 = clients(server, "s3")[0]
    second = s3.upload_part(Bucket="crash", Key="big", UploadId=made, PartNumber=2, Body=b"end")["ETag"]
    s3.complete_multipart_upload(Bucket="crash", Key="big", UploadId=made, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]})
    assert s3.get_object(Bucket="crash", Key="big")["Body"].read() == b"a" * part_size + b"end"
