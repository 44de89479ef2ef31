"""CORS as a browser meets it: preflights, answers, errors."""
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

RULES = [{"ID": "pages", "AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*"],
          "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600},
         {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}]
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def ask(url, method="GET", **headers):
    """(status, headers, body); a name's underscores are dashes."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def preflight(url, origin, method, headers=None):
    more = {"Access_Control_Request_Headers": headers} if headers else {}
    return ask(url, "OPTIONS", Origin=origin, Access_Control_Request_Method=method, **more)


def code_of(body):
    return body.split(b"<Code>")[1].split(b"</Code>")[0].decode()


@pytest.fixture
def rules(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    s3.put_object(Bucket=bucket, Key="a b", Body=b"x")
    return bucket


def test_rules_are_kept_and_taken_away(s3, rules):
    assert s3.get_bucket_cors(Bucket=rules)["CORSRules"] == RULES
    s3.delete_bucket_cors(Bucket=rules)
    with pytest.raises(ClientError) as error:
        s3.get_bucket_cors(Bucket=rules)
    assert error.value.response["Error"]["Code"] == "NoSuchCORSConfiguration"


def test_a_preflight_is_answered_by_the_first_rule_that_allows_it(server, rules):
    status, headers, body = preflight(f"{server.url}/{rules}/a%20b", "https://x.example.com", "PUT", "X-Amz-Date, x-amz-acl")
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "https://x.example.com"
    assert headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert headers["Access-Control-Allow-Headers"] == "X-Amz-Date, x-amz-acl"
    assert headers["Access-Control-Expose-Headers"] == "ETag"
    assert headers["Access-Control-Max-Age"] == "600"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Vary"] == VARY
    _, headers, _ = preflight(f"{server.url}/{rules}", "https://else.org", "HEAD")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Credentials"] is None


def test_a_preflight_that_no_rule_allows_is_refused(server, rules, bucket):
    for origin, method, headers in [("https://example.com", "PUT", None), ("https://x.example.com", "DELETE", None),
                                    ("https://x.example.com", "PUT", "range")]:
        status, answered, body = preflight(f"{server.url}/{rules}/k", origin, method, headers)
        assert (status, code_of(body), answered["Access-Control-Allow-Origin"]) == (403, "AccessForbidden", None)
    status, _, body = preflight(f"{server.url}/no-such-bucket-at-all", "https://x.example.com", "GET")
    assert (status, code_of(body)) == (403, "AccessForbidden")
    assert ask(f"{server.url}/{rules}", "OPTIONS")[0] == 400
    assert ask(f"{server.url}/{rules}", "OPTIONS", Origin="https://x.example.com")[0] == 400


def test_a_bucket_without_rules_refuses_preflights(server, bucket):
    status, _, body = preflight(f"{server.url}/{bucket}/k", "https://x.example.com", "GET")
    assert (status, b"CORS is not enabled for this bucket" in body) == (403, True)


def test_answers_and_errors_say_who_may_read_them(server, s3, rules):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": rules, "Key": "a b"})
    status, headers, body = ask(url, Origin="https://x.example.com")
    assert (status, body, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (200, b"x", "https://x.example.com", VARY)
    assert ask(url, Origin="https://else.org")[1]["Access-Control-Allow-Origin"] is None
    assert ask(url)[1]["Access-Control-Allow-Origin"] is None
    missing = s3.generate_presigned_url("get_object", Params={"Bucket": rules, "Key": "none"})
    status, headers, _ = ask(missing, Origin="https://x.example.com")
    assert (status, headers["Access-Control-Allow-Origin"]) == (404, "https://x.example.com")
    status, headers, _ = ask(f"{server.url}/{rules}/a%20b", Origin="https://x.example.com")
    assert (status, headers["Access-Control-Allow-Origin"]) == (403, "https://x.example.com")


def test_rules_that_aws_refuses_are_refused(s3, bucket):
    def refusal(**rule):
        with pytest.raises(ClientError) as error:
            s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], **rule}]})
        return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]

    assert refusal(AllowedMethods=["PATCH"]) == (
        "InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is PATCH")
    assert refusal(AllowedOrigins=["*.*"])[0] == "InvalidRequest"
    assert refusal(AllowedOrigins=[])[0] == "MalformedXML"
