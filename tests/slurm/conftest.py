"""A cluster for the whole run and a server on it. A test that breaks nodes or daemons repairs them."""
import pytest

from slurm.stands import server_on
from support.slurm_cluster import Cluster
from support.training import Training, unique


def pytest_configure(config):
    config.addinivalue_line("markers", "one_machine(words): of acceptance tests whose pieces are used here")


@pytest.fixture(scope="session")
def cluster():
    with Cluster() as running:
        yield running


@pytest.fixture(scope="session")
def server(cluster):
    with server_on(cluster) as running:
        yield running


@pytest.fixture
def training(server):
    return Training.on(server, unique("bucket"))
