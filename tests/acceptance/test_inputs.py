"""Every way a channel's data reaches a script: modes, data types, sharding, shuffling. The script says what it saw."""
import gzip
import hashlib
import json

import pytest

from support.server import Server
from support.training import Training, unique

# Reads epochs of a pipe: a fifo may appear a little late.
PIPES = """
import json, os, struct, sys, time
def read(name, epoch, limit=None):
    path = f"/opt/ml/input/data/{name}_{epoch}"
    for _ in range(2000):
        try:
            pipe = open(path, "rb")
            break
        except FileNotFoundError:
            time.sleep(0.01)
    with pipe:
        return pipe.read(limit) if limit else pipe.read()
def records(data):
    out = []
    while data:
        magic, word = struct.unpack("<II", data[:8])
        assert magic == 0xced7230a and word >> 29 == 0, (magic, word)
        out.append(data[8:8 + word])
        data = data[8 + (word + 3) // 4 * 4:]
    return out
def say(what):
    print("SAW " + json.dumps(what), flush=True)
"""
TREE = """
import json, os
root = "/opt/ml/input/data/data"
seen = {os.path.relpath(os.path.join(folder, name), root): open(os.path.join(folder, name)).read()
        for folder, _, names in os.walk(root) for name in names}
print("SAW " + json.dumps(seen, sort_keys=True), flush=True)
"""


def saw(training, job):
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), training.lines(job["TrainingJobName"]))
    return [json.loads(line[4:]) for line in training.lines(job["TrainingJobName"]) if line.startswith("SAW ")]


@pytest.fixture
def data(training, s3):
    """Puts objects below a prefix of one's own; gives the prefix."""
    prefix = unique("data")

    def put(objects):
        for key, body in objects.items():
            s3.put_object(Bucket=training.bucket, Key=f"{prefix}/{key}", Body=body)
        return prefix

    return put


def channel(training, key, *, mode, kind="S3Prefix", distribution="FullyReplicated", attributes=None, **more):
    source = {"S3DataType": kind, "S3Uri": f"s3://{training.bucket}/{key}", "S3DataDistributionType": distribution}
    if attributes:
        source["AttributeNames"] = attributes
    return [{"ChannelName": "data", "DataSource": {"S3DataSource": source}, "InputMode": mode, **more}]


def run(training, script, key, hosts=1, **options):
    return training.run(script, InputDataConfig=channel(training, key, **options), ResourceConfig={"InstanceCount": hosts})


def test_a_pipe_carries_all_objects_and_again_for_each_epoch(training, data):
    prefix = data({"b": b"two", "a": b"one", "c": b"x" * 300000, "empty": b"", "folder/": b""})
    job = run(training, PIPES + "for i in range(3): d = read('data', i); say([len(d), d[:8].decode()])\n", prefix + "/",
              mode="Pipe")
    assert saw(training, job) == [[300006, "onetwoxx"]] * 3


def test_a_pipe_keeps_the_order_of_objects_small_and_large(training, data):
    """More of them than are fetched ahead, and longer than what of each is."""
    objects = {f"{i:03}": (b"%03d|" % i) * (1 if i % 8 else 400000) for i in range(50)}
    prefix = data(objects)
    job = run(training, PIPES + "import hashlib; say([hashlib.sha256(read('data', i)).hexdigest() for i in range(2)])\n",
              prefix + "/", mode="Pipe")
    assert saw(training, job) == [[hashlib.sha256(b"".join(objects.values())).hexdigest()] * 2]


def test_a_reader_may_close_early_and_open_the_next_epoch(training, data):
    prefix = data({f"{i:03}": b"%03d" % i * 100000 for i in range(20)})
    job = run(training, PIPES + "say(read('data', 0, 6).decode()); say(len(read('data', 1)))\n", prefix + "/", mode="Pipe")
    assert saw(training, job) == ["000000", 6000000]


def test_a_pipe_undoes_gzip(training, data):
    two_members = gzip.compress(b"c") + gzip.compress(b"d")
    prefix = data({"a.gz": gzip.compress(b"a" * 1000000), "b.gz": two_members})
    job = run(training, PIPES + "d = read('data', 0); say([len(d), d[-3:].decode()])\n", prefix + "/", mode="Pipe",
              CompressionType="Gzip")
    assert saw(training, job) == [[1000002, "acd"]]


@pytest.mark.parametrize("compression", ["None", "Gzip"])
def test_a_pipe_wraps_each_object_in_a_record(training, data, compression):
    pack = gzip.compress if compression == "Gzip" else bytes
    prefix = data({"a": pack(b"12345"), "b": pack(b""), "c": pack(b"abcd")})
    job = run(training, PIPES + "say([r.decode() for r in records(read('data', 0))])\n", prefix + "/", mode="Pipe",
              CompressionType=compression, RecordWrapperType="RecordIO")
    assert saw(training, job) == [["12345", "", "abcd"]]


def test_a_manifest_names_the_objects(training, data, s3):
    prefix = data({"in/x": b"1", "in/deep/y": b"2", "in/not-listed": b"3"})
    manifest = json.dumps([{"prefix": f"s3://{training.bucket}/{prefix}/in/"}, "deep/y", "x"])
    data({"list.manifest": manifest.encode()})
    job = run(training, TREE, f"{prefix}/list.manifest", mode="File", kind="ManifestFile")
    assert saw(training, job) == [{"deep/y": "2", "x": "1"}]
    job = run(training, PIPES + "say(read('data', 0).decode())\n", f"{prefix}/list.manifest", mode="Pipe", kind="ManifestFile")
    assert saw(training, job) == ["21"]


@pytest.mark.parametrize("text,why", [("{}", "array whose first element"), ("[", "not JSON"),
                                      ('[{"prefix": "s3://%s/"}, 7]', "element 1"),
                                      ('[{"prefix": "s3://%s/"}, "no-such-object"]', "NoSuchKey")])
def test_a_bad_manifest_fails_the_job_and_says_why(training, data, text, why):
    prefix = data({"bad": text.replace("%s", training.bucket).encode()})
    job = run(training, "print('never')", f"{prefix}/bad", mode="File", kind="ManifestFile")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:") and why in job["FailureReason"]


def test_an_augmented_manifest_sends_attributes_in_order(training, data, s3):
    prefix = data({"cat": b"meow", "dog": b"woof!"})
    lines = [{"source-ref": f"s3://{training.bucket}/{prefix}/cat", "label": 1.50, "meta": {"by": "a"}},
             {"meta": {}, "label": "x", "source-ref": f"s3://{training.bucket}/{prefix}/dog"}]
    data({"train.jsonl": "\n".join(json.dumps(line) for line in lines).replace("1.5", "1.50").encode()})
    job = run(training, PIPES + "say([r.decode() for r in records(read('data', 0))])\n", f"{prefix}/train.jsonl", mode="Pipe",
              kind="AugmentedManifestFile", attributes=["label", "source-ref"], RecordWrapperType="RecordIO")
    assert saw(training, job) == [["1.50", "meow", '"x"', "woof!"]]


def test_a_line_without_an_attribute_fails_the_job(training, data):
    prefix = data({"train.jsonl": b'{"a": 1}\n{"b": 2}\n'})
    job = run(training, "print('never')", f"{prefix}/train.jsonl", mode="Pipe", kind="AugmentedManifestFile",
              attributes=["a"], RecordWrapperType="RecordIO")
    assert job["TrainingJobStatus"] == "Failed" and "line 2: attribute a is missing" in job["FailureReason"]


def test_what_a_pipe_cannot_fetch_fails_the_job(training, data):
    prefix = data({"train.jsonl": b'{"a-ref": "s3://%s/nowhere"}\n' % training.bucket.encode()})
    job = run(training, PIPES + "say(len(read('data', 0)))\n", f"{prefix}/train.jsonl", mode="Pipe",
              kind="AugmentedManifestFile", attributes=["a-ref"], RecordWrapperType="RecordIO")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:NoSuchKey (404)")
    assert not any(line.startswith("SAW") for line in training.lines(job["TrainingJobName"]))


def test_shuffling_is_another_order_each_epoch_and_the_same_for_a_seed(training, data):
    prefix = data({f"{i:02}": b"%02d " % i for i in range(12)})
    script = PIPES + "for i in range(2): say(read('data', i).decode().split())\n"
    one, two = (saw(training, run(training, script, prefix + "/", mode="Pipe", ShuffleConfig={"Seed": 7})) for _ in range(2))
    assert one == two and one[0] != one[1] and one[0] != sorted(one[0])
    assert sorted(one[0]) == sorted(one[1]) == [f"{i:02}" for i in range(12)]


def test_fast_file_shows_files_that_cannot_be_written(training, data):
    prefix = data({"in/a": b"1", "in/b/c": b"2"})
    job = run(training, TREE + "import stat; assert not os.stat(root + '/a').st_mode & 0o222\n", f"{prefix}/in", mode="FastFile")
    assert saw(training, job) == [{"a": "1", "b/c": "2"}]
    assert any("FastFile" in line for line in training.lines(job["TrainingJobName"]))


def test_fast_file_refuses_a_part_of_a_name(training, data):
    prefix = data({"train/a": b"1"})
    job = run(training, TREE, f"{prefix}/tr", mode="FastFile")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:Failed to download data. For FastFile mode, "
                                           "partial S3 prefix is not supported.")


def test_a_pipe_that_nobody_reads_does_not_hold_the_job(training, data):
    prefix = data({"a": b"1" * 5000000})
    job = run(training, "import time; p = open('/opt/ml/input/data/data_0', 'rb'); p.read(1); print('done')", prefix + "/",
              mode="Pipe")
    assert job["TrainingJobStatus"] == "Completed"


def test_fast_file_reads_in_order_at_random_and_by_many_at_once(training, data):
    blob = b"".join(b"%07d " % i for i in range(3_000_000))  # 24 MB
    prefix = data({"in/big": blob, "in/small": b"s", "in/empty": b""})
    job = run(training, """
import concurrent.futures, hashlib, json, os, random
root = "/opt/ml/input/data/data"
whole = open(root + "/big", "rb").read()
def at(i):
    with open(root + "/big", "rb") as file:
        file.seek(i * 8)
        return file.read(7) == b"%07d" % i
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    right = all(pool.map(at, random.Random(1).sample(range(3_000_000), 200)))
try:
    open(root + "/new", "w")
    refused = False
except OSError:
    refused = True
print("SAW " + json.dumps([hashlib.md5(whole).hexdigest(), right, refused, os.path.getsize(root + "/empty"),
                           open(root + "/empty").read(), sorted(os.listdir(root))]), flush=True)
""", f"{prefix}/in/", mode="FastFile")
    import hashlib
    assert saw(training, job) == [[hashlib.md5(blob).hexdigest(), True, True, 0, "", ["big", "empty", "small"]]]


@pytest.mark.parametrize("access", ["ro", "rw"])
def test_a_file_system_is_a_folder_of_this_machine(tmp_path, access):
    (tmp_path / "share/sub").mkdir(parents=True)
    (tmp_path / "share/sub/a").write_text("shared")
    with Server(config=f"file_systems:\n  '*': {tmp_path / 'share'}\n") as server:
        training = Training.on(server, "bucket")
        source = {"FileSystemId": "fs-0123456789abcdef0", "FileSystemType": "EFS", "DirectoryPath": "/sub",
                  "FileSystemAccessMode": access}
        job = training.run(TREE + "open(root + '/b', 'w').write('new')\n",
                           VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
                           InputDataConfig=[{"ChannelName": "data", "DataSource": {"FileSystemDataSource": source}}])
        lines = training.lines(job["TrainingJobName"])
        assert 'SAW {"a": "shared"}' in lines, (job.get("FailureReason"), lines)
        assert job["TrainingJobStatus"] == ("Completed" if access == "rw" else "Failed")
        assert (tmp_path / "share/sub/b").exists() == (access == "rw")


@pytest.mark.parametrize("mode", ["File", "FastFile", "Pipe"])
def test_hosts_share_a_sharded_channel_and_lack_none_of_it(training, data, mode):
    names = [f"{i:02}" for i in range(10)]
    prefix = data({name: f"{name} ".encode() for name in names})
    script = (PIPES + "say(read('data', 0).decode().split())\n" if mode == "Pipe" else
              TREE.replace("json.dumps(seen, sort_keys=True)", "json.dumps(sorted(seen))"))
    job = run(training, script, prefix + "/", mode=mode, distribution="ShardedByS3Key", hosts=3)
    assert sorted(saw(training, job)) == [names[0::3], names[1::3], names[2::3]]


def test_hosts_without_a_share_get_an_empty_channel(training, data):
    prefix = data({"only": b"1"})
    job = run(training, TREE, prefix + "/", mode="File", distribution="ShardedByS3Key", hosts=2)
    assert sorted(map(len, saw(training, job))) == [0, 1]


@pytest.mark.parametrize("mode", ["File", "FastFile"])
def test_an_object_that_is_the_folder_of_another_fails_the_job_and_is_named(training, data, mode):
    prefix = data({"in/a": b"1", "in/a-b": b"2", "in/a/b": b"3"})
    job = run(training, "print('never')", f"{prefix}/in/", mode=mode)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:an object's name is also the folder of another")


@pytest.mark.parametrize("uri", ["s3://{bucket}/nothing/", "s3://no-such-bucket-of-ours/"])
def test_a_channel_without_objects_is_refused_at_once(training, sagemaker, uri):
    request = training.request("print('never')", InputDataConfig=channel(training, "nothing/", mode="File"))
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = uri = uri.format(bucket=training.bucket)
    with pytest.raises(sagemaker.exceptions.ClientError) as error:
        sagemaker.create_training_job(**request)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert f'No S3 objects found under S3 URL "{uri}" given in input data source.' in error.value.response["Error"]["Message"]


@pytest.mark.parametrize("gone,why", [("object", 'No S3 objects found under S3 URL "s3://{bucket}/in/"'),
                                      ("bucket", "NoSuchBucket (404): ")])
def test_what_goes_between_the_request_and_the_download_fails_the_job(training, s3, gone, why):
    bucket = unique("goes").lower()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="in/a", Body=b"1")
    all_cores = {"instance": "ml.m5.24xlarge"}
    before = training.start("import time; print('up', flush=True); time.sleep(600)", max_runtime=600, **all_cores)
    training.wait_for_line(before, "up")
    inputs = channel(training, "in/", mode="File")
    inputs[0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/in/"
    waiting = training.start("print('never')", InputDataConfig=inputs, **all_cores)
    s3.delete_object(Bucket=bucket, Key="in/a")
    if gone == "bucket":
        s3.delete_bucket(Bucket=bucket)
    training.sagemaker.stop_training_job(TrainingJobName=before)
    job = training.wait(waiting)
    assert job["TrainingJobStatus"] == "Failed" and job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:" + why.format(bucket=bucket))


def test_an_object_of_another_account_is_denied(training, data, client):
    other = client("s3", aws_access_key_id="222222222222", aws_secret_access_key="x", aws_session_token=None)
    theirs = unique("theirs").lower()
    other.create_bucket(Bucket=theirs)
    other.put_object(Bucket=theirs, Key="a", Body=b"1")
    prefix = data({"m": json.dumps([{"prefix": f"s3://{theirs}/"}, "a"]).encode()})
    job = run(training, "print('never')", f"{prefix}/m", mode="File", kind="ManifestFile")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:AccessDenied (403): ")
