"""User instructions a request, by callgrind: the figure that a busy machine does not move. Not part of script/bench.

    .venv/bin/python tests/bench/instructions.py [GET HEAD PUT DELETE LIST] [--keep FOLDER]

Prints a line a kind of request. callgrind runs the program on a processor without instructions for SHA-256, so what a
real one takes is less by about 5,000 a KiB that is hashed. `--keep` leaves the profiles there, for callgrind_annotate.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import machine  # noqa: E402
import peers  # noqa: E402
from s3 import SMALL, checked  # noqa: E402
from support import server as support  # noqa: E402

COUNT = 200
KEYS = 3000


class Watched(support.Server):
    """The server under callgrind, which counts only between on() and off()."""

    def __init__(self, folder):
        super().__init__(config=f"{peers.STRICT}durability: process\n", ephemeral=False)
        self.profiles = folder

    def command(self):
        return ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-instr=no", "-q",
                f"--callgrind-out-file={self.profiles}/profile", *super().command()]

    def control(self, *arguments):
        subprocess.run(["callgrind_control", *arguments, str(self.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def count(self, requests, connections=1):
        self.control("-z")
        self.control("-i", "on")
        self.requests.replay(requests, connections)
        self.control("-i", "off")
        before = set(self.profiles.iterdir())
        self.control("-d")
        profile = (set(self.profiles.iterdir()) - before).pop()
        total = re.search(r"^totals: (\d+)", profile.read_text(), re.MULTILINE)
        return profile, int(total.group(1)) / len(requests)


def kinds(make):
    """Each kind: requests that warm up, requests that are counted."""
    def puts(prefix):
        for number in range(COUNT):
            body = os.urandom(SMALL)
            yield make("PUT", f"/bench/{prefix}/{number}", body, checked(body))

    def reads(method):
        return [make(method, f"/bench/kept/{number % 50}") for number in range(COUNT)]

    page = make("GET", f"/bench?list-type=2&max-keys=1000&start-after=list%2F{KEYS // 3:08}")
    return {
        "GET": (list(puts("kept")) + reads("GET"), reads("GET")),
        "HEAD": (list(puts("kept")) + reads("HEAD"), reads("HEAD")),
        "PUT": (list(puts("warm")), list(puts("put"))),
        "DELETE": (list(puts("gone")), [make("DELETE", f"/bench/gone/{number}") for number in range(COUNT)]),
        "LIST": ([make("PUT", f"/bench/list/{number:08}", b"x") for number in range(KEYS)] + [page], [page] * 20),
    }


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("kinds", nargs="*")
    ask.add_argument("--keep", type=pathlib.Path)
    asked = ask.parse_args()
    folder = asked.keep or pathlib.Path(tempfile.mkdtemp(prefix="instructions-"))
    folder.mkdir(parents=True, exist_ok=True)
    support.START_SECONDS = 300
    with Watched(folder) as server:
        server.requests = machine.Requests("127.0.0.1", server.port, access_key=peers.ACCESS, secret_key=peers.SECRET)
        server.requests.replay([server.requests.s3("PUT", "/bench")])
        for name, (warm, counted) in kinds(server.requests.s3).items():
            if asked.kinds and name not in asked.kinds:
                continue
            server.requests.replay(warm, 8)
            profile, each = server.count(counted)
            kept = folder / f"{name}.profile"
            profile.rename(kept)
            print(f"{name:8} {each:12,.0f}   {kept if asked.keep else ''}", flush=True)


if __name__ == "__main__":
    main()
