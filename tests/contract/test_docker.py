"""What only a container can promise."""
import datetime
import os
import signal
import time

import pytest

from contract.conftest import REGISTRY, nothing_left
from contract.test_sandboxes import folder_of, runner_in
from support import engine


@pytest.fixture(scope="session")
def sandbox():
    return "docker"


def test_a_job_that_another_runner_took_up_leaves_no_container(jobs, server):
    name = jobs.start("import time; print('up'); time.sleep(600)")
    jobs.wait_for_line(name, "up")
    folder = folder_of(server, name)
    assert engine.containers(label=f"sagelet.job={folder.name}")
    killed = runner_in(folder)
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while runner_in(folder) == killed and time.monotonic() < deadline:
        time.sleep(0.05)
    assert runner_in(folder) != killed
    jobs.sagemaker.stop_training_job(TrainingJobName=name)
    assert jobs.wait(name)["TrainingJobStatus"] == "Stopped"
    assert nothing_left(folder.name) == []


def test_a_container_that_eats_too_much_is_137(jobs):
    job = jobs.run("""
        hog = []
        while True:
            hog.append(bytearray(64 << 20))
        """, instance="ml.t3.medium", seconds=180)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: , exit code: 137. Out of memory at the limit of ")
    assert any("out of memory" in line for line in job["lines"])


def test_a_containers_use_is_measured(jobs, server):
    name = jobs.start("""
        import time
        hold, until = bytearray(64 << 20), time.monotonic() + 5
        while time.monotonic() < until:
            pass
        """, instance="ml.m5.large")
    assert jobs.wait(name)["TrainingJobStatus"] == "Completed"
    [cloudwatch] = server.clients("cloudwatch")
    now = datetime.datetime.now(datetime.timezone.utc)
    seen = {}
    for metric in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        points = cloudwatch.get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs", MetricName=metric, Period=60, Statistics=["Maximum"],
            Dimensions=[{"Name": "Host", "Value": f"{name}/algo-1"}],
            StartTime=now - datetime.timedelta(minutes=10), EndTime=now + datetime.timedelta(minutes=1))["Datapoints"]
        seen[metric] = max(point["Maximum"] for point in points)
    assert 5 < seen["CPUUtilization"] < 110 and seen["MemoryUtilization"] > 100 * 64 / 8192, seen


def test_network_isolation_leaves_no_way_out(jobs):
    job = jobs.run("""
        import os, socket
        print(sorted(name for _, name in socket.if_nameindex()))
        print(socket.gethostbyname("algo-1"))
        try:
            socket.create_connection(("172.17.0.1", 22), 3)
        except OSError as error:
            print(type(error).__name__, error.errno)
        print("AWS_ENDPOINT_URL" in os.environ)
        open("/opt/ml/model/m", "w").write("isolated")
        """, EnableNetworkIsolation=True)
    assert job["lines"][1:] == ["127.0.0.1", "OSError 101", "False"], job["lines"]
    assert job["lines"][0] == "['lo']"
    assert jobs.artifact(job) == {"m": b"isolated"}


def test_the_relay_is_open_to_the_jobs_container_only(jobs, docker_image):
    name = jobs.start("import os, time; print('at', os.environ['AWS_ENDPOINT_URL']); time.sleep(600)")
    jobs.wait_for_line(name, "at ")
    port = jobs.lines(name)[0].rsplit(":", 1)[1]
    try:
        probe = ("import socket; s = socket.create_connection(('172.17.0.1', %s), 5); "
                 "s.sendall(b'GET /_sagelet/health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); print(s.recv(10))" % port)
        other = engine.docker("run", "--rm", docker_image, "python3", "-c", probe, check=False)
        assert "HTTP" not in other.stdout, other.stdout
    finally:
        jobs.sagemaker.stop_training_job(TrainingJobName=name)
        jobs.wait(name)


def test_the_images_own_command_user_and_folder_are_kept(jobs, docker_image):
    name = f"{REGISTRY}/contract-train:{engine.version()}"
    script = ("import os,sys; print(sys.argv[1:], os.getuid(), os.getcwd(), os.environ['BUILT_IN']); "
              "open('/opt/ml/model/m','w').write('by 1000')")
    dockerfile = (f"FROM {docker_image}\nENV BUILT_IN=yes\nUSER 1000\nWORKDIR /tmp\n"
                  f'ENTRYPOINT ["python3", "-c", "{script}"]\nCMD ["not", "used"]\n')
    engine.docker("build", "-q", "-t", name, "-", input=dockerfile)
    request = {"TrainingImage": name, "TrainingInputMode": "File"}
    job = jobs.run(AlgorithmSpecification=request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["lines"] == ["['train'] 1000 /tmp yes"]
    assert jobs.artifact(job) == {"m": b"by 1000"}
    given = jobs.run(AlgorithmSpecification={**request, "ContainerArguments": ["a", "b c"]})
    assert given["lines"] == ["['a', 'b c'] 1000 /tmp yes"]


def test_an_image_for_another_machine_is_named(jobs, docker_image):
    name = f"{REGISTRY}/contract-foreign:1"
    engine.load_empty_image(name, "s390x")
    job = jobs.run(image=name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "s390x" in job["FailureReason"] and "--platform" in job["FailureReason"]


def test_an_image_that_nobody_has_is_named(jobs):
    job = jobs.run(image=f"{REGISTRY}/never-built:1")
    assert job["TrainingJobStatus"] == "Failed"
    assert "never-built:1" in job["FailureReason"] and "docker build" in job["FailureReason"]
