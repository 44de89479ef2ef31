"""Other S3 stores to stand upstream of a server of ours."""
import subprocess
import time

import boto3
from botocore.config import Config

from support.server import ROOT, Server, clean_environment

MOTO = ROOT / ".venv" / "bin" / "moto_server"


def client(url):
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="up", aws_secret_access_key="stream",
                        config=Config(retries={"total_max_attempts": 1}))


class Moto:
    """Keeps everything in memory: stopped, it forgets."""

    def __init__(self, folder):
        self.log = folder / "moto.log"

    def __enter__(self):
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen([str(MOTO), "-H", "127.0.0.1", "-p", "0"], stdout=out, stderr=out,
                                            env=clean_environment(PYTHONUNBUFFERED=1))
        self.url = self.find()
        return self

    def find(self):
        """It says where it listens when it does."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                if "Running on http://" in line:
                    return line.split("Running on ")[1].strip()
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Sagelet(Server):
    """Another server of ours, which verifies every signature."""

    CONFIG = 'auth:\n  accounts:\n    - { id: "000000000000", name: up, keys: [ { access_key: up, secret_key: stream } ] }\n'

    def __init__(self, folder):
        super().__init__("--auth", "strict", folder=folder / "upstream", config=self.CONFIG)
