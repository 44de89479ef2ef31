"""The registry under /v2/ by the OCI distribution specification, 1.1, as plain HTTP."""
import concurrent.futures
import hashlib
import http.client
import json
import os

import pytest

from support.training import unique

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    def codes(self):
        return [error["code"] for error in self.json()["errors"]]


class Client:
    """One repository of a registry. No proxies, no retries, no surprises."""

    def __init__(self, server, repository):
        self.port, self.repository = server.port, repository

    def send(self, method, path, body=None, headers=None, absolute=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            where = path if absolute else f"/v2/{self.repository}{path}"
            connection.request(method, where, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def start(self):
        answer = self.send("POST", "/blobs/uploads/")
        assert answer.status == 202
        return answer.headers["Location"]

    def push_blob(self, data):
        answer = self.send("POST", f"/blobs/uploads/?digest={sha256(data)}", data)
        assert answer.status == 201, answer.body
        return {"mediaType": LAYER, "digest": sha256(data), "size": len(data)}

    def push_image(self, tag, layers=(b"layer",), **more):
        config = self.push_blob(json.dumps({"made": unique()}).encode())
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {**config, "mediaType": CONFIG},
                    "layers": [self.push_blob(layer) for layer in layers], **more}
        text = json.dumps(manifest).encode()
        answer = self.send("PUT", f"/manifests/{tag or sha256(text)}", text, {"Content-Type": MANIFEST})
        assert answer.status == 201, answer.body
        assert answer.headers["Docker-Content-Digest"] == sha256(text)
        return text


@pytest.fixture
def oci(server):
    return Client(server, unique("oci").lower())


def test_the_version_check_says_it_speaks_v2(oci):
    answer = oci.send("GET", "/v2/", absolute=True)
    assert answer.status == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_blob_pushed_whole_comes_back(oci):
    data = os.urandom(300_000)
    blob = oci.push_blob(data)
    head = oci.send("HEAD", f"/blobs/{blob['digest']}")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(data)), b"")
    got = oci.send("GET", f"/blobs/{blob['digest']}")
    assert (got.status, got.body) == (200, data)
    assert got.headers["Docker-Content-Digest"] == blob["digest"]


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1])
def test_small_and_empty_blobs_come_back(oci, size):
    data = os.urandom(size)
    blob = oci.push_blob(data)
    assert oci.send("GET", f"/blobs/{blob['digest']}").body == data


def test_ranges_of_a_blob(oci):
    data = os.urandom(100_000)
    path = f"/blobs/{oci.push_blob(data)['digest']}"
    part = oci.send("GET", path, headers={"Range": "bytes=1000-1999"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, data[1000:2000], "bytes 1000-1999/100000")
    assert oci.send("GET", path, headers={"Range": "bytes=-10"}).body == data[-10:]
    assert oci.send("GET", path, headers={"Range": "bytes=100000-"}).status == 416


def test_chunks_are_taken_in_order_and_others_refused(oci):
    data = os.urandom(90_000)
    where = oci.start()
    for first in (0, 30_000, 60_000):
        chunk = data[first:first + 30_000]
        wrong = oci.send("PATCH", where, chunk, {"Content-Range": f"{first + 1}-{first + 30_000}"}, absolute=True)
        assert wrong.status == 416
        assert wrong.headers["Range"] == f"0-{max(first - 1, 0)}"
        right = oci.send("PATCH", where, chunk, {"Content-Range": f"{first}-{first + 29_999}"}, absolute=True)
        assert (right.status, right.headers["Range"]) == (202, f"0-{first + 29_999}")
    status = oci.send("GET", where, absolute=True)
    assert (status.status, status.headers["Range"]) == (204, "0-89999")
    done = oci.send("PUT", f"{where}?digest={sha256(data)}", absolute=True)
    assert done.status == 201
    assert oci.send("GET", done.headers["Location"], absolute=True).body == data
    assert oci.send("GET", where, absolute=True).codes() == ["BLOB_UPLOAD_UNKNOWN"]


def test_the_last_chunk_may_come_with_the_put(oci):
    data = os.urandom(50_000)
    where = oci.start()
    oci.send("PATCH", where, data[:20_000], absolute=True)
    done = oci.send("PUT", f"{where}?digest={sha256(data)}", data[20_000:], absolute=True)
    assert done.status == 201
    assert oci.send("GET", f"/blobs/{sha256(data)}").body == data


def test_bytes_that_are_not_what_they_were_said_to_be_are_refused(oci):
    answer = oci.send("POST", f"/blobs/uploads/?digest={sha256(b'other')}", b"bytes")
    assert (answer.status, answer.codes()) == (400, ["DIGEST_INVALID"])
    assert oci.send("HEAD", f"/blobs/{sha256(b'other')}").status == 404
    where = oci.start()
    assert oci.send("PUT", f"{where}?digest=md5:abc", b"x", absolute=True).codes() == ["DIGEST_INVALID"]
    assert oci.send("PUT", where, b"x", absolute=True).codes() == ["DIGEST_INVALID"]


def test_a_chunk_that_is_not_where_or_as_long_as_it_says_is_refused(oci):
    where = oci.start()
    assert oci.send("PATCH", where, b"x" * 10, {"Content-Range": "0-9"}, absolute=True).status == 202
    for said in ("10-20", "5-14", "0-9", "bytes 10-19", "19-10"):
        wrong = oci.send("PATCH", where, b"y" * 10, {"Content-Range": said}, absolute=True)
        assert (wrong.status, wrong.headers["Range"]) == (416, "0-9"), said
    last = oci.send("PUT", f"{where}?digest={sha256(b'x' * 20)}", b"x" * 10, {"Content-Range": "11-20"}, absolute=True)
    assert last.status == 416
    done = oci.send("PUT", f"{where}?digest={sha256(b'x' * 20)}", b"x" * 10, {"Content-Range": "10-19"}, absolute=True)
    assert done.status == 201


def test_an_upload_can_be_given_up(oci):
    where = oci.start()
    assert oci.send("DELETE", where, absolute=True).status == 204
    assert oci.send("PATCH", where, b"x", absolute=True).status == 404


def test_an_upload_is_good_in_its_own_repository_only(server, oci):
    where = oci.start()
    other = where.replace(oci.repository, "somebody-else")
    assert oci.send("PATCH", other, b"x", absolute=True).codes() == ["BLOB_UPLOAD_UNKNOWN"]


def test_a_blob_is_mounted_from_another_repository(server, oci):
    data = os.urandom(70_000)
    digest = oci.push_blob(data)["digest"]
    other = Client(server, unique("mounted").lower())
    assert other.send("HEAD", f"/blobs/{digest}").status == 404
    answer = other.send("POST", f"/blobs/uploads/?mount={digest}&from={oci.repository}")
    assert answer.status == 201
    assert other.send("GET", answer.headers["Location"], absolute=True).body == data
    unknown = other.send("POST", f"/blobs/uploads/?mount={sha256(b'no')}&from={oci.repository}")
    assert unknown.status == 202 and "/blobs/uploads/" in unknown.headers["Location"]
    third = Client(server, unique("mounted").lower())
    assert third.send("POST", f"/blobs/uploads/?mount={digest}&from=nobody-there").status == 202
    found = third.send("POST", f"/blobs/uploads/?mount={digest}")  # whoever in this registry has it
    assert found.status == 201 and third.send("GET", found.headers["Location"], absolute=True).body == data
    assert other.send("POST", f"/blobs/uploads/?mount=sha256:x&from={oci.repository}").codes() == ["DIGEST_INVALID"]


def test_manifests_by_tag_and_digest(oci):
    text = oci.push_image("v1")
    for reference in ("v1", sha256(text)):
        got = oci.send("GET", f"/manifests/{reference}")
        assert (got.status, got.body, got.headers["Content-Type"]) == (200, text, MANIFEST)
        head = oci.send("HEAD", f"/manifests/{reference}")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(text)), b"")
        assert (head.headers["Docker-Content-Digest"], head.headers["Content-Type"]) == (sha256(text), MANIFEST)
    assert oci.send("HEAD", "/manifests/v2").status == oci.send("HEAD", f"/manifests/{sha256(b'x')}").status == 404
    assert oci.send("GET", "/manifests/v2").codes() == ["MANIFEST_UNKNOWN"]
    assert oci.send("GET", f"/manifests/{sha256(b'x')}").codes() == ["MANIFEST_UNKNOWN"]


def test_a_tag_moves_to_the_newest_image(oci):
    first, second = oci.push_image("latest"), oci.push_image("latest")
    assert first != second
    assert oci.send("GET", "/manifests/latest").body == second
    assert oci.send("GET", f"/manifests/{sha256(first)}").body == first


def test_an_image_whose_blobs_are_missing_is_refused(oci):
    layer = oci.push_blob(b"there")
    missing = {"mediaType": LAYER, "digest": sha256(b"not there"), "size": 9}
    text = json.dumps({"schemaVersion": 2, "config": layer, "layers": [missing]}).encode()
    answer = oci.send("PUT", "/manifests/v1", text, {"Content-Type": MANIFEST})
    assert (answer.status, answer.codes()) == (400, ["MANIFEST_BLOB_UNKNOWN"])
    assert answer.json()["errors"][0]["detail"]["digest"] == missing["digest"]
    assert oci.send("GET", "/manifests/v1").status == 404


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"schemaVersion": 1}', b'{"schemaVersion": 2, "config": 1, "layers": []}',
                                  b"[" * 100_000])
def test_what_is_no_manifest_is_refused(oci, text):
    answer = oci.send("PUT", "/manifests/v1", text, {"Content-Type": MANIFEST})
    assert (answer.status, answer.codes()) == (400, ["MANIFEST_INVALID"])


def test_a_manifest_under_a_wrong_digest_is_refused(oci):
    text = oci.push_image("v1")
    answer = oci.send("PUT", f"/manifests/{sha256(b'other')}", text, {"Content-Type": MANIFEST})
    assert (answer.status, answer.codes()) == (400, ["DIGEST_INVALID"])


def test_a_manifest_that_is_too_large_is_refused(oci):
    answer = oci.send("PUT", "/manifests/v1", b" " * (4 * 1024 * 1024 + 1), {"Content-Type": MANIFEST})
    assert answer.status == 413


def test_an_index_names_images_that_are_there(oci):
    text = oci.push_image(None)
    child = {"mediaType": MANIFEST, "digest": sha256(text), "size": len(text)}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).encode()
    assert oci.send("PUT", "/manifests/multi", index, {"Content-Type": INDEX}).status == 201
    assert oci.send("GET", "/manifests/multi").headers["Content-Type"] == INDEX
    stranger = {**child, "digest": sha256(b"stranger")}
    wrong = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [stranger]}).encode()
    assert oci.send("PUT", "/manifests/wrong", wrong, {"Content-Type": INDEX}).codes() == ["MANIFEST_BLOB_UNKNOWN"]


def test_tags_come_in_order_a_page_at_a_time(oci):
    for tag in ("c", "a", "d", "b"):
        oci.push_image(tag)
    assert oci.send("GET", "/tags/list").json() == {"name": oci.repository, "tags": ["a", "b", "c", "d"]}
    first = oci.send("GET", "/tags/list?n=3")
    assert first.json()["tags"] == ["a", "b", "c"]
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    rest = oci.send("GET", link[1:link.index(">")], absolute=True)
    assert rest.json()["tags"] == ["d"] and "Link" not in rest.headers
    assert oci.send("GET", "/tags/list?n=0").json()["tags"] == []
    assert oci.send("GET", "/tags/list?last=b").json()["tags"] == ["c", "d"]
    assert oci.send("GET", "/tags/list?n=1&last=bb").json()["tags"] == ["c"]
    assert "Link" not in oci.send("GET", "/tags/list?n=4").headers
    assert oci.send("GET", "/tags/list?n=x").status == 400
    assert oci.send("GET", "/v2/nobody/tags/list", absolute=True).codes() == ["NAME_UNKNOWN"]


def test_the_catalogue_has_every_repository(oci):
    oci.push_image("v1")
    names, path = [], "/v2/_catalog?n=2"
    while path:
        page = oci.send("GET", path, absolute=True)
        names += page.json()["repositories"]
        link = page.headers.get("Link")
        path = link and link[1:link.index(">")]
    assert oci.repository in names and names == sorted(set(names))


def test_referrers_are_found_by_their_subject(oci):
    subject = oci.push_image("v1")
    answer = oci.send("GET", f"/referrers/{sha256(subject)}")
    assert (answer.status, answer.json()["manifests"]) == (200, [])
    reference = {"mediaType": MANIFEST, "digest": sha256(subject), "size": len(subject)}
    signature = oci.push_image(None, subject=reference, artifactType="application/x-signature", annotations={"by": "me"})
    other = oci.push_image(None, subject=reference, artifactType="application/x-sbom")
    listed = oci.send("GET", f"/referrers/{sha256(subject)}")
    assert listed.headers["Content-Type"] == INDEX
    assert [one["digest"] for one in listed.json()["manifests"]] == [sha256(signature), sha256(other)]
    assert listed.json()["manifests"][0]["annotations"] == {"by": "me"}
    assert listed.json()["manifests"][0]["size"] == len(signature)
    only = oci.send("GET", f"/referrers/{sha256(subject)}?artifactType=application/x-sbom")
    assert [one["digest"] for one in only.json()["manifests"]] == [sha256(other)]
    assert only.headers["OCI-Filters-Applied"] == "artifactType"


def test_a_referrer_may_come_before_its_subject_and_goes_with_its_deletion(oci):
    later = json.dumps({"schemaVersion": 2, "not": "here yet"}).encode()
    config = {**oci.push_blob(b"{}"), "mediaType": CONFIG}
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [], "subject": {
        "mediaType": MANIFEST, "digest": sha256(later), "size": len(later)}}).encode()
    answer = oci.send("PUT", f"/manifests/{sha256(text)}", text, {"Content-Type": MANIFEST})
    assert (answer.status, answer.headers["OCI-Subject"]) == (201, sha256(later))
    (listed,) = oci.send("GET", f"/referrers/{sha256(later)}").json()["manifests"]
    assert (listed["digest"], listed["artifactType"]) == (sha256(text), CONFIG)
    assert oci.send("DELETE", f"/manifests/{sha256(text)}").status == 202
    assert oci.send("GET", f"/referrers/{sha256(later)}").json()["manifests"] == []
    assert oci.send("GET", "/referrers/sha256:x").codes() == ["DIGEST_INVALID"]
    nowhere = oci.send("GET", f"/v2/nobody-there/referrers/{sha256(later)}", absolute=True)
    assert (nowhere.status, nowhere.json()["manifests"]) == (200, [])  # 404 would say that there is no such API


def test_a_manifest_deleted_by_digest_takes_its_tags_along(oci):
    text = oci.push_image("one")
    assert oci.send("PUT", "/manifests/two", text, {"Content-Type": MANIFEST}).status == 201
    oci.push_image("other")
    assert oci.send("DELETE", f"/manifests/{sha256(text)}").status == 202
    assert oci.send("GET", "/tags/list").json()["tags"] == ["other"]
    assert oci.send("GET", "/manifests/two").codes() == ["MANIFEST_UNKNOWN"]
    assert oci.send("DELETE", "/manifests/two").status == 404


@pytest.mark.parametrize("tag", ["-a", ".a", "a" * 129, "a%20b", "sha256:abc"])
def test_tags_that_are_none_are_refused(oci, tag):
    text = oci.push_image("v1")
    answer = oci.send("PUT", f"/manifests/{tag}", text, {"Content-Type": MANIFEST})
    assert (answer.status, answer.codes()) == (400, ["MANIFEST_INVALID"])
    assert oci.send("GET", f"/manifests/{tag}").status == 404


def test_what_is_deleted_is_gone_and_what_others_use_stays(oci):
    shared, own = os.urandom(50_000), os.urandom(50_000)
    first, second = oci.push_image("one", [shared, own]), oci.push_image("two", [shared])
    assert oci.send("DELETE", f"/blobs/{sha256(shared)}").codes() == ["UNSUPPORTED"]
    assert oci.send("DELETE", "/manifests/one").status == 202
    assert oci.send("GET", "/manifests/one").status == 404
    assert oci.send("GET", f"/manifests/{sha256(first)}").status == 200
    assert oci.send("DELETE", f"/manifests/{sha256(first)}").status == 202
    assert oci.send("GET", f"/manifests/{sha256(first)}").status == 404
    assert oci.send("HEAD", f"/blobs/{sha256(own)}").status == 404
    assert oci.send("GET", f"/blobs/{sha256(shared)}").body == shared
    assert oci.send("GET", "/manifests/two").body == second
    assert oci.send("DELETE", f"/manifests/{sha256(first)}").status == 404


def test_a_loose_blob_can_be_deleted(oci):
    digest = oci.push_blob(b"loose")["digest"]
    assert oci.send("DELETE", f"/blobs/{digest}").status == 202
    assert oci.send("HEAD", f"/blobs/{digest}").status == 404


@pytest.mark.parametrize("name", ["UPPER", "a//b", "-a", "a-", "a___b", "a" * 256, "..", "a/../b", "%2e%2e"])
def test_names_that_are_none_are_refused(server, name):
    answer = Client(server, name).send("POST", "/blobs/uploads/")
    assert (answer.status, answer.codes()) == (400, ["NAME_INVALID"])


def test_there_is_nothing_at_other_paths(oci):
    assert oci.send("GET", "/nothing").status == 404
    assert oci.send("POST", "/v2/", absolute=True).status == 405
    assert oci.send("PUT", f"/blobs/{sha256(b'x')}", b"x").status == 405


def test_one_registry_for_each_account_and_region(server, oci):
    oci.push_image("v1")
    host = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/{oci.repository}"
    elsewhere = Client(server, host)
    assert elsewhere.send("GET", "/manifests/v1").status == 404
    text = elsewhere.push_image("v2")
    assert oci.send("GET", "/manifests/v2").status == 404
    by_name = oci.send("GET", "/manifests/v2", headers={"Host": host.split("/")[0]})
    assert by_name.body == text
    default = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{oci.repository}"
    assert Client(server, default).send("GET", "/manifests/v1").status == 200


def test_pages_of_other_sites_may_not_push(oci):
    answer = oci.send("POST", "/blobs/uploads/", headers={"Origin": "https://evil.example"})
    assert answer.status == 403


def test_many_push_the_same_and_different_blobs_at_once(server, oci):
    same = os.urandom(400_000)
    images = [[same, os.urandom(200_000)] for _ in range(16)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda numbered: oci.push_image(f"t{numbered[0]}", numbered[1]), enumerate(images)))
    for number, layers in enumerate(images):
        assert oci.send("GET", f"/manifests/t{number}").body == texts[number]
        for layer in layers:
            assert oci.send("GET", f"/blobs/{sha256(layer)}").body == layer


def test_a_virtual_host_bucket_keeps_its_v2_keys(oci, s3, bucket):
    s3.put_object(Bucket=bucket, Key="v2/key", Body=b"mine")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "v2/key"})
    assert oci.send("GET", url[url.index("/", 8):], absolute=True).body == b"mine"
