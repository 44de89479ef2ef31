"""The test suites, one function each, and the one line that sums them up. Started by script/test."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support.tally import Tally  # noqa: E402

RESULTS = ROOT / "build" / "test-results"
VENV = ROOT / ".venv" / "bin" / "python"
VENV_V3 = ROOT / ".venv-v3" / "bin" / "python"
VENV_CLIENTS = ROOT / ".venv-clients" / "bin" / "python"
TOOLKIT = ROOT / ".venv-toolkit" / "bin" / "python"
LINT_STEPS = ("format", "arrows", "names", "sizes", "words", "scripts")
# A program under a sanitizer that reports anything must not pass.
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
CANNOT_RUN_HERE = 77  # as in automake and ctest
built = set()


def run(command, environment=None, **options):
    env = {**os.environ, **(environment or {})}
    return subprocess.run([str(word) for word in command], cwd=ROOT, env=env, check=False, **options).returncode


def build(preset):
    """Once a run. Gives the folder of the programs, or None when the build failed."""
    if preset not in built:
        if run(["script/build", preset]) != 0:
            return None
        built.add(preset)
    return ROOT / "build" / preset / "bin"


def test_programs(preset):
    """The gtest programs as ctest knows them: stale ones of an old build folder are not among them."""
    shown = subprocess.run(["ctest", "--show-only=json-v1"], cwd=ROOT / "build" / preset, capture_output=True, check=True)
    tests = json.loads(shown.stdout)["tests"]
    return {test["name"]: test["command"] for test in tests if "command" in test}


def is_golden(name):
    return "golden" in name


def run_program(name, command, label, environment):
    report = RESULTS / f"{label}-{name}.xml"
    report.unlink(missing_ok=True)
    log = report.with_suffix(".log")
    with open(log, "wb") as out:
        try:
            code = run([*command, f"--gtest_output=xml:{report}"], environment, stdout=out, stderr=out, timeout=600)
        except subprocess.TimeoutExpired:
            code = "timeout"
    if code == CANNOT_RUN_HERE and not report.exists():
        return Tally.skip(f"{name}: {log.read_text(errors='replace').strip()[-200:]}")
    tally = Tally.read(report, code)
    if tally.failed:
        print(f"-- {name}\n{log.read_text(errors='replace')[-6000:]}", flush=True)
    return tally


def gtest(preset, label, wanted, environment=None):
    if build(preset) is None:
        return Tally.one(False, f"{label}: the {preset} build failed")
    programs = {name: command for name, command in test_programs(preset).items() if wanted(name)}
    total = Tally()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        jobs = [pool.submit(run_program, name, command, label, environment) for name, command in programs.items()]
        for job in jobs:
            total += job.result()
    return total


def pytest(label, *arguments, python=VENV, environment=None):
    report = RESULTS / f"{label}.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-q", "-rfE", "--color=no", f"--junitxml={report}", *arguments]
    return Tally.read(report, run(command, environment))


def with_programs(preset):
    folder = build(preset)
    return None if folder is None else {"SAGELET_BIN": str(folder)}


def lint():
    total = Tally()
    for step in LINT_STEPS:
        total += Tally.one(run(["script/lint", step]) == 0, f"lint: {step}")
    return total


def unit():
    return gtest("release", "unit", lambda name: not is_golden(name))


def golden(preset="release", environment=None):
    return gtest(preset, f"golden-{preset}", is_golden, environment)


def asan():
    total = gtest("asan", "asan", lambda name: not is_golden(name), SANITIZERS)
    if total.failed and "asan" not in built:
        return total
    total += golden("asan", SANITIZERS)
    total += acceptance("asan", "boto3")
    return total


def differential():
    programs = with_programs("release")
    if programs is None:
        return Tally.one(False, "differential: the release build failed")
    return pytest("differential", "tests/differential", environment={**programs, "SAGELET_TOOLKIT": str(TOOLKIT)})


def acceptance(preset="release", marker=None):
    programs = with_programs(preset)
    if programs is None:
        return Tally.one(False, f"acceptance: the {preset} build failed")
    environment = {**programs, **(SANITIZERS if preset != "release" else {})}
    picked = ["-m", marker] if marker else ["-m", "not long"]
    shared = ["tests/acceptance", "--dist", "worksteal", *picked]
    with concurrent.futures.ThreadPoolExecutor() as pool:  # SDK v3 has an environment of its own; its tests mostly sleep
        v3 = None if marker == "boto3" else pool.submit(pytest, f"acceptance-v3-{preset}", *shared, "-n", "4", python=VENV_V3,
                                                        environment=environment)
        total = pytest(f"acceptance-{preset}", *shared, "-n", "8", environment=environment)
        if v3 is not None:
            total += v3.result()
        return total


def contract(preset="release"):
    """Every promise of a sandbox against each of them; the docker engine is started when none answers."""
    programs = with_programs(preset)
    if programs is None:
        return Tally.one(False, f"contract: the {preset} build failed")
    run(["script/bootstrap"], {"BOOTSTRAP": "docker"})
    return pytest(f"contract-{preset}", "tests/contract", "-n", "4", "--dist", "worksteal",
                  environment={**programs, **(SANITIZERS if preset != "release" else {})})


def crash(preset="release", rounds="30", object_rounds="300"):
    programs = with_programs(preset)
    if programs is None:
        return Tally.one(False, f"crash: the {preset} build failed")
    return pytest(f"crash-{preset}", "tests/crash", "-n", "4", environment={**programs, "CRASH_ROUNDS": rounds, "CRASH_OBJECT_ROUNDS": object_rounds})


def story():
    """script/demo as a user runs it; its last line names the model and the score."""
    if build("release") is None:
        return Tally.one(False, "story: the release build failed")
    return Tally.one(run(["script/demo"]) == 0, "story: script/demo")


def readme():
    """The commands of README.md, as printed."""
    if build("release") is None:
        return Tally.one(False, "readme: the release build failed")
    return pytest("readme", "tests/support/readme_commands.py")


def container():
    """The story where no namespaces are to be had: inside a docker container with the default profile."""
    if build("release") is None:
        return Tally.one(False, "container: the release build failed")
    run(["script/bootstrap"], {"BOOTSTRAP": "docker"})  # without an engine the tests skip and say so
    return pytest("container", "tests/support/container_story.py", "-rs")


def registry():
    """docker login, push and pull, and bring-your-own-container, with an engine of its own."""
    programs = with_programs("release")
    if programs is None:
        return Tally.one(False, "registry: the release build failed")
    run(["script/bootstrap"], {"BOOTSTRAP": "docker"})  # without an engine the tests say so
    return pytest("registry", "tests/registry", "-rs", "--timeout=1800", environment=programs)


# Acceptance tests that run jobs. The first run on a cluster at every change, the others take longer.
ON_A_CLUSTER = ("job_endings", "job_runs", "training_jobs", "many_hosts", "inputs", "every_field", "frameworks", "spot", "warm_cache", "warm_pool")
ON_A_CLUSTER_TOO = ("distributed", "inputs_many", "inputs_sdk_v2", "remote", "sdk_v2", "xgboost", "cloudwatch", "nodes", "out_of_resources",
                    "keeping_data", "strict", "s3_access", "s3_upstream", "command_line")


def slurm():
    """Jobs on a cluster of our own: munged, slurmctld and three slurmd on this machine. Then jobs' acceptance tests, there."""
    programs = with_slurm()
    if programs is None:
        return Tally.one(False, "slurm: the release build or script/bootstrap failed")
    total = pytest("slurm", "tests/slurm", "-rs", "-n", "2", "--dist", "loadfile", environment=programs)
    total += acceptance_on_slurm(programs, "acceptance-slurm", ON_A_CLUSTER)
    return total


def slurm_acceptance():
    """Every acceptance test that runs jobs, on a cluster."""
    programs = with_slurm()
    if programs is None:
        return Tally.one(False, "slurm_acceptance: the release build or script/bootstrap failed")
    total = acceptance_on_slurm(programs, "acceptance-slurm-all", ON_A_CLUSTER + ON_A_CLUSTER_TOO)
    total += acceptance_on_slurm(programs, "acceptance-slurm-v3", ("sdk_v3", "remote_v3"), VENV_V3)
    return total


def with_slurm():
    programs = with_programs("release")
    return programs if programs and run(["script/bootstrap"], {"BOOTSTRAP": "slurm"}) == 0 else None


def acceptance_on_slurm(programs, label, names, python=VENV):
    files = [f"tests/acceptance/test_{name}.py" for name in names]
    return pytest(label, *files, "-n", "2", "--dist", "worksteal", "-m", "not long", python=python,
                  environment={**programs, "SAGELET_TEST_PLACEMENT": "slurm"})


def tidy():
    return Tally.one(run(["script/lint", "tidy"]) == 0, "lint: clang-tidy")


def tsan():
    total = gtest("tsan", "tsan", lambda name: True, SANITIZERS)
    total += acceptance("tsan", "boto3")
    return total


def sanitized_acceptance():
    total = acceptance("asan", "long or not long")
    total += crash("asan", "30", "60")
    return total


def many_kills():
    return crash("release", "2000", "10000")


def fuzz():
    """Each fuzz target for a minute, from the seeds in tests/fuzz/seeds."""
    folder = build("fuzz")
    if folder is None:
        return Tally.one(False, "fuzz: the build failed")
    total = Tally()
    for target in sorted(folder.glob("*_fuzz")):
        corpus = ROOT / "build" / "corpus" / target.name
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = [folder for folder in [ROOT / "tests" / "fuzz" / "seeds" / target.name] if folder.is_dir()]
        code = run([target, corpus, *seeds, "-max_total_time=60", "-timeout=10", "-rss_limit_mb=2048"])
        total += Tally.one(code == 0, f"fuzz: {target.name}")
    return total


def s3_conformance():
    """The public S3 suite, fetched at a pinned commit, against tests/s3/expected_failures.txt."""
    folder = build("release")
    if folder is None:
        return Tally.one(False, "s3_conformance: the release build failed")
    return Tally.one(run([VENV, "tests/s3/conformance.py"], {"SAGELET_BIN": str(folder)}) == 0, "s3_conformance: see above")


def clients_quick():
    """Round trips of hostile keys by the clients that install in seconds: aws, boto3, s3fs, pyarrow, rclone, JavaScript."""
    quick = ["test_commands.py", "test_python.py", "test_javascript.py"]
    return clients("clients_quick", *(f"tests/clients/{name}" for name in quick))


def clients(label="clients", *files):
    """The same by all clients; those of Go, Java and Rust are built first."""
    programs = with_programs("release")
    if programs is None:
        return Tally.one(False, f"{label}: the release build failed")
    if run(["script/bootstrap"], {"BOOTSTRAP": "clients"}) != 0:
        return Tally.one(False, f"{label}: script/bootstrap failed")
    return pytest(label, *(files or ["tests/clients"]), "-rs", "-n", "2", "--dist", "loadfile", "--timeout=1800",
                  python=VENV_CLIENTS, environment=programs)


EVERY_CHANGE = (lint, unit, golden, differential, acceptance, clients_quick, contract, crash, story, readme, container, registry, slurm, asan)
LONG = (tidy, sanitized_acceptance, tsan, many_kills, fuzz, s3_conformance, clients, slurm_acceptance)


def run_suite(suite):
    began = time.monotonic()
    print(f"== {suite.__name__}", flush=True)
    try:
        tally = suite()
    except Exception as error:  # a suite that dies is a failure, not the end of the run
        tally = Tally.one(False, f"{suite.__name__}: {error!r}")
    print(f"== {suite.__name__}: {tally} ({time.monotonic() - began:.0f} s)", flush=True)
    return tally


def main(names):
    known = {suite.__name__: suite for suite in EVERY_CHANGE + LONG}
    if names == ["long"]:
        suites = EVERY_CHANGE + LONG
    elif names:
        unknown = [name for name in names if name not in known]
        if unknown:
            sys.exit(f"no such suite: {', '.join(unknown)}; there are: {', '.join(known)}, and long for all of them")
        suites = [known[name] for name in names]
    else:
        suites = EVERY_CHANGE
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = Tally()
    for suite in suites:
        total += run_suite(suite)
    for note in total.notes:
        print(f"   {note}")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    if shutil.which("ccache"):
        os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
    sys.exit(main(sys.argv[1:]))
