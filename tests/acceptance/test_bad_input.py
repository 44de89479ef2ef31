"""Bad input gets AWS's error: never a hang, a crash or a 500, and the server goes on."""
import base64
import hashlib
import json
import os
import re
import threading

import pytest

from support import wire


@pytest.fixture(autouse=True)
def goes_on(server):
    yield
    assert server.process.poll() is None, server.log()[-4000:]
    assert server.get("/_sagelet/health")


def error_code(answer):
    return json.loads(answer.body)["__type"].split("#")[-1]


@pytest.mark.parametrize("body", [b"", b"{", b"{]", b"nonsense", b'{"a":}', b'{"TrainingJobName": "x"', b"\xff\xfe{}",
                                  b'{"TrainingJobName": "\xff"}', b'"text"', b"[1,2]", b"[" * 100000,
                                  b'{"a":' * 5000 + b"1" + b"}" * 5000, b"\x00" * 100])
def test_malformed_json_is_a_serialization_exception(server, body):
    answer = wire.json_call(server, "SageMaker.DescribeTrainingJob", body)
    assert answer.status == 400
    assert error_code(answer) in ("SerializationException", "ValidationException")


@pytest.mark.parametrize("value", ["1", "true", "[]", "{}", "1.5e400", '["x"]'])
def test_a_wrong_type_is_a_serialization_exception(server, value):
    answer = wire.json_call(server, "SageMaker.DescribeTrainingJob", f'{{"TrainingJobName": {value}}}')
    assert answer.status == 400 and error_code(answer) == "SerializationException"


@pytest.mark.parametrize("path, value", [("ResourceConfig", "7"), ("ResourceConfig", "[]"), ("InputDataConfig", "{}"),
                                         ("HyperParameters", '{"a": 1}'), ("HyperParameters", '{"a": {"b": 1}}'),
                                         ("Tags", '[{"Key": 1, "Value": "x"}]'), ("Tags", '["x"]'),
                                         ("StoppingCondition", '{"MaxRuntimeInSeconds": "soon"}'),
                                         ("EnableNetworkIsolation", '"perhaps"')])
def test_a_wrong_type_at_any_depth_is_a_serialization_exception(server, path, value):
    answer = wire.json_call(server, "SageMaker.CreateTrainingJob", f'{{"TrainingJobName": "x", "{path}": {value}}}')
    assert answer.status == 400 and error_code(answer) == "SerializationException"


def test_missing_members_are_all_named(server):
    answer = wire.json_call(server, "SageMaker.CreateTrainingJob", "{}")
    assert answer.status == 400 and error_code(answer) == "ValidationException"
    text = json.loads(answer.body).get("message") or json.loads(answer.body)["Message"]
    for member in ("trainingJobName", "roleArn", "outputDataConfig"):
        assert f"Value null at '{member}' failed to satisfy constraint: Member must not be null" in text


@pytest.mark.parametrize("target", ["SageMaker.NoSuchThing", "SageMaker.", "", "Nothing", "NoService.ListTrainingJobs",
                                    "SageMaker.ListTrainingJobs.More", "\u00e9", "x" * 4000])
def test_an_unknown_target_is_an_unknown_operation(server, target):
    answer = wire.json_call(server, target.encode().decode("latin-1"), "{}")
    assert answer.status in (400, 404)
    assert b"UnknownOperationException" in answer.body or b"Unknown" in answer.body or b"Error" in answer.body


@pytest.mark.parametrize("query", [b"", b"Action=", b"Action=NoSuchThing&Version=2011-06-15", b"%%%", b"Action=%zz",
                                   b"a" * 100000])
def test_an_unknown_action_is_an_invalid_action(server, query):
    answer = wire.call(server, "POST", "/", service="sts", body=query,
                       headers={"content-type": "application/x-www-form-urlencoded"})
    assert 400 <= answer.status < 500 and b"<Error" in answer.body


@pytest.mark.parametrize("body", [b"", b"<", b"<Delete>", b"<Delete><Object></Delete>", b"not xml", b"\x00\x01",
                                  b"<Delete>" + b"<a>" * 50000, b"<Wrong/>",
                                  b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete>&b;</Delete>'])
def test_malformed_xml_is_malformed_xml(server, bucket, body):
    answer = wire.call(server, "POST", f"/{bucket}?delete=", body=body, headers={
        "content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()})
    assert answer.status == 400 and b"<Code>MalformedXML</Code>" in answer.body, answer.body[:300]


@pytest.mark.parametrize("raw", [
    b"GET\r\n\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\n: empty\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET " + b"/a" * 40000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
])
def test_a_malformed_head_is_refused(server, raw):
    answer = wire.send_bytes(server, raw, end=True)
    assert answer is None or 400 <= answer.status < 500 or answer.status == 505, answer.status


def test_length_and_chunking_together_are_not_smuggled(server):
    raw = (b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"0\r\n\r\nGET /_sagelet/health HTTP/1.1\r\nHost: x\r\n\r\n" % server.port)
    answer = wire.send_bytes(server, raw)
    assert answer is None or 400 <= answer.status < 500


@pytest.mark.parametrize("authorization", [
    "", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x", "Basic Zm9vOmJhcg==", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e",
    "AWS4-HMAC-SHA256 Credential=a/20200101/us-east-1/s3/aws4_request, SignedHeaders=, Signature=",
    "AWS4-HMAC-SHA256 Credential=a/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=zz", "AWS a",
])
def test_a_malformed_signature_is_refused(server, bucket, authorization):
    raw = wire.head_bytes("GET", f"/{bucket}/k", {"host": f"127.0.0.1:{server.port}", "authorization": authorization,
                                                  "x-amz-date": "20200101T000000Z"})
    answer = wire.send_bytes(server, raw)
    assert answer.status in (400, 403), answer.text


def test_a_request_without_a_signature_is_refused(server, bucket):
    answer = wire.call(server, "GET", f"/{bucket}/k", sign=False)
    assert answer.status == 403 and "AccessDenied" in answer.text
    answer = wire.json_call(server, "SageMaker.ListTrainingJobs", "{}", sign=False)
    assert answer.status in (400, 403) and b"MissingAuthenticationToken" in answer.body


def test_a_foreign_host_is_refused(server):
    answer = wire.send_bytes(server, b"GET / HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n")
    assert answer.status in (400, 403, 421)


def test_a_foreign_origin_is_refused(server):
    for path, target in (("/_sagelet/reset", ""), ("/", "SageMaker.ListTrainingJobs")):
        raw = wire.head_bytes("POST", path, {"host": f"127.0.0.1:{server.port}", "origin": "https://evil.example.com",
                                             "x-amz-target": target, "content-length": "0"})
        answer = wire.send_bytes(server, raw)
        assert answer.status in (400, 403)


def test_a_report_with_a_wrong_token_is_refused(server):
    for headers in ({}, {"authorization": "Bearer nonsense"}):
        body = b'{"job_id": "x", "host": "algo-1", "number": 1}'
        raw = wire.head_bytes("POST", "/_sagelet/reports", {
            "host": f"127.0.0.1:{server.port}", "content-type": "application/json",
            "content-length": str(len(body)), **headers})
        answer = wire.send_bytes(server, raw + body)
        assert answer.status in (400, 401, 403, 404)


def test_a_body_that_stops_half_way_leaves_no_object(server, s3, bucket):
    signer = wire.Signer(f"127.0.0.1:{server.port}", "s3")
    sent = signer.headers("PUT", f"/{bucket}/half", body=b"x" * 1000)
    sent["content-length"] = "1000"
    with wire.connect(server) as connection:
        connection.sendall(wire.head_bytes("PUT", f"/{bucket}/half", sent) + b"x" * 500)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_json_body_beyond_the_limit_is_refused(server):
    answer = wire.json_call(server, "SageMaker.CreateTrainingJob", b'{"TrainingJobName": "' + b"x" * (40 << 20) + b'"}')
    assert answer is None or answer.status in (400, 413)


def test_random_bytes_never_hurt(server):
    """Mutations of a good request from many threads: no 5xx, no hang."""
    signer = wire.Signer(f"127.0.0.1:{server.port}", "sagemaker")
    body = b'{"TrainingJobName": "abc", "MaxResults": 5}'
    headers = signer.headers("POST", "/", body=body, headers={"content-type": "application/x-amz-json-1.1",
                                                              "x-amz-target": "SageMaker.ListTrainingJobs"})
    headers["content-length"] = str(len(body))
    good = wire.head_bytes("POST", "/", headers) + body
    seed = int(os.environ.get("SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    print(f"SEED={seed}")
    bad = []

    def mutate(number):
        import random
        rng = random.Random(seed + number)
        for _ in range(40):
            raw = bytearray(good)
            for _ in range(rng.randint(1, 8)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            try:
                answer = wire.send_bytes(server, bytes(raw) + b"\r\n\r\n", end=True)
            except OSError:
                continue
            if answer is not None and answer.status >= 500 and answer.status != 505:
                bad.append((answer.status, bytes(raw)))

    threads = [threading.Thread(target=mutate, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not [thread for thread in threads if thread.is_alive()] and not bad, (seed, bad[:2])


def test_every_answer_has_a_request_id(server, bucket):
    assert re.match(r"[0-9a-f-]{36}", wire.json_call(server, "SageMaker.Nothing", "{}").headers["x-amzn-requestid"])
    answer = wire.call(server, "GET", f"/{bucket}/nothing")
    assert f"<RequestId>{answer.headers['x-amz-request-id']}</RequestId>" in answer.text
