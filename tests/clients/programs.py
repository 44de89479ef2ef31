"""The clients' programs, built once in build/clients from their pinned versions by each language's own tool."""
import functools
import os
import re
import shutil
import subprocess

import pytest

from support.server import ROOT

HERE = ROOT / "tests" / "clients"
BUILT = ROOT / "build" / "clients"
BUILD_SECONDS = 1500


def version_of(*command):
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"(\d+)\.(\d+)", said.stdout + said.stderr)
    return tuple(map(int, found.groups())) if found else (0, 0)


def need(program, at_least, *ask):
    """Skips where the tool is missing or older than the SDK wants."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    version = version_of(program, *ask)
    if version < at_least:
        pytest.skip(f"{program} {version[0]}.{version[1]}: the SDK wants {at_least[0]}.{at_least[1]} or newer")


def run(*command, folder, **environment):
    done = subprocess.run(list(map(str, command)), cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
                          timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def js():
    need("node", (20, 0), "--version")
    need("npm", (9, 0), "--version")
    folder = BUILT / "js"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / "js" / name, folder)
    if not up_to_date(folder, "package-lock.json"):
        run("npm", "ci", "--ignore-scripts", folder=folder)
    shutil.copy(HERE / "js" / "story.mjs", folder)
    mark(folder, "package-lock.json")
    return ["node", folder / "story.mjs"]


def up_to_date(folder, lock):
    stamp = folder / ".stamp"
    return stamp.exists() and stamp.read_bytes() == (folder / lock).read_bytes()


def mark(folder, lock):
    (folder / ".stamp").write_bytes((folder / lock).read_bytes())


def go():
    need("go", (1, 24), "version")
    BUILT.mkdir(parents=True, exist_ok=True)
    run("go", "build", "-mod=readonly", "-o", BUILT / "story-go", ".", folder=HERE / "go")
    return [BUILT / "story-go"]


def java():
    need("mvn", (3, 6), "--version")
    need("javac", (17, 0), "--version")
    folder = BUILT / "java"
    run("mvn", "-B", "-q", f"-Dbuilt={folder}", "package", folder=HERE / "java")
    return ["java", "-cp", f"{folder}/classes:{folder}/libraries/*", "Story"]


def rust():
    need("cargo", (1, 91), "--version")
    run("cargo", "build", "--locked", folder=HERE / "rust", CARGO_TARGET_DIR=str(BUILT / "rust"))
    return [BUILT / "rust" / "debug" / "sagelet-clients-rust"]


@functools.cache
def command(language):
    return {"js": js, "go": go, "java": java, "rust": rust}[language]()
