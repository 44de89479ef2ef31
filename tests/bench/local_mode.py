"""fit() of SDK v2's local mode with the image that a job of ours runs; started by containers.py with our environment.

    local_mode.py IMAGE    fits once for each line that comes in, and answers "seconds <how long>"
"""
import logging
import pathlib
import sys
import tempfile
import time

from sagemaker.estimator import Estimator
from sagemaker.local import LocalSession

ROLE = "arn:aws:iam::000000000000:role/bench"


def fit(image, folder):
    session = LocalSession()
    session.config = {"local": {"local_code": True, "container_root": folder}}
    estimator = Estimator(image, ROLE, 1, "local", output_path=f"file://{folder}/out", sagemaker_session=session)
    began = time.monotonic()
    estimator.fit()
    return time.monotonic() - began


def main():
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="sagelet-local-mode-") as folder:
        (pathlib.Path(folder) / "out").mkdir()
        for _ in sys.stdin:
            print("\nseconds", fit(sys.argv[1], folder), flush=True)


if __name__ == "__main__":
    main()
