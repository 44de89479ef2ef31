"""`sagelet env` and `exec` in shells that are not clean."""
import os
import shlex
import subprocess

import pytest

from support.server import ROOT, SAGELET, clean_environment, sagelet


def shell(server, script, **base):
    """Runs a bash script after `eval "$(sagelet env)"` in an environment with `base` in it."""
    env = clean_environment(**base)
    text = f'eval "$({SAGELET} env --url {server.url})"\n{script}'
    return subprocess.run(["bash", "-c", text], env=env, capture_output=True, text=True, timeout=60, check=True).stdout


def variables(server, **base):
    pairs = (pair.split("=", 1) for pair in shell(server, "env -0", **base).split("\0") if "=" in pair)
    return dict(pairs)


def test_it_points_every_client_here(server):
    env = variables(server)
    assert env["AWS_ENDPOINT_URL"] == server.url and env["SAGELET_URL"] == server.url
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        assert env.get(name) == server.url, name
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "us-east-1"
    assert env["AWS_ACCESS_KEY_ID"] and env["AWS_SECRET_ACCESS_KEY"]
    assert env["AWS_EC2_METADATA_DISABLED"] == "true"
    bundles = {env[name] for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")}
    assert len(bundles) == 1
    ours = open(env["NODE_EXTRA_CA_CERTS"]).read()
    bundle = open(bundles.pop()).read()
    assert ours.strip() in bundle and bundle.count("BEGIN CERTIFICATE") > 50
    for host in ("127.0.0.1", "localhost", "::1"):
        assert host in env["NO_PROXY"].split(",") and env["NO_PROXY"] == env["no_proxy"]


def test_it_takes_away_what_would_lead_elsewhere(server):
    env = variables(server, AWS_PROFILE="prod", AWS_DEFAULT_PROFILE="prod", AWS_SESSION_TOKEN="old",
                    AWS_ENDPOINT_URL_S3="https://elsewhere", AWS_ENDPOINT_URL_SAGEMAKER="https://elsewhere",
                    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="true", AWS_USE_FIPS_ENDPOINT="true",
                    AWS_USE_DUALSTACK_ENDPOINT="true")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3",
                 "AWS_ENDPOINT_URL_SAGEMAKER", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT",
                 "AWS_USE_DUALSTACK_ENDPOINT"):
        assert name not in env, name


def test_no_proxy_keeps_what_does_not_cover_aws(server):
    env = variables(server, NO_PROXY="corp.example.com,.amazonaws.com,*.internal,s3.amazonaws.com,10.0.0.0/8",
                    no_proxy="amazonaws.com,corp.example.com")
    entries = env["NO_PROXY"].split(",")
    assert "corp.example.com" in entries and "10.0.0.0/8" in entries
    assert not [entry for entry in entries if "amazonaws" in entry]
    assert "*" not in variables(server, NO_PROXY="*")["NO_PROXY"].split(",")


def test_a_proxy_of_before_is_remembered_never_one_of_ours(server):
    env = variables(server, https_proxy="http://corp-proxy:3128")
    assert env["SAGELET_UPSTREAM_PROXY"] == "http://corp-proxy:3128"
    again = variables(server, **{name: value for name, value in env.items() if name != "PATH"}, PATH=env["PATH"])
    assert again["SAGELET_UPSTREAM_PROXY"] == "http://corp-proxy:3128"


def test_evaluating_twice_changes_nothing(server):
    once = f'eval "$({SAGELET} env --url {server.url})"'
    first = shell(server, "env | sort")
    second = shell(server, f"{once}\nenv | sort")
    assert first == second


def test_unset_undoes_it(server):
    base = {"HTTPS_PROXY": "http://corp-proxy:3128", "NO_PROXY": "corp.example.com"}
    before = subprocess.run(["bash", "-c", "env | sort"], env=clean_environment(**base), capture_output=True, text=True,
                            check=True).stdout
    after = shell(server, f'eval "$({SAGELET} env --unset)"\nenv | sort', **base)
    left = [line for line in after.splitlines() if line.startswith(("AWS_", "SAGELET_")) and "SAGELET_BIN" not in line]
    assert not left, left
    assert "HTTPS_PROXY=http://corp-proxy:3128" in after, (before, after)


def test_old_authorities_stay_trusted(server, tmp_path):
    mine = tmp_path / "mine.pem"
    mine.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    env = variables(server, SSL_CERT_FILE=str(mine))
    assert "MIIB" in open(env["SSL_CERT_FILE"]).read()


def test_exec_gives_the_commands_exit_code():
    assert sagelet("exec", "--", "sh", "-c", "exit 7").returncode == 7
    assert sagelet("exec", "--", "true").returncode == 0


def test_exec_sets_the_environment_and_stops_the_server():
    done = sagelet("exec", "--", "sh", "-c", 'echo "$SAGELET_URL"; curl -s --noproxy "*" "$SAGELET_URL/_sagelet/health"')
    url = done.stdout.splitlines()[0]
    assert url.startswith("http://127.0.0.1:")
    gone = subprocess.run(["curl", "-s", "--noproxy", "*", "--max-time", "2", f"{url}/_sagelet/health"],
                          capture_output=True, check=False)
    assert gone.returncode != 0


def test_exec_passes_a_signal_on():
    done = sagelet("exec", "--", "sh", "-c", "kill -TERM $$")
    assert done.returncode == 128 + 15


def test_a_command_that_is_not_there_is_said(server):
    done = sagelet("exec", "--", "no-such-command-here")
    assert done.returncode == 127 and "no-such-command-here" in done.stderr


def test_python_requests_trusts_us_through_the_proxy(server):
    script = "import requests; print(requests.get('https://sts.us-east-1.amazonaws.com/').status_code)"
    answer = shell(server, f"{ROOT}/.venv/bin/python -c {shlex.quote(script)}")
    assert answer.strip().isdigit()


def test_curl_trusts_us_through_the_proxy(server):
    out = shell(server, "curl -s -o /dev/null -w '%{http_code}' https://s3.us-east-1.amazonaws.com/")
    assert out.strip() in ("403", "400", "200", "307")


@pytest.mark.parametrize("name", ["sts.eu-west-1.amazonaws.com", "api.sagemaker.us-west-2.amazonaws.com",
                                  "logs.us-east-1.amazonaws.com", "bucket.s3.us-east-1.amazonaws.com"])
def test_names_of_served_services_end_here(server, name):
    out = shell(server, f"curl -s -o /dev/null -w '%{{ssl_verify_result}} %{{http_code}}' https://{name}/")
    verified, code = out.split()
    assert verified == "0" and code != "000"


def test_offline_refuses_other_hosts_and_names_them():
    from support.server import Server
    with Server("--offline") as server:
        done = subprocess.run(["curl", "-sv", "--max-time", "10", "https://example.com/"], capture_output=True, text=True,
                              env={**os.environ, **server.client_environment()}, check=False)
        assert done.returncode != 0 and "200" not in done.stdout
        plain = subprocess.run(["curl", "-s", "--max-time", "10", "-x", server.url, "http://example.com/"],
                               capture_output=True, text=True, check=False, env=clean_environment())
        assert "example.com" in plain.stdout
