"""Random calls of S3 by several writers, what of them was acknowledged, and what must be there after any kill.

The calls are plain HTTP with a signature that no lax server looks into: hundreds of rounds take a minute.
"""
import dataclasses
import hashlib
import http.client
import json
import random
import threading
import time
import urllib.parse
import xml.etree.ElementTree

WRITERS = 4
KEYS = 5
PLAIN, KEPT = "crash", "crash-kept"  # the second has versions and locks
MOST_VERSIONS = 4
SIZES = [0, 10, 1000, 5000, 30_000, 100_000, 700_000]
LEAST_PART = 5 << 20
SIGNATURE = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, "
                     "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + "0" * 64,
    "x-amz-date": "20260101T000000Z", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
HOLD = "<LegalHold><Status>{}</Status></LegalHold>"


class Gone(Exception):
    """The server was killed before it answered."""


class Caller:
    """One connection."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)

    def __call__(self, method, bucket, key="", body=b"", expect=(200, 204), headers=None, **query):
        path = "/" + urllib.parse.quote(f"{bucket}/{key}" if key else bucket)
        text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        try:
            self.connection.request(method, path + ("?" + text if text else ""), body, {**SIGNATURE, **(headers or {})})
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Gone from error
        if answer.status >= 500:
            raise Gone
        assert answer.status in expect, f"{method} {path}?{text}: {answer.status} {content[:500]}"
        return answer.headers, content


def body_of(tag, size):
    """Tells whose it is and whether it is whole."""
    text = f"{tag}|".encode()
    fill = hashlib.sha256(text).digest()
    data = (text + fill * (size // len(fill) + 1))[:max(size, len(text))]
    return data + hashlib.sha256(data).digest()


def tag_of(data):
    content, digest = data[:-32], data[-32:]
    assert hashlib.sha256(content).digest() == digest, f"torn: {len(data)} bytes, {data[:60]}"
    return content.split(b"|", 1)[0].decode()


@dataclasses.dataclass(frozen=True)
class Version:
    id: str | None  # None: the answer that told it was lost
    tag: str  # of its body; empty: a delete marker
    held: bool = False

    def fits(self, expected):
        return expected.id in (None, self.id) and (self.tag, self.held) == (expected.tag, expected.held)


def fits(found, expected):
    return len(found) == len(expected) and all(map(Version.fits, found, expected))


class Writer(threading.Thread):
    """Works on its own keys until the server is gone."""

    def __init__(self, number, history):
        super().__init__(daemon=True)
        self.number, self.history, self.failure = number, history, None
        self.rng = random.Random(history.rng.random())

    def run(self):
        self.call = Caller(self.history.server)
        try:
            while True:
                self.step()
        except Gone:
            pass
        except Exception as failure:  # told by the test's own thread
            self.failure = failure

    def step(self):
        place = self.rng.choice([PLAIN, KEPT]), f"w{self.number}/{self.rng.randrange(KEYS)}"
        versions = self.history.known.get(place, ())
        kinds = [self.put, self.put, self.upload, self.copy]
        if versions:
            kinds += [self.delete, self.delete]
        if place[0] == KEPT and versions:
            kinds += [self.hold, self.delete_version]
        kind = self.delete_version if len(versions) > MOST_VERSIONS else self.rng.choice(kinds)
        kind(place, versions)

    def attempt(self, place, after, call):
        """A call that makes `after` of the key's versions; the id of a new one comes with the answer."""
        self.history.unsure[place] = after
        self.history.touched.add(place)
        headers, _ = call()
        made = headers.get("x-amz-version-id", "null")
        self.history.known[place] = tuple(
            dataclasses.replace(version, id=made) if version.id is None else version for version in after)
        del self.history.unsure[place]

    def with_new(self, place, versions, tag, held=False):
        return (Version(None, tag, held), *(versions if place[0] == KEPT else ()))

    def new_tag(self, place):
        return f"{place[1]}#{self.history.next_number()}"

    def put(self, place, versions):
        tag, held = self.new_tag(place), place[0] == KEPT and self.rng.random() < 0.2
        headers = {"x-amz-object-lock-legal-hold": "ON"} if held else {}
        body = body_of(tag, self.rng.choice(SIZES))
        self.attempt(place, self.with_new(place, versions, tag, held), lambda: self.call("PUT", *place, body, headers=headers))

    def upload(self, place, versions):
        tag = self.new_tag(place)
        body = body_of(tag, LEAST_PART + 100 if self.rng.random() < 0.05 else self.rng.choice(SIZES))
        _, answer = self.call("POST", *place, uploads="")
        upload = text_of(answer, "UploadId")
        listed = ""
        for number, at in enumerate(range(0, len(body), LEAST_PART), 1):
            headers, _ = self.call("PUT", *place, body[at:at + LEAST_PART], partNumber=number, uploadId=upload)
            listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['ETag']}</ETag></Part>"
        request = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
        self.attempt(place, self.with_new(place, versions, tag), lambda: self.call("POST", *place, request, uploadId=upload))

    def copy(self, place, versions):
        source = self.rng.choice([PLAIN, KEPT]), f"w{self.number}/{self.rng.randrange(KEYS)}"
        held = self.history.known.get(source, ())
        if not held or not held[0].tag or source == place:
            return self.put(place, versions)
        headers = {"x-amz-copy-source": "/".join(source)}
        return self.attempt(place, self.with_new(place, versions, held[0].tag), lambda: self.call("PUT", *place, headers=headers))

    def delete(self, place, versions):
        after = self.with_new(place, versions, "") if place[0] == KEPT else ()
        self.attempt(place, after, lambda: self.call("DELETE", *place))

    def delete_version(self, place, versions):
        version = self.rng.choice(versions)
        if version.held:
            self.call("DELETE", *place, versionId=version.id, expect=(403,))
            return self.hold(place, versions, version)
        after = tuple(one for one in versions if one != version)
        return self.attempt(place, after, lambda: self.call("DELETE", *place, versionId=version.id))

    def hold(self, place, versions, version=None):
        version = version or self.rng.choice(versions)
        if not version.tag:
            return None
        after = tuple(dataclasses.replace(one, held=not one.held) if one == version else one for one in versions)
        request = HOLD.format("OFF" if version.held else "ON")
        return self.attempt(place, after, lambda: self.call("PUT", *place, request, **{"legal-hold": ""}, versionId=version.id))


def text_of(answer, name):
    root = xml.etree.ElementTree.fromstring(answer)
    return next(one.text or "" for one in root.iter() if one.tag.rsplit("}", 1)[-1] == name)


class History:
    """What several writers did to a server that is killed again and again."""

    def __init__(self, server, rng):
        self.server, self.rng = server, rng
        self.known, self.unsure, self.touched = {}, {}, set()
        self.numbers, self.lock = 0, threading.Lock()
        call = Caller(server)
        call("PUT", PLAIN)
        call("PUT", KEPT, headers={"x-amz-bucket-object-lock-enabled": "true"})

    def next_number(self):
        with self.lock:
            self.numbers += 1
            return self.numbers

    def write_until_gone(self, end):
        """`end` brings the server to its end."""
        writers = [Writer(number, self) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        end()
        for writer in writers:
            writer.join(60)
            assert not writer.is_alive()
            if writer.failure:
                raise writer.failure

    def kill_while_writing(self, longest=0.1):
        def end():
            time.sleep(self.rng.uniform(0.005, longest))
            self.server.kill()
        self.write_until_gone(end)

    def verify(self, places=None):
        """That every key is as it was acknowledged, or as the call would have made it that nobody heard of again."""
        call = Caller(self.server)
        for place in sorted(places if places is not None else self.touched):
            found = self.versions(call, *place)
            allowed = [self.known.get(place, ())] + ([self.unsure[place]] if place in self.unsure else [])
            assert any(fits(found, expected) for expected in allowed), (
                f"{'/'.join(place)}:\n  found        {found}\n  acknowledged {allowed[0]}\n  or           {allowed[1:]}")
            self.known[place] = found
        self.unsure.clear()
        self.touched.clear()

    def verify_all(self):
        self.verify(set(self.known) | set(self.unsure))

    def versions(self, call, bucket, key):
        _, listed = call("GET", bucket, prefix=key, **{"versions": ""})
        found = []
        for one in xml.etree.ElementTree.fromstring(listed):
            kind = one.tag.rsplit("}", 1)[-1]
            if kind in ("Version", "DeleteMarker"):
                values = {child.tag.rsplit("}", 1)[-1]: child.text or "" for child in one}
                assert values["Key"] == key
                found.append((values, kind))
        newest = [values["VersionId"] for values, _ in found if values["IsLatest"] == "true"]
        assert len(newest) == min(1, len(found)), f"{key}: newest {newest} of {found}"
        # The list has versions before markers; an id that we do not know is that of the call without an answer.
        order = {version.id: at for at, version in enumerate(self.known.get((bucket, key), ()))}
        found.sort(key=lambda one: (one[0]["IsLatest"] != "true", order.get(one[0]["VersionId"], -1)))
        return tuple(self.version(call, bucket, key, values, kind) for values, kind in found)

    @staticmethod
    def version(call, bucket, key, values, kind):
        name = values["VersionId"]
        if kind == "DeleteMarker":
            return Version(name, "")
        headers, data = call("GET", bucket, key, versionId=name if bucket == KEPT else None)
        assert len(data) == int(values["Size"]), f"{key}: {len(data)} bytes of {values['Size']}"
        return Version(name, tag_of(data), headers.get("x-amz-object-lock-legal-hold") == "ON")

    def scrub(self):
        """The server's own look at every byte."""
        def ask(method):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            connection.request(method, "/_sagelet/scrub")
            return json.loads(connection.getresponse().read())
        state = ask("POST")
        while state["state"] == "running":
            time.sleep(0.01)
            state = ask("GET")
        assert state["state"] == "done" and state["findings"] == [], state
