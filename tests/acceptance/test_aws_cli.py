"""The AWS command line, version 1, with nothing but the environment that `sagelet env` prints."""
import json
import os
import subprocess

import pytest

from support.server import ROOT

AWS = ROOT / ".venv" / "bin" / "aws"


def aws(*words, ok=True, text=True, **options):
    done = subprocess.run([str(AWS), *map(str, words)], capture_output=True, text=text, timeout=120,
                          env={**os.environ, "AWS_PAGER": ""}, **options)
    assert (done.returncode == 0) == ok, done.stderr
    return done


@pytest.fixture
def folder(tmp_path):
    for name, body in {"a.txt": "a", "sub/b.txt": "bb", "sub/ü c+d.txt": "ccc"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(body)
    return tmp_path


def test_the_caller_is_known(server):
    assert json.loads(aws("sts", "get-caller-identity").stdout)["Account"] == "000000000000"


def test_a_file_goes_up_and_comes_down(bucket, tmp_path):
    body = os.urandom(9 * 1024 * 1024)
    (tmp_path / "up").write_bytes(body)
    aws("s3", "cp", tmp_path / "up", f"s3://{bucket}/dir/file", "--no-progress")
    aws("s3", "cp", f"s3://{bucket}/dir/file", tmp_path / "down", "--no-progress")
    assert (tmp_path / "down").read_bytes() == body


def test_a_stream_goes_up_and_comes_down(bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/stream", text=False, input=b"from a pipe")
    assert aws("s3", "cp", f"s3://{bucket}/stream", "-", text=False).stdout == b"from a pipe"


def test_sync_carries_only_what_changed(bucket, folder, tmp_path_factory):
    first = aws("s3", "sync", folder, f"s3://{bucket}/tree").stdout
    assert first.count("upload:") == 3
    assert aws("s3", "sync", folder, f"s3://{bucket}/tree").stdout.count("upload:") == 0
    (folder / "a.txt").write_text("longer than before")
    assert aws("s3", "sync", folder, f"s3://{bucket}/tree").stdout.count("upload:") == 1
    back = tmp_path_factory.mktemp("back")
    aws("s3", "sync", f"s3://{bucket}/tree", back)
    assert (back / "sub" / "ü c+d.txt").read_text() == "ccc" and (back / "a.txt").read_text() == "longer than before"
    (folder / "a.txt").unlink()
    assert "delete:" in aws("s3", "sync", "--delete", folder, f"s3://{bucket}/tree").stdout


def test_ls_shows_prefixes_and_sizes(bucket, folder):
    aws("s3", "sync", folder, f"s3://{bucket}/")
    listed = aws("s3", "ls", f"s3://{bucket}/").stdout
    assert "PRE sub/" in listed and "1 a.txt" in listed
    everything = aws("s3", "ls", "--recursive", "--summarize", f"s3://{bucket}/").stdout
    assert "Total Objects: 3" in everything and "Total Size: 6" in everything


def test_a_presigned_url_opens_without_keys(bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/a b.txt", text=False, input=b"signed")
    url = aws("s3", "presign", f"s3://{bucket}/a b.txt").stdout.strip()
    got = subprocess.run(["curl", "-sf", "--noproxy", "*", url], capture_output=True, timeout=20, check=True)
    assert got.stdout == b"signed"


def test_buckets_are_made_and_removed():
    aws("s3", "mb", "s3://made-by-the-cli")
    aws("s3", "cp", "-", "s3://made-by-the-cli/k", text=False, input=b"x")
    assert "BucketNotEmpty" in aws("s3", "rb", "s3://made-by-the-cli", ok=False).stderr
    aws("s3", "rb", "--force", "s3://made-by-the-cli")
    assert "made-by-the-cli" not in aws("s3", "ls").stdout


def test_mv_and_rm(bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/one", text=False, input=b"x")
    aws("s3", "mv", f"s3://{bucket}/one", f"s3://{bucket}/two")
    assert "two" in aws("s3", "ls", f"s3://{bucket}/").stdout
    aws("s3", "rm", "--recursive", f"s3://{bucket}/")
    assert aws("s3api", "list-objects-v2", "--bucket", bucket, "--query", "Contents").stdout.strip() == "null"


def test_jobs_and_logs_are_read(training):
    job = training.run("print('seen by the cli')\n")
    name = job["TrainingJobName"]
    told = json.loads(aws("sagemaker", "describe-training-job", "--training-job-name", name).stdout)
    assert told["TrainingJobStatus"] == "Completed"
    aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)
    listed = json.loads(aws("sagemaker", "list-training-jobs", "--name-contains", name).stdout)
    assert [item["TrainingJobName"] for item in listed["TrainingJobSummaries"]] == [name]
    lines = aws("logs", "filter-log-events", "--log-group-name", "/aws/sagemaker/TrainingJobs",
                "--log-stream-name-prefix", name, "--query", "events[].message", "--output", "text").stdout
    assert "seen by the cli" in lines


def test_an_error_is_aws_error(server):
    done = aws("sagemaker", "describe-training-job", "--training-job-name", "nothing-here", ok=False)
    assert "(ValidationException)" in done.stderr and "Requested resource not found." in done.stderr
