"""Several hosts of one job reach each other by name, whatever confines them."""
import json
import pathlib
import time

from contract.conftest import nothing_left

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
