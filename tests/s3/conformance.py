"""script/test s3_conformance: ceph/s3-tests against our server, compared with tests/s3/expected_failures.txt.

The suite is fetched at a pinned commit and never committed. S3_TESTS names another place to fetch it from.
"""
import collections
import hashlib
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.server import Server, clean_environment  # noqa: E402
from support.tally import Tally  # noqa: E402

SUITE = "https://github.com/ceph/s3-tests.git"
COMMIT = "8f0ae7b404a3a2fcf7038bf1e6bf29544fe9b6a3"
FOLDER = ROOT / "build" / "s3-tests"
EXPECTED = HERE / "expected_failures.txt"
LIFECYCLE_DAY = 4  # seconds; the suite waits up to ten of them
SECTIONS = {"s3 main": ("111111111111", "main"), "s3 alt": ("222222222222", "alt"),
            "s3 tenant": ("333333333333", "tenant"), "iam": ("444444444444", "lone"),
            "iam root": ("111111111111", "main"), "iam alt root": ("222222222222", "alt")}


def key_of(name):
    """The suite wants keys of AWS's length."""
    return f"AKIA{name.upper():A<16}", f"{name}-secret-of-forty-characters".ljust(40, "x")


def server_config():
    lines = ["s3:", f"  lifecycle_day_seconds: {LIFECYCLE_DAY}", "auth:", "  mode: strict", "  accounts:"]
    for account, name in sorted(set(SECTIONS.values())):
        access, secret = key_of(name)
        lines.append(f'    - {{ id: "{account}", name: {name}, email: {name}@example.com, keys: [ {{ access_key: {access}, secret_key: {secret} }} ] }}')
    return "\n".join(lines) + "\n"


def canonical_user(account):
    """As server/services/s3/names.cpp spells an account."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()


def suite_config(port):
    lines = ["[DEFAULT]", "host = localhost", f"port = {port}", "is_secure = False", "ssl_verify = False",
             "[fixtures]", "bucket prefix = conf-{random}-"]
    for section, (account, name) in SECTIONS.items():
        access, secret = key_of(name)
        lines += [f"[{section}]", f"display_name = {name}", f"user_id = {canonical_user(account)}",
                  f"email = {name}@example.com", f"access_key = {access}", f"secret_key = {secret}",
                  "api_name = us-west-2", "tenant = ", f"lc_debug_interval = {LIFECYCLE_DAY}"]
    return "\n".join(lines) + "\n"


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def fetch_suite():
    folder = FOLDER / COMMIT
    if not (folder / "s3tests").is_dir():
        run("git", "init", "-q", folder)
        run("git", "-C", folder, "fetch", "-q", "--depth", "1", os.environ.get("S3_TESTS", SUITE), COMMIT)
        run("git", "-C", folder, "checkout", "-q", "FETCH_HEAD")
    return folder


def python_of_suite():
    """A virtual environment of its own, made again when its requirements change."""
    requirements = HERE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = FOLDER / f"venv-{digest}"
    if not (folder / "complete").exists():
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements)
        (folder / "complete").touch()
    return folder / "bin" / "python"


def run_suite(report, workers, more):
    suite, python = fetch_suite(), python_of_suite()
    with Server("--auth", "strict", config=server_config()) as server:
        config = server.folder / "s3tests.conf"
        config.write_text(suite_config(server.port))
        environment = clean_environment(S3TEST_CONF=config, PYTHONPATH=HERE, HOME=server.folder)
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "suite_plugin", "-n", workers, "--timeout=120",
                   "--tb=short", "--color=no", "-rN", f"--junitxml={report}", "s3tests/functional/test_s3.py",
                   "s3tests/functional/test_headers.py", *more]
        with open(report.with_suffix(".log"), "w") as log:
            subprocess.run([str(word) for word in command], cwd=suite, env=environment, stdout=log, stderr=log, check=False)


def outcomes(report):
    """{test: (class, passed)} of what ran; skipped tests are no outcome."""
    found = {}
    for case in xml.parse(report).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            continue
        label = next((entry.get("value") for entry in case.iter("property") if entry.get("name") == "class"), "other")
        failed = case.find("failure") is not None or case.find("error") is not None
        found[case.get("name")] = (label, not failed)
    return found


def expected_failures():
    """{test: reason}. A line is `test_name: reason`; `#` begins a comment."""
    lines = [line.strip() for line in EXPECTED.read_text().splitlines()]
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def by_class(found):
    table = collections.defaultdict(lambda: [0, 0])
    for label, passed in found.values():
        table[label][0 if passed else 1] += 1
    for label in sorted(table):
        passed, failed = table[label]
        print(f"   {label:20} {passed:4} passed {failed:4} failed")
    total = sum(passed for passed, _ in table.values())
    print(f"   {'all':20} {total:4} passed {len(found) - total:4} failed  ({100 * total / max(1, len(found)):.1f} %)", flush=True)


def judge(found, expected):
    """Every outcome that the list does not say is a failure of the run, in both directions."""
    tally = Tally()
    for name, (_, passed) in sorted(found.items()):
        surprise = f"s3: {name} is expected to fail and passed: take it off the list" if passed else f"s3: {name} failed"
        tally += Tally.one(passed != (name in expected), surprise)
    for name in sorted(set(expected) - set(found)):
        tally += Tally.one(False, f"s3: {name} is expected to fail and was not run")
    return tally


def conformance(results, workers="4", more=()):
    """`more` goes to pytest; a run of a part (-k) says nothing of the listed tests that it leaves out."""
    report = results / "s3-conformance.xml"
    report.unlink(missing_ok=True)
    run_suite(report, workers, more)
    if not report.exists():
        return Tally.one(False, f"s3: the suite left no report, see {report.with_suffix('.log')}")
    found = outcomes(report)
    by_class(found)
    expected = expected_failures()
    return judge(found, {name: why for name, why in expected.items() if name in found} if more else expected)


if __name__ == "__main__":
    place = pathlib.Path(os.environ.get("RESULTS", ROOT / "build" / "test-results"))
    place.mkdir(parents=True, exist_ok=True)
    total = conformance(place, more=sys.argv[1:])
    for note in total.notes:
        print(f"   {note}")
    print(total)
    sys.exit(1 if total.failed or not total.passed else 0)
