"""The story inside a docker container with the default profile: no namespaces are to be had there, as in many CI jobs.

The image holds nothing but the links of a merged /usr; the machine's own /usr, the checkout and the interpreter are
mounted read-only, so no registry is needed and the same programs run.
"""
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

import pytest

from support.server import BIN, PYTHON, ROOT, SAMPLES

IMAGE = "sagelet-test-merged-usr"
START_SECONDS = 60


def cannot(why):
    """CI can be made to run this, so there it is a failure."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


def docker(*words, check=True, **options):
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check, **options)


def answers():
    return shutil.which("docker") and docker("version", check=False).returncode == 0


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """An engine that answers: the machine's, else one of our own for this run."""
    if answers():
        yield
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        cannot("no docker engine answers, and starting one needs root and dockerd (BOOTSTRAP=docker script/bootstrap)")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sagelet-dockerd-"))
    with open(folder / "log", "wb") as log:
        daemon = subprocess.Popen(["dockerd", f"--data-root={folder}/data", f"--exec-root={folder}/exec",
                                   f"--pidfile={folder}/pid"], stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.kill()
            cannot("dockerd does not start here: " + (folder / "log").read_text(errors="replace")[-300:])
        time.sleep(0.2)
    yield
    daemon.terminate()
    daemon.wait(60)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def image(engine):
    tree = io.BytesIO()
    with tarfile.open(fileobj=tree, mode="w") as tar:
        for name in ("bin", "sbin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for name in ("tmp", "opt", "root", "proc", "dev", "etc", "var", "usr", "run"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
    subprocess.run(["docker", "import", "-", IMAGE], input=tree.getvalue(), check=True, capture_output=True)
    yield IMAGE
    docker("rmi", "-f", IMAGE, check=False)


def mounts():
    """What the programs need of this machine, read-only."""
    needed = ["/usr", "/etc/ssl", "/etc/passwd", "/etc/alternatives", "/etc/ld.so.cache", str(ROOT), str(BIN)]
    base = subprocess.run([str(PYTHON), "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True,
                          check=True).stdout.strip()
    needed.append(base)
    kept = [path for path in dict.fromkeys(needed) if pathlib.Path(path).exists()]
    return [word for path in kept if path == "/usr" or not path.startswith("/usr/")
            for word in ("-v", f"{path}:{path}:ro")]


def run(image, *command, seconds=240):
    """In a container with the default profile, as root, with a writable /tmp only."""
    return docker("run", "--rm", *mounts(), "-e", "HOME=/tmp", "-e", "PATH=/usr/local/bin:/usr/bin:/bin",
                  "-e", f"SAGELET_PYTHON={PYTHON}", "-w", "/tmp", image, *map(str, command), check=False, timeout=seconds)


def test_the_story_runs_in_a_default_container(image):
    done = run(image, BIN / "sagelet", "exec", "--seed-bucket", SAMPLES, "--", PYTHON, ROOT / "fixtures" / "story" / "notebook.py", "/tmp/story")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "r2 on the test split" in done.stdout
    assert done.stdout.strip().splitlines()[-1] == "/tmp/story/model.joblib"


def test_doctor_says_how_jobs_are_confined_there(image):
    done = run(image, BIN / "sagelet", "exec", "--", BIN / "sagelet", "doctor")
    assert done.returncode == 0, done.stderr[-4000:]
    assert "link" in done.stdout.lower(), done.stdout


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
