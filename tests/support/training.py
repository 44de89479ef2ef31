"""Training jobs by plain boto3, sent the way the SageMaker SDK sends them, but waited for without its long sleeps."""
import io
import itertools
import json
import os
import tarfile
import textwrap
import time

from support.server import ON_SLURM

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ROLE = "arn:aws:iam::000000000000:role/AmazonSageMaker-ExecutionRole-Sagelet"
FINAL = ("Completed", "Failed", "Stopped")
GROUP = "/aws/sagemaker/TrainingJobs"
_numbers = itertools.count(1)


def unique(prefix="job"):
    """A name that no other test of this run, in any worker, has."""
    return f"{prefix}-{os.getpid()}-{next(_numbers)}-{time.time_ns() % 1_000_000}"


def steps_of(job):
    """What a job went through. On a cluster without Pending: whether it had to wait is the cluster's matter."""
    return [step for step in job["SecondaryStatusTransitions"] if not (ON_SLURM and step["Status"] == "Pending")]


def source_archive(files, extra=None):
    """sourcedir.tar.gz of {name: text}. `extra(tar)` may add hostile members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
        if extra:
            extra(tar)
    return out.getvalue()


class Training:
    """One account's jobs: a bucket, clients, and the few verbs tests use."""

    def __init__(self, sagemaker, s3, logs, bucket):
        self.sagemaker, self.s3, self.logs, self.bucket = sagemaker, s3, logs, bucket

    @classmethod
    def on(cls, server, bucket, **config):
        """On a server of the test's own, in a bucket made for it."""
        training = cls(*server.clients("sagemaker", "s3", "logs", **config), bucket)
        training.s3.create_bucket(Bucket=bucket)
        return training

    def request(self, script="", *, name=None, files=None, hyperparameters=None, channels=None, image=SKLEARN,
                instance="ml.m5.large", max_runtime=120, archive=None, program="train.py", **fields):
        """The CreateTrainingJob of SDK v2's framework estimators, with the code uploaded."""
        name = name or unique()
        key = f"{name}/source/sourcedir.tar.gz"
        code = archive if archive is not None else source_archive({program: script, **(files or {})})
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=code)
        values = dict(hyperparameters or {})
        values.update(sagemaker_submit_directory=f"s3://{self.bucket}/{key}", sagemaker_program=program,
                      sagemaker_container_log_level=20, sagemaker_job_name=name, sagemaker_region="us-east-1")
        request = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "HyperParameters": {key: json.dumps(value) for key, value in values.items()},
            "InputDataConfig": [self.channel(channel, prefix) for channel, prefix in (channels or {}).items()],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out"},
            "ResourceConfig": {"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime},
        }
        if not channels:
            del request["InputDataConfig"]
        for field, value in fields.items():
            if isinstance(value, dict) and isinstance(request.get(field), dict):
                request[field] = {**request[field], **value}
            else:
                request[field] = value
        return request

    def channel(self, name, prefix):
        return {"ChannelName": name, "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/{prefix}",
            "S3DataDistributionType": "FullyReplicated"}}}

    def start(self, script="", **options):
        request = self.request(script, **options)
        self.sagemaker.create_training_job(**request)
        return request["TrainingJobName"]

    def describe(self, name):
        return self.sagemaker.describe_training_job(TrainingJobName=name)

    def wait(self, name, *, until=None, seconds=90):
        """Polls until the job is final, or until(description) holds; gives the description."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.describe(name)
            if job["TrainingJobStatus"] in FINAL or (until and until(job)):
                return job
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is still {job['TrainingJobStatus']}/{job['SecondaryStatus']} after "
                                     f"{seconds} s\n" + "\n".join(self.lines(name)))
            time.sleep(0.05)

    def run(self, script="", **options):
        """Starts a job and waits for its end."""
        return self.wait(self.start(script, **options))

    def wait_for_line(self, name, text, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(text in line for line in self.lines(name)):
                return
            if self.describe(name)["TrainingJobStatus"] in FINAL:
                break
            time.sleep(0.05)
        lines = self.lines(name)
        assert any(text in line for line in lines), f"no line has {text!r}:\n" + "\n".join(lines)

    def streams(self, name):
        """{stream: its events, in order}, read as SDK v2 reads them."""
        try:
            streams = self.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=name + "/")["logStreams"]
        except self.logs.exceptions.ResourceNotFoundException:
            return {}
        found = {}
        for stream in streams:
            token, events = {}, found.setdefault(stream["logStreamName"], [])
            while True:
                page = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"],
                                                startFromHead=True, **token)
                if not page["events"]:
                    break
                events += page["events"]
                token = {"nextToken": page["nextForwardToken"]}
        return found

    def events(self, name):
        """All log events, a stream after the other."""
        return [event for events in self.streams(name).values() for event in events]

    def lines(self, name):
        return [event["message"].rstrip("\n") for event in self.events(name)]

    def said_between(self, name, first, last):
        """Lines that were said between two times of time.time()."""
        return [event["message"] for event in self.events(name) if first < event["timestamp"] / 1000 < last]

    def artifact(self, job, name="model.tar.gz"):
        """{member: bytes} of one of the job's archives."""
        key = f"out/{job['TrainingJobName']}/output/{name}"
        data = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            return {member.name: tar.extractfile(member).read() for member in tar.getmembers() if member.isfile()}
