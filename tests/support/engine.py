"""A docker engine that answers, and images for it that need no registry: they are made of this machine's own Python."""
import fcntl
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
import time

from support.server import PYTHON

START_SECONDS = 60
BUSYBOX = "/bin/busybox"
SERVICES = ("s3", "sts", "sagemaker", "logs")  # of botocore's data, which is large


def docker(*words, check=True, host=None, **options):
    environment = {**os.environ, **({"DOCKER_HOST": f"unix://{host}"} if host else {})}
    return subprocess.run(["docker", *map(str, words)], capture_output=True, text=True, check=check, env=environment,
                          **options)


def answers(host=None):
    return docker("version", check=False, host=host).returncode == 0


class Daemon:
    """A dockerd of our own: data, state, socket and pid file in one folder, so it may be killed."""

    def __init__(self, folder=None, socket=None, options=()):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sagelet-dockerd-"))
        self.socket = socket or str(self.folder / "docker.sock")
        self.options = options
        self.process = None

    def start(self, tries=3):
        """One that was killed may find its containerd half dead, and gives up: that is its fault, so again."""
        while True:
            try:
                return self._start()
            except RuntimeError:
                tries -= 1
                if tries == 0:
                    raise

    def _start(self):
        command = ["dockerd", f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec",
                   f"--pidfile={self.folder}/pid", f"--host=unix://{self.socket}", *self.options]
        (self.folder / "pid").unlink(missing_ok=True)  # of one that was killed
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError("dockerd does not start here: " + (self.folder / "log").read_text()[-600:])
            time.sleep(0.1)
        return self

    def kill(self):
        """And waits for its containerd, which the kernel kills with it: a new one would take it for alive."""
        self.process.kill()
        self.process.wait(20)
        note = self.folder / "exec" / "containerd" / "containerd.pid"
        deadline = time.monotonic() + 5
        while note.exists() and time.monotonic() < deadline:
            stat = pathlib.Path(f"/proc/{note.read_text().strip()}/stat")
            if not stat.exists() or ") Z " in stat.read_text():
                note.unlink(missing_ok=True)
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)

    def remove(self):
        """With the mounts that it leaves even when it is stopped."""
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            if line.split()[4].startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", line.split()[4]], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def ensure_engine():
    """The machine's engine, else one that is started now and stays; test processes take turns. Fails when it cannot."""
    with open(pathlib.Path(tempfile.gettempdir()) / "sagelet-test-dockerd.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answers():
            Daemon(folder=tempfile.mkdtemp(prefix="sagelet-dockerd-"), socket="/var/run/docker.sock").start()


def libraries(programs):
    """What the dynamic linker loads for them, under the names it looks for."""
    found = set()
    for program in programs:
        done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            found.update(word for word in line.split() if word.startswith("/"))
    return found


def python_files():
    """{path in the image: path here} of an interpreter with boto3."""
    base = pathlib.Path(sysconfig.get_path("stdlib"))
    program = pathlib.Path(PYTHON).resolve()
    files = {"usr/bin/python3": program}
    for path in base.rglob("*"):
        parts = path.relative_to(base).parts
        if path.is_file() and not {"test", "__pycache__", "site-packages", "dist-packages", "idlelib"} & set(parts):
            files[f"{str(base).lstrip('/')}/{'/'.join(parts)}"] = path
    packages = PYTHON.parent.parent / "lib" / base.name / "site-packages"
    site = f"{str(base.parent).lstrip('/')}/{base.name}/site-packages"
    for name in ("boto3", "botocore", "jmespath", "s3transfer", "dateutil", "urllib3", "six.py"):
        for path in [packages / name] if name.endswith(".py") else sorted((packages / name).rglob("*")):
            inside = path.relative_to(packages)
            data = inside.parts[:2] == ("botocore", "data") and len(inside.parts) > 3
            if path.is_file() and "__pycache__" not in inside.parts and not (data and inside.parts[2] not in SERVICES):
                files[f"{site}/{inside}"] = path
    return files, site


def image_tree():
    """A tar with busybox for the shell and Python for the rest."""
    files, site = python_files()
    for path in libraries([files["usr/bin/python3"], *(path for path in files.values() if str(path).endswith(".so"))]):
        files[path.lstrip("/")] = pathlib.Path(path)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        def add(name, path):
            tar.add(str(pathlib.Path(path).resolve()), name, recursive=False)
        for name, path in sorted(files.items()):
            add(name, path)
        add("bin/busybox", BUSYBOX)
        for name in ("sh", "true", "sleep", "echo", "cat", "ls", "id", "env", "seq", "yes", "touch"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)
    return out.getvalue(), site


def make_image(name, host=None, *changes):
    """`name` in the engine; `changes` as a Dockerfile's (USER 1000, ENTRYPOINT [...])."""
    tree, site = image_tree()
    settings = ["ENV PATH=/usr/bin:/bin", f"ENV PYTHONPATH=/{site}", *changes]
    words = [word for change in settings for word in ("-c", change)]
    environment = {**os.environ, **({"DOCKER_HOST": f"unix://{host}"} if host else {})}
    subprocess.run(["docker", "import", *words, "-", name], input=tree, check=True, capture_output=True, env=environment)
    return name


def load_empty_image(name, architecture, host=None):
    """An image without files that says it is for another processor."""
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    layer = layer.getvalue()
    config = json.dumps({"architecture": architecture, "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, data in (("config.json", config), ("layer.tar", layer), ("manifest.json", manifest)):
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    environment = {**os.environ, **({"DOCKER_HOST": f"unix://{host}"} if host else {})}
    subprocess.run(["docker", "load"], input=out.getvalue(), check=True, capture_output=True, env=environment)


def version():
    """Changes when the image would."""
    return hashlib.sha256((pathlib.Path(__file__).read_text() + str(PYTHON.resolve())).encode()).hexdigest()[:12]


def containers(host=None, label="sagelet.job"):
    return docker("ps", "-aq", "--no-trunc", "--filter", f"label={label}", host=host).stdout.split()


def networks(host=None, label="sagelet.job"):
    return docker("network", "ls", "-q", "--filter", f"label={label}", host=host).stdout.split()
