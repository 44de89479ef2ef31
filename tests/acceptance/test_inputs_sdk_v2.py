"""Every parameter of SDK v2's TrainingInput through an estimator's fit; jobs are waited for without the SDK's long sleeps."""
import gzip
import json
import logging
import os

import pytest

os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
logging.getLogger("sagemaker.config").setLevel(logging.WARNING)

from acceptance.test_inputs import PIPES, TREE  # noqa: E402
from acceptance.test_sdk_v2 import estimator, session, wait  # noqa: E402, F401
from support.training import ROLE, SKLEARN, Training, unique  # noqa: E402

CONFIG = """
print("SAW " + json.dumps(json.load(open("/opt/ml/input/config/inputdataconfig.json"))), flush=True)
"""


@pytest.fixture
def fit(session, tmp_path, sagemaker, s3, logs):  # noqa: F811
    """fit({key: bytes}, script, TrainingInput's parameters...): puts the objects, runs the script; gives what it said."""
    training = Training(sagemaker, s3, logs, session.default_bucket())

    def run(objects, script, below="", hosts=1, **parameters):
        from sagemaker.estimator import Estimator
        from sagemaker.inputs import TrainingInput
        prefix = unique("inputs")
        for key, body in objects.items():
            s3.put_object(Bucket=training.bucket, Key=f"{prefix}/{key}", Body=body.replace(b"PREFIX", prefix.encode()))
        (tmp_path / "main.py").write_text(script)
        if hosts == 1:
            job = estimator(session, entry_point="main.py", source_dir=str(tmp_path))
        else:  # SKLearn refuses to be distributed
            job = Estimator(SKLEARN, ROLE, hosts, "ml.c5.xlarge", entry_point="main.py", source_dir=str(tmp_path),
                            sagemaker_session=session)
        job.fit({"data": TrainingInput(f"s3://{training.bucket}/{prefix}/{below}", **parameters)}, wait=False)
        name = job.latest_training_job.name
        told = wait(session, name)
        lines = training.lines(name)
        assert told["TrainingJobStatus"] == "Completed", (told.get("FailureReason"), lines)
        return [json.loads(line[4:]) for line in lines if line.startswith("SAW ")]

    return run


def test_input_mode_content_type_and_distribution_reach_the_job(fit):
    tree, config = fit({"a": b"1", "b/c": b"2"}, TREE + CONFIG, input_mode="FastFile", content_type="text/csv",
                       distribution="FullyReplicated")
    assert tree == {"a": "1", "b/c": "2"}
    assert config == {"data": {"TrainingInputMode": "FastFile", "S3DistributionType": "FullyReplicated",
                               "RecordWrapperType": "None", "ContentType": "text/csv"}}


def test_hosts_share_a_sharded_channel(fit):
    names = {f"{i:02}": b"%d" % i for i in range(7)}
    one, other = fit(names, TREE, hosts=2, distribution="ShardedByS3Key")
    assert {**one, **other} == {name: body.decode() for name, body in names.items()}
    assert not set(one) & set(other) and {len(one), len(other)} == {3, 4}


def test_a_manifest_of_files(fit, session):  # noqa: F811
    manifest = b'[{"prefix": "s3://%s/PREFIX/in/"}, "x", "deep/y"]' % session.default_bucket().encode()
    seen = fit({"in/x": b"1", "in/deep/y": b"2", "in/z": b"3", "m": manifest}, TREE, below="m", s3_data_type="ManifestFile")
    assert seen == [{"x": "1", "deep/y": "2"}]


def test_an_augmented_manifest_in_records(fit, session):  # noqa: F811
    lines = b'{"source-ref": "s3://%s/PREFIX/cat", "label": 3}\n' % session.default_bucket().encode()
    seen = fit({"cat": b"meow", "m": lines * 3}, PIPES + "say([r.decode() for r in records(read('data', 0))])", below="m",
               s3_data_type="AugmentedManifestFile", attribute_names=["source-ref", "label"], input_mode="Pipe",
               record_wrapping="RecordIO")
    assert seen == [["meow", "3"] * 3]


def test_gzip_in_a_shuffled_pipe_of_records(fit):
    from sagemaker.inputs import ShuffleConfig
    objects = {f"{i:02}": gzip.compress(b"%02d" % i) for i in range(9)}
    script = PIPES + "for epoch in (0, 1): say([r.decode() for r in records(read('data', epoch))])"
    one, other = fit(objects, script, input_mode="Pipe", compression="Gzip", record_wrapping="RecordIO",
                     shuffle_config=ShuffleConfig(seed=7))
    assert sorted(one) == sorted(other) == [f"{i:02}" for i in range(9)] and len({tuple(one), tuple(other), tuple(objects)}) == 3
