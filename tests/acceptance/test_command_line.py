"""The command line: exit codes, help, clear errors, jobs and logs."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from support.processes import gone_within
from support.server import ON_SLURM, SAGELET, Server, clean_environment, sagelet
from support.training import Training, unique


def run(server, *words, **options):
    return sagelet(*words, "--url", server.url, **options)


def test_help_names_every_command():
    done = sagelet("--help")
    assert done.returncode == 0
    for command in ("serve", "exec", "env", "status", "jobs", "logs", "reset", "doctor", "scrub", "snapshot"):
        assert command in done.stdout
        assert sagelet(command, "--help").returncode == 0


def test_a_version_is_told():
    done = sagelet("--version")
    assert done.returncode == 0 and "0.1.0" in done.stdout


@pytest.mark.parametrize("words", [["bogus"], ["serve", "--bogus"], ["serve", "--port", "many"],
                                   ["serve", "--auth", "maybe"], ["serve", "--account", "12"], ["serve", "--port", "70000"]])
def test_wrong_usage_is_said_and_not_zero(words):
    done = sagelet(*words, timeout=10)
    assert done.returncode not in (0, -9) and done.stderr.strip()


def test_serve_says_one_line_when_ready(tmp_path):
    process = subprocess.Popen([str(SAGELET), "serve", "--ephemeral", "--port", "0"], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.PIPE, env=clean_environment())
    try:
        line = process.stdout.readline()
        assert line.startswith("sagelet ready http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_a_busy_port_is_said_with_the_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = sagelet("serve", "--ephemeral", "--port", port, timeout=20)
    assert done.returncode != 0
    assert str(port) in done.stderr and "in use" in done.stderr and "--port" in done.stderr


def test_an_unwritable_data_folder_is_said(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = sagelet("serve", "--port", "0", "--data", blocked / "data", timeout=20)
    assert done.returncode != 0 and str(blocked) in done.stderr


@pytest.mark.parametrize("text, line", [("jobs:\n  stop_grace_seconds: [\n", 3), ("nonsense_key: 1\n", 1),
                                        ("jobs:\n  stop_grace_seconds: soon\n", 2), ("images: 7\n", 1),
                                        ("auth:\n  accounts:\n    - { id: \"12\" }\n", 3)])
def test_a_broken_config_names_file_and_line_and_what_was_expected(tmp_path, text, line):
    config = tmp_path / "sagelet.yaml"
    config.write_text(text)
    done = sagelet("serve", "--ephemeral", "--port", "0", "--config", config, timeout=20)
    assert done.returncode != 0
    assert f"{config}:" in done.stderr
    numbers = [int(part) for part in done.stderr.split(f"{config}:")[1].split(":")[0].split() if part.isdigit()]
    assert numbers and abs(numbers[0] - line) <= 1, done.stderr


def test_a_missing_config_is_said(tmp_path):
    done = sagelet("serve", "--ephemeral", "--port", "0", "--config", tmp_path / "nothing.yaml", timeout=20)
    assert done.returncode != 0 and "nothing.yaml" in done.stderr


def test_nobody_answering_is_said_plainly():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for words in (["status"], ["jobs", "ls"], ["logs", "x"], ["reset"], ["doctor"]):
        done = sagelet(*words, "--url", url, timeout=30)
        assert done.returncode != 0 and url in done.stderr and "sagelet serve" in done.stderr


def test_status_tells_what_runs(server):
    done = run(server, "status")
    assert done.returncode == 0 and server.url in done.stdout
    told = server.status()
    assert told["url"] == server.url and told["account"] == "000000000000" and told["region"] == "us-east-1"
    assert told["durability"] == "process" and "running" in told["jobs"] and told["pythons"]


def test_doctor_says_how_jobs_are_confined(server):
    done = run(server, "doctor")
    assert done.returncode == 0 and "sandbox" in done.stdout.lower()
    assert json.loads(server.get("/_sagelet/doctor"))["cores"] == len(os.sched_getaffinity(0))


def test_doctor_says_what_jobs_may_use_and_which_setting_changes_it(server):
    said = run(server, "doctor").stdout
    assert "by instance type (jobs.memory_per_job_mb)" in said and "private, unless SAGELET_NETWORK is loopback (jobs.network)" in said
    with Server(config="jobs:\n  memory_per_job_mb: 512\n  network: loopback\n") as other:
        said = run(other, "doctor").stdout
        assert "512 MiB (jobs.memory_per_job_mb)" in said and "loopback (jobs.network)" in said


def test_metrics_count_connections(server):
    def metrics():
        lines = server.get("/_sagelet/metrics").decode().splitlines()
        return {name: int(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}
    before, after = metrics(), metrics()
    assert after["sagelet_connections_total"] > before["sagelet_connections_total"]
    assert after["sagelet_connections_open"] >= 1
    assert after["sagelet_connections_refused_total"] == 0


def test_jobs_are_listed_described_and_stopped(server, training):
    name = training.start("import time; print('up', flush=True); time.sleep(60)\n")
    training.wait_for_line(name, "up")
    listed = run(server, "jobs", "ls")
    assert listed.returncode == 0 and name in listed.stdout and "InProgress" in listed.stdout
    assert name in run(server, "jobs").stdout
    described = run(server, "jobs", "describe", name)
    assert described.returncode == 0 and name in described.stdout
    assert run(server, "jobs", "stop", name).returncode == 0
    assert training.wait(name)["TrainingJobStatus"] == "Stopped"
    unknown = run(server, "jobs", "describe", "nothing-like-it")
    assert unknown.returncode == 1 and "no training job is named nothing-like-it" in unknown.stderr


def test_logs_prints_lines(server, training):
    job = training.run("print('one'); print('two')\n")
    done = run(server, "logs", job["TrainingJobName"])
    assert done.returncode == 0 and [line for line in done.stdout.splitlines() if line in ("one", "two")] == ["one", "two"]
    unknown = run(server, "logs", "nothing-like-it")
    assert unknown.returncode == 1 and "no training job is named nothing-like-it" in unknown.stderr


def test_logs_f_follows_to_the_end(server, training):
    name = training.start("import time\nfor i in range(5): print('tick', i, flush=True); time.sleep(0.2)\n")
    done = run(server, "logs", name, "-f", timeout=60)
    assert [line for line in done.stdout.splitlines() if line.startswith("tick")] == [f"tick {i}" for i in range(5)]


def test_no_colours_when_not_on_a_terminal(server):
    for words in (["status"], ["jobs", "ls"], ["doctor"], ["--help"]):
        done = run(server, *words) if words != ["--help"] else sagelet(*words)
        assert "\x1b[" not in done.stdout + done.stderr


def test_reset_drops_everything_but_the_samples(tmp_path):
    with Server(ephemeral=False) as own:
        training = Training.on(own, "gone")
        name = training.start("import time; print('up', flush=True); time.sleep(60)\n",
                              ResourceConfig={"KeepAlivePeriodInSeconds": 600})
        training.wait_for_line(name, "up")
        pools = own.data / "warm-pools"
        assert ON_SLURM or list(pools.iterdir())
        began = time.monotonic()
        assert run(own, "reset").returncode == 0
        assert time.monotonic() - began < 30, "it waited for the job"
        assert "gone" not in [item["Name"] for item in training.s3.list_buckets()["Buckets"]]
        assert training.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
        assert not pools.exists() or not list(pools.iterdir())
        assert training.s3.head_object(Bucket="sagemaker-sample-files", Key="datasets/tabular/iris/iris.data")


def test_a_seed_bucket_serves_a_folder(tmp_path):
    (tmp_path / "seed" / "sub").mkdir(parents=True)
    (tmp_path / "seed" / "sub" / "x.txt").write_text("seeded")
    with Server("--seed-bucket", f"my-samples={tmp_path / 'seed'}") as own:
        [s3] = own.clients("s3")
        assert s3.get_object(Bucket="my-samples", Key="sub/x.txt")["Body"].read() == b"seeded"
        listed = s3.list_objects_v2(Bucket="my-samples")["Contents"]
        assert [(item["Key"], item["Size"]) for item in listed] == [("sub/x.txt", 6)]


def test_account_and_region_are_options():
    with Server("--account", "123123123123", "--region", "eu-central-1") as own:
        env = own.client_environment()
        assert env["AWS_REGION"] == "eu-central-1"
        told = own.status()
        assert told["account"] == "123123123123" and told["region"] == "eu-central-1"


def test_jobs_of_an_ephemeral_server_end_with_it():
    with Server() as own:
        training = Training.on(own, "b-b")
        mark = unique("mark")
        name = training.start(f"import time; print('up', flush=True); time.sleep(600)  # {mark}\n",
                              Environment={"MARK": mark})
        training.wait_for_line(name, "up")
    assert gone_within(f"MARK={mark}", 10) == []


def test_two_servers_on_one_data_folder_are_refused_by_pid(tmp_path):
    with Server(folder=tmp_path / "one", ephemeral=False) as first:
        second = sagelet("serve", "--port", "0", "--data", first.data, timeout=20)
        assert second.returncode != 0 and str(first.pid) in second.stderr and str(first.data) in second.stderr


def test_what_was_kept_is_there_after_a_restart(tmp_path):
    server = Server(folder=tmp_path / "kept", ephemeral=False).start()
    job = Training.on(server, "kept").run("print('remember me')\n")
    assert server.stop() == 0
    server.start()
    training = Training(*server.clients("sagemaker", "s3", "logs"), "kept")
    again = training.describe(job["TrainingJobName"])
    again.pop("ResponseMetadata"), job.pop("ResponseMetadata")
    assert again == job
    assert "remember me" in training.lines(job["TrainingJobName"])
    assert server.stop() == 0
