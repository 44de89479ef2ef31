"""One strict server for all clients: a signature that it computes in another way than the client is refused."""
import pytest

import programs
from keys import CONTROL, HOSTILE
from story import Story
from support.server import Server
from support.training import unique

CONFIG = """
auth:
  accounts:
    - id: "000000000000"
      name: clients
      keys:
        - { access_key: test, secret_key: test }
        - { access_key: x, secret_key: x }
"""
ACCESS_KEY = SECRET_KEY = "test"


@pytest.fixture(scope="session")
def server():
    with Server("--auth", "strict", config=CONFIG) as running:
        yield running


@pytest.fixture
def s3(server):
    return server.clients("s3", retries={"total_max_attempts": 1})[0]


@pytest.fixture
def bucket(s3):
    name = unique("clients").lower()
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def tell(server, s3, bucket, tmp_path):
    """tell("go"): the story by that language's program, with hostile keys; `control` with those that XML cannot write."""

    def run(language, *, control=False, **options):
        command = programs.command(language)
        story = Story(server, tmp_path, bucket, CONTROL if control else HOSTILE, encoding="url" if control else None, **options)
        story.check(story.told_by(command), s3)

    return run
