"""Several hosts of one job reach each other by name, whatever confines them."""
import json
import os
import pathlib
import socket
import time
import urllib.parse

from contract.conftest import nothing_left
from contract.test_sandboxes import folder_of
from support import engine

MEET = """
    import json, os, socket, time
    config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
    me, hosts = config["current_host"], config["hosts"]
    assert me == os.uname().nodename, os.uname().nodename
    if me == "algo-1":
        with socket.create_server(("0.0.0.0", 7777)) as server:
            names = sorted(server.accept()[0].recv(100).decode() for _ in hosts[1:])
        open("/opt/ml/model/met", "w").write(" ".join(names))
        print("met", names)
    else:
        for _ in range(600):
            try:
                peer = socket.create_connection(("algo-1", 7777), 5)
                break
            except OSError:
                time.sleep(0.1)
        peer.sendall(me.encode())
        peer.close()
    """


def test_hosts_meet_by_name_and_leave_no_network(jobs, sandbox, server):
    name = jobs.start(MEET, hosts=3)
    ids = {json.loads(spec.read_text())["job_id"] for spec in pathlib.Path(server.data / "jobs").rglob("spec.json")
           if json.loads(spec.read_text())["name"] == name}
    job = jobs.wait(name, seconds=120)
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), jobs.lines(name))
    assert jobs.artifact(job) == {"met": b"algo-2 algo-3"}
    if sandbox == "docker":
        assert all(nothing_left(job_id) == [] for job_id in ids)


def test_the_first_host_to_fail_stops_the_others(jobs):
    began = time.monotonic()
    job = jobs.run("""
        import os, sys, time
        if os.uname().nodename == "algo-2":
            sys.exit(9)
        time.sleep(300)
        """, hosts=2)
    assert job["TrainingJobStatus"] == "Failed" and "exit code: 9" in job["FailureReason"]
    assert time.monotonic() - began < 100


GROUPS = [{"InstanceGroupName": "small", "InstanceType": "ml.t3.medium", "InstanceCount": 1},
          {"InstanceGroupName": "large", "InstanceType": "ml.m5.large", "InstanceCount": 1}]


def memory_limit_of(folder, host, sandbox):
    """What the engine or the kernel holds it to; where a watch does, what it was told."""
    if sandbox == "docker":
        container = (folder / host / "container").read_text().strip()
        return int(engine.docker("inspect", "-f", "{{.HostConfig.Memory}}", container).stdout)
    if (folder / host / "memory_group").exists():
        group = pathlib.Path((folder / host / "memory_group").read_text().strip())
        return int(next(path for name in ("memory.max", "memory.limit_in_bytes") if (path := group / name).exists()).read_text())
    return json.loads((folder / host / "spec.json").read_text())["memory_limit"]


def test_each_host_has_the_memory_of_its_own_instance_group(jobs, server, sandbox):
    name = jobs.start("import os, time; print('up', os.uname().nodename); time.sleep(600)",
                      ResourceConfig={"InstanceGroups": GROUPS, "VolumeSizeInGB": 30})
    for host in ("algo-1", "algo-2"):
        jobs.wait_for_line(name, f"up {host}")
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        limits = [memory_limit_of(folder_of(server, name), host, sandbox) for host in ("algo-1", "algo-2")]
        assert limits == [min(machine, gigabytes << 30) for gigabytes in (4, 8)], limits
    finally:
        jobs.sagemaker.stop_training_job(TrainingJobName=name)
        assert jobs.wait(name)["TrainingJobStatus"] == "Stopped"


LOOK_AROUND = """
    import ipaddress, os, socket
    own = socket.gethostbyname(os.uname().nodename)
    gateways = {str(ipaddress.ip_network(f"{own}/{bits}", False)[1]) for bits in (16, 24)} - {own}
    places = [(gateway, port) for gateway in gateways for port in (%(here)d, %(server)d)]
    reached = []
    for place in [*places, ("172.17.0.1", %(here)d), ("127.0.0.1", %(server)d)]:
        try:
            socket.create_connection(place, 1).close()
            reached.append(place)
        except OSError:
            pass
    print("REACHED", reached)
    """


def test_isolated_hosts_meet_and_see_nothing_else(jobs, server):
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        look = LOOK_AROUND % {"here": port, "server": urllib.parse.urlsplit(server.url).port}
        job = jobs.run(look + MEET, hosts=2, EnableNetworkIsolation=True)
        assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), job["lines"])
        assert jobs.artifact(job) == {"met": b"algo-2"}  # the runner moves the data
        lines = [line for line in job["lines"] if line.startswith("REACHED")]
        assert lines == ["REACHED []"] * 2, lines
        listener.settimeout(0)
        try:
            listener.accept()
            raise AssertionError("somebody came")
        except BlockingIOError:
            pass
