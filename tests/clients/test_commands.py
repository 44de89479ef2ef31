"""Command line clients: aws and rclone."""
import json
import os
import shutil
import subprocess

import pytest

from keys import CONTROL, HOSTILE
from story import METADATA, bodies_of, curl
from support.server import ROOT, clean_environment

AWS = ROOT / ".venv" / "bin" / "aws"
# Not to be had as a word of a command, or as a file's name.
AS_FILES = [key for key in HOSTILE if not key.endswith("/") and "//" not in key and not key.startswith("/") and key != "dir"
            and not {".", ".."} & set(key.split("/")) and all(len(part.encode()) < 250 for part in key.split("/"))]


@pytest.fixture
def aws(server):
    env = clean_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1",
                            AWS_ENDPOINT_URL=server.url, AWS_PAGER="", AWS_CONFIG_FILE="/dev/null")

    def run(*words, **options):
        done = subprocess.run([str(AWS), *map(str, words)], env=env, capture_output=True, timeout=120, check=False, **options)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


@pytest.fixture
def tree(tmp_path):
    """A folder with a file for each key that may be one, and what is in them."""
    made = {}
    for key, body in zip(AS_FILES, bodies_of(AS_FILES)):
        path = tmp_path / "tree" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
        made[key] = body.encode()
    return tmp_path / "tree", made


def stored(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def read_tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_aws_syncs_a_tree_of_hostile_names(aws, s3, bucket, tree, tmp_path):
    folder, made = tree
    aws("s3", "sync", folder, f"s3://{bucket}/", "--no-progress")
    assert stored(s3, bucket) == made
    aws("s3", "sync", f"s3://{bucket}/", tmp_path / "back", "--no-progress")
    assert read_tree(tmp_path / "back") == made
    aws("s3", "cp", "--recursive", f"s3://{bucket}/", f"s3://{bucket}/copy/", "--no-progress")
    aws("s3", "rm", "--recursive", f"s3://{bucket}/copy/", "--only-show-errors")
    assert stored(s3, bucket) == made


@pytest.mark.parametrize("key", ["/a//../🚀 +%/", CONTROL[0], "x" * 1024], ids=["path", "control", "long"])
def test_aws_s3api_keeps_a_key(aws, s3, bucket, tmp_path, key):
    (tmp_path / "body").write_bytes(b"the body")
    words = ["--bucket", bucket, f"--key={key}"]
    aws("s3api", "put-object", *words, "--body", tmp_path / "body", "--metadata", json.dumps(METADATA))
    assert stored(s3, bucket) == {key: b"the body"}
    assert json.loads(aws("s3api", "head-object", *words))["Metadata"] == METADATA
    aws("s3api", "get-object", *words, "--range", "bytes=4-", tmp_path / "range")
    assert (tmp_path / "range").read_bytes() == b"body"
    aws("s3api", "delete-object", *words)
    assert stored(s3, bucket) == {}


def test_aws_presigns(aws, bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/dir/../a b+%.txt", input=b"signed")
    assert curl(aws("s3", "presign", f"s3://{bucket}/dir/../a b+%.txt").strip()) == b"signed"


@pytest.fixture
def rclone(server, tmp_path):
    if shutil.which("rclone") is None:
        pytest.skip("rclone is not installed")
    config = tmp_path / "rclone.conf"
    config.write_text(f"[here]\ntype = s3\nprovider = Other\nendpoint = {server.url}\naccess_key_id = test\n"
                      "secret_access_key = test\nregion = us-east-1\nforce_path_style = true\nchunk_size = 5M\n"
                      "upload_cutoff = 5M\ncopy_cutoff = 6M\nencoding = None\nacl = bucket-owner-full-control\nlist_chunk = 7\n")

    def run(*words, **options):
        done = subprocess.run(["rclone", "--config", str(config), "--retries", "1", "--low-level-retries", "1",
                               "--no-unicode-normalization", *map(str, words)],
                              env=clean_environment(), capture_output=True, timeout=120, check=False, **options)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


def test_rclone_syncs_a_tree_of_hostile_names(rclone, s3, bucket, tree, tmp_path):
    folder, made = tree
    rclone("sync", folder, f"here:{bucket}")
    assert stored(s3, bucket) == made
    rclone("check", "--download", folder, f"here:{bucket}")
    rclone("copy", f"here:{bucket}", tmp_path / "back")
    assert read_tree(tmp_path / "back") == made
    rclone("copy", f"here:{bucket}", f"here:{bucket}/copy")
    rclone("purge", f"here:{bucket}/copy")
    assert stored(s3, bucket) == made


def test_rclone_uploads_in_parts_and_as_a_stream(rclone, s3, bucket, tmp_path):
    big = os.urandom(11 * (1 << 20) + 1)
    (tmp_path / "big").write_bytes(big)
    rclone("copyto", tmp_path / "big", f"here:{bucket}/dir/big")
    assert s3.head_object(Bucket=bucket, Key="dir/big")["ETag"].endswith('-3"')
    assert rclone("cat", f"here:{bucket}/dir/big") == big
    assert rclone("cat", "--offset", "6000000", "--count", "99", f"here:{bucket}/dir/big") == big[6_000_000:6_000_099]
    rclone("moveto", f"here:{bucket}/dir/big", f"here:{bucket}/moved + here")
    rclone("rcat", f"here:{bucket}/stream", input=big)
    assert stored(s3, bucket) == {"moved + here": big, "stream": big}
    assert curl(rclone("link", f"here:{bucket}/stream").decode().strip()) == big
