"""The story that each client tells of our server, and what must come of it.

A program gets a plan (JSON) and prints what it saw (JSON): for every key it puts, heads, gets, reads a range, copies and makes
presigned URLs; then it lists all pages, uploads in parts and as a stream, writes under conditions, and deletes. What it put
stays, to be compared by boto3: a client and a server that spoil a key in the same way would agree with each other.
"""
import base64
import hashlib
import json
import os
import subprocess
import urllib.parse
import zlib

from support.server import clean_environment

METADATA = {"plain": "value", "mixed-case": "Two  blanks"}
BIG = 11 * (1 << 20) + 123
PART = 5 << 20
PAGE = 7


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def bodies_of(keys):
    return [f"{index}: the body of one of the keys" for index in range(len(keys))]


def parts_etag(data, part=PART):
    pieces = [data[at:at + part] for at in range(0, len(data), part)]
    return f'"{hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest()}-{len(pieces)}"'


def curl(url, *more, proxy=""):
    """curl knows that names under localhost are this machine."""
    return subprocess.run(["curl", "-sS", "--fail", "--proxy", proxy, "--path-as-is", *more, url], capture_output=True, timeout=30,
                          check=True, env=clean_environment()).stdout


class Story:
    """`by_proxy`: by the names of AWS, with the server as the proxy that knows them."""

    def __init__(self, server, folder, bucket, keys, *, path_style=True, encoding=None, by_proxy=False):
        self.keys, self.bodies, self.encoding = keys, bodies_of(keys), encoding
        self.bucket, self.folder = bucket, folder
        self.big = os.urandom(BIG)
        (folder / "big").write_bytes(self.big)
        host = "127.0.0.1" if path_style else "localhost"
        endpoint = "http://s3.us-east-1.amazonaws.com" if by_proxy else f"http://{host}:{server.port}"
        self.proxy = server.url if by_proxy else ""
        self.plan = {
            "endpoint": endpoint, "proxy": self.proxy, "path_style": path_style, "bucket": bucket, "keys": keys, "bodies": self.bodies, "metadata": METADATA, "page": PAGE, "encoding": encoding, "big": str(folder / "big"),
            "big_size": BIG, "removed": ["one", *keys[:3]],  # of CONTROL: those that XML can write
        }

    def told_by(self, command):
        """Runs a program and gives what it printed."""
        plan = self.folder / "plan.json"
        plan.write_text(json.dumps(self.plan))
        hosts = self.folder / "hosts"  # names under localhost are this machine's, but the C library does not know them
        hosts.write_text(f"127.0.0.1 localhost {self.bucket}.localhost\n")
        done = subprocess.run([*map(str, command), str(plan)], capture_output=True, timeout=150,
                              env=clean_environment(JAVA_TOOL_OPTIONS=f"-Djdk.net.hosts.file={hosts}"))
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
        return json.loads(done.stdout)

    def check(self, told, s3):
        assert len(told["keys"]) == len(self.keys)
        for key, body, seen in zip(self.keys, self.bodies, told["keys"]):
            self.check_key(seen, body.encode(), repr(key))
        self.check_list(told["listed"])
        self.check_uploads(told["uploads"])
        assert told["conditions"] == {"again": "412 PreconditionFailed", "other": "412 PreconditionFailed", "same": "none",
                                      "missing": "404 NoSuchKey", "one": sha256(b"fourth")}
        assert sorted(told["removed"]) == sorted(self.plan["removed"])
        self.check_what_is_left(s3)
        self.check_presigned(told, s3)

    def check_key(self, seen, body, key):
        assert (seen["size"], seen["type"]) == (len(body), "text/x-story"), key
        assert {name.lower(): value for name, value in seen["metadata"].items()} == METADATA, key
        assert seen["content"] == seen["copy"] == sha256(body), key
        assert seen["range"] == sha256(body[3:10]), key
        assert seen["crc32"] in (None, base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()), key

    def check_list(self, listed):
        seen = listed["keys"]
        if self.encoding == "url":
            seen = [urllib.parse.unquote_plus(key) for key in seen]
        assert seen == sorted(self.keys, key=str.encode)
        assert listed["pages"] == -(-len(self.keys) // PAGE)

    def check_uploads(self, uploads):
        assert uploads["parts"] == uploads["stream"] == sha256(self.big)
        assert uploads["etag"] == parts_etag(self.big)
        assert uploads["tail"] == sha256(self.big[-1000:])

    def check_what_is_left(self, s3):
        left = {key: body for key, body in zip(self.keys, self.bodies) if key not in self.plan["removed"]}
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        assert sorted(item["Key"] for page in pages for item in page.get("Contents", [])) == sorted(left)
        for key, body in left.items():
            assert s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() == body.encode(), repr(key)

    def check_presigned(self, told, s3):
        for key, body, seen in zip(self.keys, self.bodies, told["keys"]):
            changed = body.encode() + b", changed"
            curl(seen["put_url"], "-X", "PUT", "-H", "Content-Type:", "--data-binary", changed.decode(), proxy=self.proxy)
            assert s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() == changed, repr(key)
            assert curl(seen["get_url"], proxy=self.proxy) == changed, repr(key)
