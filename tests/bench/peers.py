"""Other S3 servers on this machine, and nginx as the limit. A peer that script/bench could not get is left out of its rows."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import machine
from support.server import ROOT, Server

FOLDER = pathlib.Path(os.environ.get("BENCH_PEERS_DIR") or ROOT / "build" / "bench" / "peers")
ACCESS, SECRET = "bench", "bench-secret"
# Signatures are verified in full while we measure.
STRICT = f"""
auth:
  mode: strict
  accounts:
    - {{ id: "000000000000", name: bench, keys: [ {{ access_key: {ACCESS}, secret_key: {SECRET} }} ] }}
"""
NGINX = """
daemon off; master_process off; pid {data}/pid; error_log {data}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 600;
  client_max_body_size 0; client_body_buffer_size 16k; client_body_temp_path {data}/a; proxy_temp_path {data}/b;
  fastcgi_temp_path {data}/c; uwsgi_temp_path {data}/d; scgi_temp_path {data}/e; default_type application/octet-stream; types {{}}
  server {{ listen 127.0.0.1:{port}; root {data}/root; location / {{ dav_methods PUT DELETE; create_full_put_path on; }} }} }}
"""


def commands(name, port, data):
    """How a peer is started, and what its environment has besides ours."""
    return {
        "nginx": (["nginx", "-c", f"{data}/conf", "-p", str(data)], {}),
        "versitygw": ([FOLDER / "versitygw", "--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet", "posix", f"{data}/root"],
                      {"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET}),
        "minio": ([FOLDER / "minio", "server", "--quiet", "--address", f"127.0.0.1:{port}", f"{data}/root"],
                  {"MINIO_ROOT_USER": ACCESS, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
                   "MINIO_CI_CD": "1"}),
        "moto": ([FOLDER / "moto" / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)], {}),
    }[name]


def is_there(name):
    return shutil.which(str(commands(name, 0, "/nowhere")[0][0])) is not None


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Peer:
    """A running server with an empty folder, pinned to core 0 unless `pinned` is false. A context manager."""

    def __init__(self, name, *, pinned=True):
        self.name, self.pinned = name, pinned

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"bench-{self.name}-"))
        os.chmod(self.folder, 0o755)
        (self.folder / "root").mkdir()
        self.port = free_port()
        command, more = commands(self.name, self.port, self.folder)
        if self.name == "nginx":
            (self.folder / "conf").write_text(NGINX.format(data=self.folder, port=self.port))
        self.process = subprocess.Popen([str(word) for word in command], env={**os.environ, **more},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_for_port(self.port, self.process)
        return prepared(self)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Ours:
    """Sagelet in the same role. `durability` as in sagelet.yaml."""

    def __init__(self, name="sagelet", *, pinned=True, durability="process"):
        self.name, self.pinned, self.durability = name, pinned, durability

    def __enter__(self):
        self.server = Server(config=f"{STRICT}durability: {self.durability}\n", ephemeral=False).start()
        self.port, self.pid = self.server.port, self.server.pid
        return prepared(self)

    def __exit__(self, *_):
        self.server.stop()
        self.server.remove()


def wait_for_port(port, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen")


def prepared(contestant):
    """With signed requests at hand and a bucket."""
    if contestant.pinned:
        machine.pin(contestant.pid, 0)
    contestant.requests = machine.Requests("127.0.0.1", contestant.port, access_key=ACCESS, secret_key=SECRET)
    if contestant.name == "nginx":
        (contestant.folder / "root" / "bench").mkdir()
        return contestant
    for attempt in range(100):  # MinIO listens before it serves
        try:
            contestant.requests.replay([contestant.requests.s3("PUT", "/bench")])
            return contestant
        except RuntimeError:
            if attempt == 99:
                raise
            time.sleep(0.1)
