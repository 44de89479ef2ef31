"""The images of docker/ keep the contracts they stand for, run by the engine alone."""
import json
import subprocess
import time
import urllib.request

import pytest

from support.server import ROOT


@pytest.fixture(scope="module")
def images(engine, base):
    subprocess.run([ROOT / "docker" / "build"], env=engine.environment(), check=True, timeout=1500)


@pytest.fixture(scope="module")
def opt_ml(tmp_path_factory):
    root = tmp_path_factory.mktemp("ml")
    for folder in ("input/config", "input/data/train", "model", "output"):
        (root / folder).mkdir(parents=True)
    rows = "\n".join(f"{x},{x % 7},{2 * x}" for x in range(100))
    (root / "input/data/train/rows.csv").write_text(f"a,b,y\n{rows}\n")
    write_config(root, estimators="5")
    (root / "input/config/inputdataconfig.json").write_text(json.dumps({"train": {}}))
    return root


def write_config(root, **hyperparameters):
    (root / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters))


def run_training(engine, opt_ml):
    return engine.docker("run", "--rm", "--network", "none", "-v", f"{opt_ml}:/opt/ml", "sagelet/training", "train", check=False)


@pytest.fixture(scope="module")
def trained(images, engine, opt_ml):
    done = run_training(engine, opt_ml)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train:r2=" in done.stdout
    return opt_ml / "model"


def test_training_leaves_a_model(trained):
    assert (trained / "model.joblib").stat().st_size > 0


def test_training_says_why_it_failed(images, engine, opt_ml):
    write_config(opt_ml, fail="on purpose")
    done = run_training(engine, opt_ml)
    write_config(opt_ml, estimators="5")
    assert done.returncode == 1
    assert (opt_ml / "output" / "failure").read_text() == "RuntimeError: on purpose"


def test_serving_answers_pings_and_invocations(trained, engine):
    container = engine.docker("run", "-d", "-v", f"{trained}:/opt/ml/model:ro", "sagelet/serving", "serve").stdout.strip()
    try:
        address = engine.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", container).stdout.strip()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + 60
        while True:
            try:
                assert opener.open(f"http://{address}:8080/ping", timeout=5).status == 200
                break
            except OSError:
                assert time.monotonic() < deadline, engine.docker("logs", container).stderr
                time.sleep(0.1)
        asked = urllib.request.Request(f"http://{address}:8080/invocations", b"10,3\n50,1\n", {"Content-Type": "text/csv"})
        low, high = json.load(opener.open(asked, timeout=30))
        assert low < high
    finally:
        engine.docker("rm", "-f", container)
