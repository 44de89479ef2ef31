"""Acknowledged means durable: what a put answered is there after kill -9, whole; the rest is whole or not there."""
import hashlib
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from crash.conftest import clients

WRITERS = 4


def body_of(key, version, size):
    """Tells its own version and whether it is whole."""
    text = f"{key}#{version}#".encode()
    fill = hashlib.sha256(text).digest()
    data = (text + fill * (size // len(fill) + 1))[:max(size, len(text) + 32)]
    return data + hashlib.sha256(data).digest()


def check_whole(key, data):
    """The version a body tells; a broken one fails the test."""
    content, digest = data[:-32], data[-32:]
    assert hashlib.sha256(content).digest() == digest, f"{key} is torn: {len(data)} bytes"
    name, version, _ = content.split(b"#", 2)
    assert name.decode() == key
    return int(version)


class Writer(threading.Thread):
    """Puts, overwrites and deletes its own keys until the server is gone; knows what was acknowledged."""

    def __init__(self, number, server, rng, acknowledged):
        super().__init__(daemon=True)
        self.number, self.server, self.acknowledged = number, server, acknowledged
        self.rng = random.Random(rng.random())
        self.attempted = {}

    def run(self):
        s3 = clients(self.server, "s3")[0]
        while True:
            key = f"w{self.number}/{self.rng.randrange(12)}"
            try:
                self.step(s3, key)
            except (BotoCoreError, ClientError, OSError):
                return

    def step(self, s3, key):
        version, present = self.acknowledged.get(key, (0, False))
        if present and self.rng.random() < 0.2:
            self.attempted[key] = "deleting"
            s3.delete_object(Bucket="crash", Key=key)
            self.acknowledged[key] = (version, False)
        else:
            self.attempted[key] = version + 1
            size = self.rng.choice([10, 1000, 5000, 100_000, 1_000_000])
            s3.put_object(Bucket="crash", Key=key, Body=body_of(key, version + 1, size))
            self.acknowledged[key] = (version + 1, True)
        del self.attempted[key]


def verify(server, acknowledged, attempted):
    s3 = clients(server, "s3")[0]
    listed = {item["Key"]: item["Size"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="crash")
              for item in page.get("Contents", []) if item["Key"].startswith("w")}
    for key, (version, present) in list(acknowledged.items()):
        unsure = attempted.get(key)
        if key not in listed:
            assert not present or unsure == "deleting", f"{key} version {version} was acknowledged and is gone"
            acknowledged[key] = (version, False)
            continue
        data = s3.get_object(Bucket="crash", Key=key)["Body"].read()
        assert len(data) == listed[key]
        found = check_whole(key, data)
        allowed = {version} if present else set()
        allowed |= {unsure} if isinstance(unsure, int) else set()
        assert found in allowed, f"{key}: found version {found}, acknowledged {version} ({present}), unsure {unsure}"
        acknowledged[key] = (found, True)
    for key in set(listed) - set(acknowledged):
        acknowledged[key] = (check_whole(key, s3.get_object(Bucket="crash", Key=key)["Body"].read()), True)


def kill_while_writing(server, rng, acknowledged, **crash):
    writers = [Writer(number, server, rng, acknowledged) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    if crash:
        server.process.wait(60)
    else:
        time.sleep(rng.uniform(0.05, 0.5))
        server.kill()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()
    attempted = {}
    for writer in writers:
        attempted.update(writer.attempted)
    return attempted


@pytest.mark.timeout(7200)  # 2000 rounds take 17 minutes
def test_no_acknowledged_put_is_lost_by_kill_9(server, rng, rounds):
    clients(server, "s3")[0].create_bucket(Bucket="crash")
    acknowledged = {}
    for number in range(rounds):
        attempted = kill_while_writing(server, rng, acknowledged)
        server.start()
        verify(server, acknowledged, attempted)
    assert acknowledged, "nothing was ever acknowledged"


def test_no_bytes_are_left_behind_by_broken_uploads(server, rng):
    """After kills and a restart the objects folder holds what the listing holds, and no more."""
    s3 = clients(server, "s3")[0]
    s3.create_bucket(Bucket="crash")
    for _ in range(3):
        kill_while_writing(server, rng, {})
        server.start()
    s3 = clients(server, "s3")[0]
    listed = [item["Size"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="crash")
              for item in page.get("Contents", [])]
    folder, deadline = server.data / "objects", time.monotonic() + 20
    while True:
        stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if stored <= sum(listed) + 64 * 1024 or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert stored <= sum(listed) + 64 * 1024, f"{stored} bytes on disk for {sum(listed)} listed"


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
