"""A server that dies between two expiries loses none and repeats none."""
import contextlib
import time

import pytest

from crash.conftest import clients
from support.server import Server

KEYS = 250
RULE = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}


def versions(s3):
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="aging")
    found = {}
    for page in pages:
        for kind in ("Versions", "DeleteMarkers"):
            for one in page.get(kind, []):
                found.setdefault(one["Key"], []).append(kind)
    return found


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_each_key_is_hidden_once_after_a_kill_between_batches(tmp_path, batch):
    server = Server(folder=tmp_path, config="", ephemeral=False)
    server.start()
    try:
        s3 = clients(server, "s3")[0]
        s3.create_bucket(Bucket="aging")
        s3.put_bucket_versioning(Bucket="aging", VersioningConfiguration={"Status": "Enabled"})
        for number in range(KEYS):
            s3.put_object(Bucket="aging", Key=f"{number:04}", Body=b"x")
        s3.put_bucket_lifecycle_configuration(Bucket="aging", LifecycleConfiguration={"Rules": [RULE]})
        server.stop()

        (tmp_path / "sagelet.yaml").write_text("s3:\n  lifecycle_day_seconds: 0.4\n")
        with contextlib.suppress(RuntimeError):  # it may die before it is ready
            server.start(SAGELET_CRASH_AT=f"lifecycle.between_batches:{batch}")
        assert server.process.wait(20) == -9
        server.start()
        s3 = clients(server, "s3")[0]
        end = time.monotonic() + 20
        while s3.list_objects_v2(Bucket="aging")["KeyCount"] and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.5)  # more passes, which find nothing to do
        assert versions(s3) == {f"{number:04}": ["Versions", "DeleteMarkers"] for number in range(KEYS)}
    finally:
        server.stop()
