"""Channels of very many objects: the runner's memory does not grow with them. And what is downloaded is whole."""
import concurrent.futures
import http.client
import os
import pathlib
import threading
import time

import pytest

from acceptance.test_inputs import channel
from support.server import BIN

COUNT = {
    "File": "import os; print('SAW', sum(len(names) for _, _, names in os.walk('/opt/ml/input/data/data')), flush=True)",
    "FastFile": "import os; print('SAW', sum(len(names) for _, _, names in os.walk('/opt/ml/input/data/data')), flush=True)",
    "Pipe": "print('SAW', len(open('/opt/ml/input/data/data_0', 'rb').read()) // 7, flush=True)"}
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, "
                           f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
          "x-amz-date": "20260101T000000Z", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}


def put_many(server, bucket, prefix, count, threads=4, below=""):
    """boto3 would take most of the test's time."""
    def some(first):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for i in range(first, count, threads):
            connection.request("PUT", f"/{bucket}/{prefix}/d{i % 10}/{below}object-{i:07}", body=b"%07d" % i, headers=SIGNED)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(threads)))


pytestmark = pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="what a sanitizer needs is counted with it")


class Peak:
    """The greatest resident size, in kB, that any runner of ours below `jobs` reached while this was entered."""

    def __init__(self, mark):
        self.mark, self.kilobytes, self.over = mark, 0, threading.Event()

    def look(self):
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "exe") != str((BIN / "sagelet-runner").resolve()):
                    continue
                folder = pathlib.Path(process.joinpath("cmdline").read_text().split("\0")[1])
                if self.mark not in (folder / "spec.json").read_text():
                    continue
                status = (process / "status").read_text()
            except (OSError, IndexError):
                continue
            self.kilobytes = max(self.kilobytes, int(status.partition("VmHWM:")[2].split()[0] or 0))

    def __enter__(self):
        def watch():
            while not self.over.wait(0.05):
                self.look()

        self.thread = threading.Thread(target=watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def peak_of(training, prefix, mode, count, seconds):
    script = COUNT[mode] + "\nimport time; time.sleep(0.3)\n"  # so that the last look sees the whole
    name = training.start(script, max_runtime=seconds, InputDataConfig=channel(training, prefix + "/", mode=mode))
    with Peak(name) as peak:
        job = training.wait(name, seconds=seconds)
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), training.lines(name))
    assert f"SAW {count}" in training.lines(name)
    assert peak.kilobytes > 0
    return peak.kilobytes


@pytest.mark.timeout(400)
def test_four_thousand_objects_take_no_more_memory_than_a_thousand(server, training):
    """Names so long that a list of them would be seen: 4,000 are 3 MB, and once they were held four times.

    How its threads meet moves a peak up to 3 MB, so the least of three counts."""
    below = "".join(letter * 230 + "/" for letter in "abc")
    put_many(server, training.bucket, "few", 1000, below=below)
    put_many(server, training.bucket, "many", 4000, below=below)
    for mode in COUNT:
        peaks = {"few": [], "many": []}
        for _ in range(3):
            for prefix, count in (("few", 1000), ("many", 4000)):
                peaks[prefix].append(peak_of(training, prefix, mode, count, 120))
            if min(peaks["many"]) - min(peaks["few"]) < 5000:  # held in memory they were 6,200 and more
                break
        else:
            pytest.fail(f"{mode}: {peaks}")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_objects_take_no_more_memory_than_a_thousand(server, training):
    put_many(server, training.bucket, "few", 1000)
    put_many(server, training.bucket, "many", 100_000)
    for mode in COUNT:
        began = time.monotonic()
        few, many = (peak_of(training, prefix, mode, count, 1000) for prefix, count in (("few", 1000), ("many", 100_000)))
        print(f"{mode}: {few} kB of 1,000 objects, {many} kB of 100,000, {time.monotonic() - began:.1f} s")
        assert many - few < 6000, (mode, few, many)
