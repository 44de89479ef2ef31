"""`advertise:`: what a cluster's node reaches of the server, seen from another machine (a network namespace)."""
import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.nodes import Machine
from support.server import SAGELET, Server, free_port
from support.training import Training, unique
from support.wheels import make_wheel

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

CONFIG = """
advertise: http://{address}:{port}
jobs:
  stop_grace_seconds: 2
  cores_per_job: 0.1
auth:
  accounts:
    - {{ id: "111111111111", name: main, keys: [ {{ access_key: AKMAIN, secret_key: s3cret }} ] }}
"""
# Tells its credentials, then runs until it is told to end.
SCRIPT = """
    import os, time, boto3, json
    s3, name = boto3.client("s3"), os.environ["TRAINING_JOB_NAME"]
    keys = boto3.Session().get_credentials().get_frozen_credentials()
    s3.put_object(Bucket="{bucket}", Key=name + "/keys", Body=json.dumps(keys._asdict()))
    while "Contents" not in s3.list_objects_v2(Bucket="{bucket}", Prefix=name + "/end"):
        time.sleep(0.05)
"""


def until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


class Job:
    def __init__(self, training):
        self.training, self.name = training, unique()
        training.sagemaker.create_training_job(
            **training.request(SCRIPT.format(bucket=training.bucket), name=self.name))
        self.keys = until(self.find_keys)

    def find_keys(self):
        with contextlib.suppress(self.training.s3.exceptions.NoSuchKey):
            return json.load(self.training.s3.get_object(Bucket=self.training.bucket, Key=f"{self.name}/keys")["Body"])
        return None

    @property
    def environment(self):
        return {"AWS_ACCESS_KEY_ID": self.keys["access_key"], "AWS_SECRET_ACCESS_KEY": self.keys["secret_key"],
                "AWS_SESSION_TOKEN": self.keys["token"], "AWS_DEFAULT_REGION": "us-east-1"}

    def client(self, service, url, **config):
        return boto3.client(service, endpoint_url=url, region_name="us-east-1",
                            aws_access_key_id=self.keys["access_key"], aws_secret_access_key=self.keys["secret_key"],
                            aws_session_token=self.keys["token"],
                            config=Config(retries={"total_max_attempts": 1}, **config))

    def end(self):
        """The moment at which the job was over, at the latest."""
        self.training.s3.put_object(Bucket=self.training.bucket, Key=f"{self.name}/end")
        until(lambda: self.training.sagemaker.describe_training_job(
            TrainingJobName=self.name)["TrainingJobStatus"] == "Completed")
        return time.monotonic()


@pytest.fixture(scope="module")
def node():
    with Machine() as machine:
        yield machine


@pytest.fixture(scope="module")
def outside():
    """Reached by the server's machine alone."""
    with Machine() as machine:
        yield machine


@pytest.fixture(scope="module")
def server(node):
    port = free_port(node.here)
    with Server(config=CONFIG.format(address=node.here, port=port),
                environment={"SAGELET_PYTHON": sys.executable}) as running:
        running.advertised = f"http://{node.here}:{port}"
        yield running


@pytest.fixture(scope="module")
def training(server):
    return Training.on(server, "node-bucket")


@pytest.fixture(scope="module")
def job(training):
    living = Job(training)
    yield living
    living.end()


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"]


def curl(node, *words, status=True):
    """Status and body of a request from the node."""
    done = node.run("curl", "-sS", "--noproxy", "*", "--max-time", 20, *(["-w", "\n%{http_code}"] if status else []), *words)
    if done.returncode != 0:
        return 0, done.stderr
    body, _, code = done.stdout.rpartition("\n")
    return int(code), body


def test_a_scripts_boto3_works_on_a_node(node, server, job):
    told = json.loads(node.python("""
import boto3, json, sys, urllib.request
from boto3.s3.transfer import TransferConfig
make = lambda name: boto3.client(name, endpoint_url=sys.argv[1])
s3 = make("s3")
s3.put_object(Bucket="node-bucket", Key="from/node", Body=b"hello")
upload = s3.create_multipart_upload(Bucket="node-bucket", Key="large")["UploadId"]
part = s3.upload_part(Bucket="node-bucket", Key="large", UploadId=upload, PartNumber=1, Body=b"x" * 1000)
done = s3.complete_multipart_upload(Bucket="node-bucket", Key="large", UploadId=upload,
                                    MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
url = s3.generate_presigned_url("get_object", Params={"Bucket": "node-bucket", "Key": "from/node"})
ecr = make("ecr").get_authorization_token()["authorizationData"][0]
print(json.dumps({
    "arn": make("sts").get_caller_identity()["Arn"],
    "read": s3.get_object(Bucket="node-bucket", Key="from/node")["Body"].read().decode(),
    "location": done["Location"], "presigned": url, "by_url": urllib.request.urlopen(url).read().decode(),
    "registry": ecr["proxyEndpoint"], "login": ecr["authorizationToken"],
    "jobs": len(make("sagemaker").list_training_jobs()["TrainingJobSummaries"]),
    "groups": len(make("logs").describe_log_groups()["logGroups"])}))
""", server.advertised, environment=job.environment))
    assert told["read"] == told["by_url"] == "hello" and told["jobs"] >= 1 and told["groups"] >= 0
    assert told["arn"].startswith("arn:aws:sts::000000000000:assumed-role/")
    assert told["location"] == f"{server.advertised}/node-bucket/large"
    assert told["registry"] == server.advertised and told["presigned"].startswith(server.advertised)
    assert curl(node, "-H", f"Authorization: Basic {told['login']}", f"{server.advertised}/v2/")[0] == 200


def test_the_aws_cli_works_on_a_node(node, server, job, tmp_path):
    (tmp_path / "file").write_bytes(b"y" * 9_000_000)  # several parts
    environment = {**job.environment, "AWS_ENDPOINT_URL": server.advertised}
    aws = [sys.executable, "-m", "awscli"]
    done = node.run(*aws, "s3", "cp", tmp_path / "file", "s3://node-bucket/cli/file", environment=environment)
    assert done.returncode == 0, done.stderr
    done = node.run(*aws, "s3", "cp", "s3://node-bucket/cli/file", tmp_path / "again", environment=environment)
    assert done.returncode == 0 and (tmp_path / "again").stat().st_size == 9_000_000, done.stderr
    done = node.run(*aws, "sts", "get-caller-identity", environment=environment)
    assert json.loads(done.stdout)["Account"] == "000000000000", done.stderr


@pytest.mark.parametrize("keys", [("AKMAIN", "s3cret"), ("x", "x"), ("111111111111", "x")])
def test_keys_that_are_no_jobs_are_refused_there_and_taken_elsewhere(node, server, keys):
    for url, taken in ((server.advertised, False), (server.url, True)):
        make = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": keys[0],
                "aws_secret_access_key": keys[1], "config": Config(retries={"total_max_attempts": 1})}
        if taken:
            boto3.client("s3", **make).list_buckets()
            continue
        assert refused(boto3.client("s3", **make).list_buckets) == "InvalidAccessKeyId"
        assert refused(boto3.client("sts", **make).get_caller_identity) == "InvalidClientTokenId"
        assert refused(boto3.client("sagemaker", **make).list_training_jobs) == "UnrecognizedClientException"


def test_a_wrong_secret_or_token_is_refused(server, job):
    s3 = boto3.client("s3", endpoint_url=server.advertised, region_name="us-east-1",
                      aws_access_key_id=job.keys["access_key"], aws_secret_access_key="guess",
                      aws_session_token=job.keys["token"])
    assert refused(s3.list_buckets) == "SignatureDoesNotMatch"
    s3 = boto3.client("s3", endpoint_url=server.advertised, region_name="us-east-1",
                      aws_access_key_id=job.keys["access_key"], aws_secret_access_key=job.keys["secret_key"])
    assert refused(s3.list_buckets) == "InvalidToken"


def test_nobody_is_anonymous_there(node, server, training):
    training.s3.create_bucket(Bucket="open-to-all", ACL="public-read", ObjectOwnership="ObjectWriter")
    training.s3.put_object(Bucket="open-to-all", Key="k", Body=b"x", ACL="public-read")
    assert curl(node, f"{server.advertised}/open-to-all/k")[0] == 403
    assert curl(node, "-F", "key=a", "-F", "file=@/etc/hostname", f"{server.advertised}/open-to-all")[0] == 403
    assert curl(node, "-X", "OPTIONS", "-H", "Origin: https://page.example", "-H",
                "Access-Control-Request-Method: GET", f"{server.advertised}/open-to-all/k")[0] in (400, 403, 405)
    assert curl(node, f"{server.advertised}/v2/")[0] == 401
    assert curl(node, "-u", "AWS:anything", f"{server.advertised}/v2/_catalog")[0] == 401


def test_a_form_needs_a_jobs_signature(node, server, training, job):
    for client, status in ((job.client("s3", server.advertised), 204), (server.clients("s3")[0], 403)):
        form = client.generate_presigned_post("node-bucket", "by-form")
        fields = [word for name, value in form["fields"].items() for word in ("-F", f"{name}={value}")]
        assert curl(node, *fields, "-F", "file=@/etc/hostname", f"{server.advertised}/node-bucket")[0] == status


def test_administration_is_not_for_nodes(node, server):
    assert curl(node, f"{server.advertised}/_sagelet/health")[0] == 200
    assert "BEGIN CERTIFICATE" in curl(node, f"{server.advertised}/_sagelet/authority")[1]
    for method, path in (("POST", "reset"), ("GET", "status"), ("GET", "metrics"), ("GET", "doctor"), ("POST", "scrub"),
                         ("POST", "snapshot"), ("DELETE", "snapshot/x"), ("POST", "interrupt/j"),
                         ("GET", "credentials/ASIAX")):
        code, text = curl(node, "-X", method, f"{server.advertised}/_sagelet/{path}")
        assert code == 403 and "not for nodes" in text, (path, code, text)
    for token in ("", "Bearer guess"):
        report = json.dumps({"job_id": "x", "host": "algo-1", "number": 1, "phase": "Finished"})
        assert curl(node, "-H", f"Authorization: {token}", "-d", report, f"{server.advertised}/_sagelet/reports")[0] >= 400
    assert json.loads(server.get("/_sagelet/status"))["advertise"] == server.advertised


def test_a_strange_host_and_a_strange_page_are_refused(node, server):
    for header in ("Host: evil.example", "Origin: https://evil.example"):
        assert curl(node, "-H", header, f"{server.advertised}/_sagelet/health")[0] == 403
    assert curl(node, "-H", "Host: evil.example", f"{server.advertised}/node-bucket/k")[1].startswith("Sagelet does not answer")


# ---- the proxy

INDEX = """
import http.server, ssl, sys, functools
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
httpd = http.server.ThreadingHTTPServer((sys.argv[2], 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3])
httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
print(httpd.server_port, flush=True)
httpd.serve_forever()
"""


@pytest.fixture(scope="module")
def index(outside, tmp_path_factory):
    """A package index over TLS that the node has no way to."""
    folder = tmp_path_factory.mktemp("index")
    wheel = make_wheel(folder / "simple" / "nodepack", "nodepack", "1.0")
    (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    pem = folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=index", "-addext", f"subjectAltName=IP:{outside.address}", "-keyout", folder / "key",
                    "-out", folder / "crt"], check=True, capture_output=True, timeout=60)
    pem.write_text((folder / "key").read_text() + (folder / "crt").read_text())
    process = outside.start(sys.executable, "-c", INDEX, folder, outside.address, pem, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    try:
        yield f"https://{outside.address}:{process.stdout.readline().strip()}/simple/", folder / "crt"
    finally:
        process.kill()
        process.wait(20)


def pip(node, index, folder, proxy):
    url, certificate = index
    return node.run(sys.executable, "-m", "pip", "--isolated", "download", "-vv", "--no-deps", "--retries", "0", "--no-cache-dir",
                    "--index-url", url, "--cert", certificate, "-d", folder, "nodepack", environment={"HTTPS_PROXY": proxy})


def with_login(url, job, token=None):
    return url.replace("http://", f"http://{job.keys['access_key']}:{token or job.keys['token']}@")


def test_pip_works_on_a_node_through_the_proxy(node, server, job, index, tmp_path):
    done = pip(node, index, tmp_path, with_login(server.advertised, job))
    assert done.returncode == 0 and (tmp_path / "nodepack-1.0-py3-none-any.whl").exists(), done.stdout + done.stderr


def test_a_jobs_requirements_come_through_the_proxy(training, index, outside):
    """On a cluster the node itself has no way to the index, either."""
    url, _ = index
    job = training.run("import nodepack; print('got', nodepack.__version__)\n", files={"requirements.txt": "nodepack\n"},
                       Environment={"PIP_INDEX_URL": url, "PIP_TRUSTED_HOST": outside.address, "PIP_RETRIES": "0"})
    lines = training.lines(job["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", (job.get("FailureReason"), lines)
    assert "got 1.0" in lines


@pytest.mark.parametrize("token", [None, "guess"])
def test_the_proxy_asks_for_a_jobs_login(node, server, job, index, tmp_path, token):
    done = pip(node, index, tmp_path, with_login(server.advertised, job, token) if token else server.advertised)
    assert done.returncode != 0 and "407" in done.stdout + done.stderr
    code, text = curl(node, "--noproxy", "", "-x", server.advertised, "http://sts.us-east-1.amazonaws.com/")
    assert code == 407 and "running jobs only" in text


def test_the_proxy_does_not_reach_what_is_the_servers_own(node, outside, server, job):
    own = f"127.0.0.1:{server.port}"
    for host in (own, f"localhost:{server.port}", f"[::ffff:127.0.0.1]:{server.port}", f"{outside.here}:{server.port}",
                 "169.254.169.254:80"):
        for form in ("--proxytunnel", "--show-error"):  # CONNECT, and an absolute target
            done = node.run("curl", "-sS", "-i", "--max-time", 20, "--noproxy", "", form, "-x", with_login(server.advertised, job),
                            f"http://{host}/_sagelet/status")
            assert " 403 " in done.stdout + done.stderr + " " or "403" in done.stderr, (host, form, done.stdout, done.stderr)
            assert '"version"' not in done.stdout


def test_awss_own_names_are_served_to_jobs_only(node, server, job, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(curl(node, f"{server.advertised}/_sagelet/authority")[1])
    who = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    proxied = {"HTTPS_PROXY": with_login(server.advertised, job), "AWS_CA_BUNDLE": bundle,
               "AWS_STS_REGIONAL_ENDPOINTS": "regional"}
    assert "assumed-role" in node.python(who, environment={**job.environment, **proxied})
    lax = {"AWS_ACCESS_KEY_ID": "AKMAIN", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_DEFAULT_REGION": "us-east-1"}
    done = node.run(sys.executable, "-c", who, environment={**lax, **proxied})
    assert done.returncode != 0 and "InvalidClientTokenId" in done.stderr
    status = node.run("curl", "-sS", "--cacert", bundle, "-x", proxied["HTTPS_PROXY"],
                      "https://sts.us-east-1.amazonaws.com/_sagelet/status")
    assert "not for nodes" in status.stdout, status


# ---- the end of a job

# Prints a line when each connection is up; then one when it ended, with what came.
HELD = """
import http.client, select, socket, sys, time, urllib.parse
get, put, proxy, login, target = sys.argv[1:]
host = urllib.parse.urlsplit(get).netloc
path = lambda url: url.split(host, 1)[1]
idle = http.client.HTTPConnection(host, timeout=60)
idle.request("GET", path(get)); assert idle.getresponse().read() == b"held"
kept = idle.sock
slow = socket.create_connection(host.split(":"), 60)
slow.sendall(f"PUT {path(put)} HTTP/1.1\\r\\nHost: {host}\\r\\nContent-Length: 1000\\r\\n\\r\\nhalf".encode())
tunnel = socket.create_connection(host.split(":"), 60)
tunnel.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: x\\r\\nProxy-Authorization: Basic {login}\\r\\n\\r\\n".encode())
assert b" 200 " in tunnel.recv(4096)
print("up", flush=True)
for name, held in (("slow", slow), ("tunnel", tunnel)):
    try: rest = held.recv(4096)
    except ConnectionError: rest = b""
    assert rest == b"", rest
    print(name, time.monotonic(), flush=True)
sys.stdin.readline()
idle.request("GET", path(get))
answer = idle.getresponse()
assert idle.sock is kept
print("idle", answer.status, "ExpiredToken" in answer.read().decode(), flush=True)
"""


def test_what_is_open_when_a_job_ends_is_refused_within_a_second(node, server, training, index):
    job = Job(training)
    s3 = job.client("s3", server.advertised)
    s3.put_object(Bucket="node-bucket", Key="held", Body=b"held")
    assumed = job.client("sts", server.advertised).assume_role(
        RoleArn="arn:aws:iam::000000000000:role/Other", RoleSessionName="of-the-job")["Credentials"]
    other = boto3.client("sts", endpoint_url=server.advertised, region_name="us-east-1",
                         aws_access_key_id=assumed["AccessKeyId"], aws_secret_access_key=assumed["SecretAccessKey"],
                         aws_session_token=assumed["SessionToken"])
    assert "Other" in other.get_caller_identity()["Arn"]
    registry = job.client("ecr", server.advertised).get_authorization_token()["authorizationData"][0]["authorizationToken"]
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "node-bucket", "Key": "held"})
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "node-bucket", "Key": "never"})
    login = subprocess.run(["base64", "-w0"], input=f"{job.keys['access_key']}:{job.keys['token']}", text=True,
                           capture_output=True, check=True).stdout
    target = index[0].split("/")[2]
    with node.start(sys.executable, "-c", textwrap.dedent(HELD), get, put, server.advertised, login, target,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:
        assert held.stdout.readline() == "up\n"
        ended = job.end()
        assert refused(s3.list_buckets) == "ExpiredToken"
        assert refused(other.get_caller_identity) == "ExpiredToken"
        for name in ("slow", "tunnel"):
            said, at = held.stdout.readline().split()
            assert said == name and float(at) < ended + 1
        held.stdin.write("\n")
        held.stdin.flush()
        assert held.stdout.readline() == "idle 400 True\n"
    assert curl(node, "-H", f"Authorization: Basic {registry}", f"{server.advertised}/v2/")[0] == 401
    assert curl(node, "--noproxy", "", "-x", with_login(server.advertised, job), "http://sts.us-east-1.amazonaws.com/")[0] == 407
    assert training.s3.list_objects_v2(Bucket="node-bucket", Prefix="never")["KeyCount"] == 0


def test_an_address_that_is_not_ours_is_refused_in_words(tmp_path):
    for url, said in (("http://192.0.2.1:4580", "192.0.2.1 is no address of this machine: advertise one that is"),
                      ("http://0.0.0.0:4580", "0.0.0.0 is no address that nodes can be told")):
        with pytest.raises(RuntimeError) as failed:
            Server(folder=tmp_path / "s", config=f"advertise: {url}\n").start()
        assert said in str(failed.value)


def test_a_name_that_is_loopback_here_is_refused_in_words(tmp_path):
    """As Debian gives a machine its own name; its nodes know it by another address."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n127.0.1.1 headnode\n")
    words = f"mount --bind {hosts} /etc/hosts && exec {SAGELET} serve --ephemeral --port 0 --advertise http://headnode:4580"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 4
    assert "headnode is 127.0.1.1 on this machine, which no node reaches: advertise an address" in done.stderr
