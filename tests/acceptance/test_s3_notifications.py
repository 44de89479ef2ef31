"""Events of buckets at a webhook of ours, as S3 words them."""
import http.server
import json
import threading
import time

import pytest
import requests
from support.server import Server


class Hook:
    """Takes what is posted; `refuse` says which keys get a 500, `refuse_once` which get it the first time."""

    def __init__(self):
        self.records, self.refuse, self.refuse_once = [], set(), set()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                record = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Records"][0]
                key = record["s3"]["object"]["key"]
                refused = key in hook.refuse or key in hook.refuse_once
                hook.refuse_once.discard(key)
                if not refused:
                    hook.records.append(record | {"destination": self.headers["X-Sagelet-Destination"]})
                self.send_response(500 if refused else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def wait(self, count, seconds=20):
        end = time.monotonic() + seconds
        while len(self.records) < count and time.monotonic() < end:
            time.sleep(0.05)
        return [(record["eventName"], record["s3"]["object"]["key"]) for record in self.records]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.close()


def config(hook, more=""):
    return f"s3:\n  notifications: {{ webhook: \"{hook.url}\" }}\n{more}"


def ask(s3, bucket, events=("s3:ObjectCreated:*", "s3:ObjectRemoved:*"), **rules):
    target = {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:queue", "Events": list(events)}
    if rules:
        target["Filter"] = {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [target]})


def test_a_form_is_told_as_a_form(hook):
    with Server(config=config(hook)) as server, requests.Session() as browser:
        browser.trust_env = False
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        ask(s3, "told", events=["s3:ObjectCreated:Post"])
        s3.put_object(Bucket="told", Key="put", Body=b"x")
        form = s3.generate_presigned_post("told", "posted")
        browser.post(form["url"], data=form["fields"], files={"file": b"x"}).raise_for_status()
        assert hook.wait(1) == [("ObjectCreated:Post", "posted")]


def test_what_happens_to_a_key_is_told_in_order(hook):
    with Server(config=config(hook)) as server:
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        s3.create_bucket(Bucket="silent")
        ask(s3, "told", prefix="in/", suffix=".csv")
        s3.put_object(Bucket="silent", Key="in/a.csv", Body=b"x")
        s3.put_object(Bucket="told", Key="out/a.csv", Body=b"x")
        s3.put_object(Bucket="told", Key="in/a b+c.csv", Body=b"four")
        s3.copy_object(Bucket="told", Key="in/copy.csv", CopySource="told/in/a b+c.csv")
        upload = s3.create_multipart_upload(Bucket="told", Key="in/parts.csv")["UploadId"]
        part = s3.upload_part(Bucket="told", Key="in/parts.csv", UploadId=upload, PartNumber=1, Body=b"p")
        s3.complete_multipart_upload(Bucket="told", Key="in/parts.csv", UploadId=upload,
                                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        s3.delete_object(Bucket="told", Key="in/copy.csv")
        s3.delete_object(Bucket="told", Key="in/never-there.csv")
        s3.delete_objects(Bucket="told", Delete={"Objects": [{"Key": "in/parts.csv"}]})
        assert hook.wait(5) == [
            ("ObjectCreated:Put", "in/a+b%2Bc.csv"), ("ObjectCreated:Copy", "in/copy.csv"),
            ("ObjectCreated:CompleteMultipartUpload", "in/parts.csv"), ("ObjectRemoved:Delete", "in/copy.csv"),
            ("ObjectRemoved:Delete", "in/parts.csv")]
        first = hook.records[0]
        assert first["destination"].endswith(":queue")
        assert first["s3"]["bucket"]["name"] == "told" and first["s3"]["object"]["size"] == 4
        assert first["s3"]["object"]["eTag"] == s3.head_object(Bucket="told", Key="in/a b+c.csv")["ETag"].strip('"')
        order = [record["s3"]["object"]["sequencer"] for record in hook.records]
        assert order == sorted(set(order))


def test_a_versioned_bucket_tells_of_markers(hook):
    with Server(config=config(hook)) as server:
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        s3.put_bucket_versioning(Bucket="told", VersioningConfiguration={"Status": "Enabled"})
        ask(s3, "told", events=["s3:ObjectRemoved:*"])
        version = s3.put_object(Bucket="told", Key="k", Body=b"x")["VersionId"]
        marker = s3.delete_object(Bucket="told", Key="k")["VersionId"]
        s3.delete_object(Bucket="told", Key="k", VersionId=version)
        assert hook.wait(2) == [("ObjectRemoved:DeleteMarkerCreated", "k"), ("ObjectRemoved:Delete", "k")]
        assert [record["s3"]["object"]["versionId"] for record in hook.records] == [marker, version]


def test_a_refused_event_is_sent_again_and_holds_up_its_key_alone(hook):
    with Server(config=config(hook)) as server:
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        ask(s3, "told")
        hook.refuse = {"held"}
        s3.put_object(Bucket="told", Key="held", Body=b"1")
        s3.delete_object(Bucket="told", Key="held")
        s3.put_object(Bucket="told", Key="free", Body=b"1")
        assert hook.wait(1) == [("ObjectCreated:Put", "free")]
        hook.refuse = set()
        assert hook.wait(3)[1:] == [("ObjectCreated:Put", "held"), ("ObjectRemoved:Delete", "held")]


def test_of_one_key_nothing_overtakes(hook):
    hook.refuse_once = {"k"}
    with Server(config=config(hook)) as server:
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        ask(s3, "told")
        s3.put_object(Bucket="told", Key="k", Body=b"1")
        s3.delete_object(Bucket="told", Key="k")
        s3.put_object(Bucket="told", Key="other", Body=b"1")
        told = hook.wait(3)
        assert [name for name, key in told if key == "k"] == ["ObjectCreated:Put", "ObjectRemoved:Delete"]


def test_what_waits_survives_the_server(hook, tmp_path):
    hook.refuse = {"k"}
    with Server(config=config(hook), folder=tmp_path, ephemeral=False) as server:
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        ask(s3, "told")
        s3.put_object(Bucket="told", Key="k", Body=b"1")
        assert hook.wait(1, seconds=1) == []
        server.kill()
        hook.refuse = set()
        server.start()
        assert hook.wait(1) == [("ObjectCreated:Put", "k")]


def test_what_expires_is_told(hook):
    with Server(config=config(hook, "  lifecycle_day_seconds: 0.4\n")) as server:
        s3 = server.clients("s3")[0]
        s3.create_bucket(Bucket="told")
        ask(s3, "told", events=["s3:LifecycleExpiration:*"])
        s3.put_object(Bucket="told", Key="k", Body=b"1")
        rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
        s3.put_bucket_lifecycle_configuration(Bucket="told", LifecycleConfiguration={"Rules": [rule]})
        assert hook.wait(1) == [("LifecycleExpiration:Delete", "k")]


def test_a_configuration_is_shown_as_it_was_put_and_checked(s3, bucket):
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    ask(s3, bucket, prefix="a")
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"][0]
    assert shown["Events"] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"] and shown["Id"]
    with pytest.raises(s3.exceptions.ClientError, match="not supported for notifications"):
        ask(s3, bucket, events=["s3:ObjectEaten"])
    with pytest.raises(s3.exceptions.ClientError, match="prefix or suffix"):
        ask(s3, bucket, infix="a")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
