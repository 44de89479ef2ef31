"""The ECR API by boto3, and the registry beside it: both speak of the same images."""
import base64
import hashlib
import json
import os
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from support.server import Server
from support.training import unique

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def code_of(caught):
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def ecr(client):
    return client("ecr")


@pytest.fixture
def name(ecr):
    name = unique("ecr").lower()
    ecr.create_repository(repositoryName=name)
    return name


def push_layer(ecr, name, data, part=60_000):
    upload = ecr.initiate_layer_upload(repositoryName=name)
    assert upload["partSize"] > 0
    for first in range(0, len(data), part):
        piece = data[first:first + part]
        sent = ecr.upload_layer_part(repositoryName=name, uploadId=upload["uploadId"], partFirstByte=first,
                                     partLastByte=first + len(piece) - 1, layerPartBlob=piece)
        assert sent["lastByteReceived"] == first + len(piece) - 1
    done = ecr.complete_layer_upload(repositoryName=name, uploadId=upload["uploadId"], layerDigests=[sha256(data)])
    assert done["layerDigest"] == sha256(data)
    return {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": sha256(data), "size": len(data)}


def push_image(ecr, name, tag=None, layers=None):
    layers = [os.urandom(150_000)] if layers is None else layers
    config = push_layer(ecr, name, json.dumps({"made": unique()}).encode())
    described = []
    for data in layers:
        try:
            described.append(push_layer(ecr, name, data))
        except ecr.exceptions.LayerAlreadyExistsException:
            described.append({"mediaType": "x/y", "digest": sha256(data), "size": len(data)})
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described})
    more = {"imageTag": tag} if tag else {}
    image = ecr.put_image(repositoryName=name, imageManifest=manifest, imageManifestMediaType=MANIFEST, **more)["image"]
    assert image["imageId"]["imageDigest"] == sha256(manifest.encode())
    return manifest, image["imageId"]["imageDigest"]


def test_a_repository_is_described_as_it_was_made(ecr):
    name = "team/" + unique("repo").lower()
    made = ecr.create_repository(repositoryName=name, tags=[{"Key": "a", "Value": "1"}], imageTagMutability="IMMUTABLE",
                                 imageScanningConfiguration={"scanOnPush": True})["repository"]
    assert made["repositoryArn"] == f"arn:aws:ecr:us-east-1:000000000000:repository/{name}"
    assert made["repositoryUri"] == f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{name}"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert ecr.describe_repositories(repositoryNames=[name])["repositories"] == [made]
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "a", "Value": "1"}]
    assert ecr.delete_repository(repositoryName=name)["repository"]["repositoryName"] == name


def test_repositories_in_aws_own_errors(ecr, name):
    with pytest.raises(ClientError) as caught:
        ecr.describe_repositories(repositoryNames=["nobody"])
    assert code_of(caught) == "RepositoryNotFoundException"
    assert caught.value.response["Error"]["Message"] == (
        "The repository with name 'nobody' does not exist in the registry with id '000000000000'")
    with pytest.raises(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=name)
    with pytest.raises(ClientError) as caught:
        ecr.create_repository(repositoryName="UPPER")
    assert code_of(caught) == "InvalidParameterException"
    push_image(ecr, name, "v1")
    with pytest.raises(ecr.exceptions.RepositoryNotEmptyException):
        ecr.delete_repository(repositoryName=name)
    ecr.delete_repository(repositoryName=name, force=True)
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.list_images(repositoryName=name)


def test_repositories_come_a_page_at_a_time(client):
    ecr = client("ecr", region_name="eu-north-1")
    names = [unique("paged").lower() for _ in range(5)]
    for one in names:
        ecr.create_repository(repositoryName=one)
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    assert [one["repositoryName"] for page in pages for one in page["repositories"]] == sorted(names)


def test_an_image_pushed_in_parts_is_listed_described_and_given_back(ecr, name):
    layer = os.urandom(150_000)
    manifest, digest = push_image(ecr, name, "v1", [layer])
    assert ecr.list_images(repositoryName=name)["imageIds"] == [{"imageDigest": digest, "imageTag": "v1"}]
    (detail,) = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "v1"}])["imageDetails"]
    assert detail["imageDigest"] == digest and detail["imageTags"] == ["v1"]
    assert detail["imageSizeInBytes"] > len(layer)
    (image,) = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])["images"]
    assert image["imageManifest"] == manifest and image["imageManifestMediaType"] == MANIFEST
    url = ecr.get_download_url_for_layer(repositoryName=name, layerDigest=sha256(layer))["downloadUrl"]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
        assert answer.read() == layer


def test_images_that_are_not_there(ecr, name):
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "v1"}])
    answer = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])
    assert answer["images"] == []
    assert answer["failures"][0]["failureCode"] == "ImageNotFound"


def test_layers_are_checked_in_their_repository(ecr, name):
    layer = os.urandom(1000)
    push_layer(ecr, name, layer)
    answer = ecr.batch_check_layer_availability(repositoryName=name,
                                                layerDigests=[sha256(layer), sha256(b"no"), "sha256:short"])
    assert [(one["layerDigest"], one["layerAvailability"]) for one in answer["layers"]] == [
        (sha256(layer), "AVAILABLE"), (sha256(b"no"), "UNAVAILABLE")]
    assert [one["failureCode"] for one in answer["failures"]] == ["InvalidLayerDigest"]


def test_what_is_wrong_with_layers_and_images_is_refused(ecr, name):
    upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    with pytest.raises(ecr.exceptions.EmptyUploadException):
        ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[sha256(b"x")])
    with pytest.raises(ecr.exceptions.InvalidLayerPartException):
        ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=5, partLastByte=5, layerPartBlob=b"x")
    ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=0, layerPartBlob=b"x")
    with pytest.raises(ecr.exceptions.InvalidLayerException):
        ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[sha256(b"y")])
    with pytest.raises(ecr.exceptions.UploadNotFoundException):
        ecr.complete_layer_upload(repositoryName=name, uploadId=str(uuid.uuid4()), layerDigests=[sha256(b"x")])
    lost = {"mediaType": "x/y", "digest": sha256(b"lost"), "size": 4}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": lost, "layers": []})
    with pytest.raises(ecr.exceptions.LayersNotFoundException):
        ecr.put_image(repositoryName=name, imageManifest=manifest)
    with pytest.raises(ecr.exceptions.InvalidParameterException):
        ecr.put_image(repositoryName=name, imageManifest="no manifest")


def test_an_image_is_put_once(ecr, name):
    manifest, digest = push_image(ecr, name, "v1")
    with pytest.raises(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="v1")
    ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="v2")
    (detail,) = ecr.describe_images(repositoryName=name)["imageDetails"]
    assert detail["imageTags"] == ["v1", "v2"]
    with pytest.raises(ecr.exceptions.ImageDigestDoesNotMatchException):
        ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="v3", imageDigest=sha256(b"other"))


def test_tags_of_an_immutable_repository_do_not_move(ecr, name):
    push_image(ecr, name, "v1")
    ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="IMMUTABLE")
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException):
        push_image(ecr, name, "v1")
    push_image(ecr, name, "v2")
    ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
                                 imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "v*"}])
    push_image(ecr, name, "v1")


def test_deleting_by_tag_and_by_digest(ecr, name):
    manifest, digest = push_image(ecr, name, "one")
    ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="two")
    gone = ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "one"}, {"imageTag": "nobody"}])
    assert gone["imageIds"] == [{"imageDigest": digest, "imageTag": "one"}]
    assert gone["failures"][0]["failureCode"] == "ImageNotFound"
    assert ecr.list_images(repositoryName=name)["imageIds"] == [{"imageDigest": digest, "imageTag": "two"}]
    gone = ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": digest}])
    assert gone["imageIds"] == [{"imageDigest": digest, "imageTag": "two"}]
    assert ecr.list_images(repositoryName=name)["imageIds"] == []


def test_untagged_images_are_told_apart(ecr, name):
    _, first = push_image(ecr, name, "v1")
    _, second = push_image(ecr, name, "v1")
    listed = ecr.list_images(repositoryName=name, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert listed == [{"imageDigest": first}]
    (detail,) = ecr.describe_images(repositoryName=name, filter={"tagStatus": "TAGGED"})["imageDetails"]
    assert detail["imageDigest"] == second
    pages = ecr.get_paginator("list_images").paginate(repositoryName=name, PaginationConfig={"PageSize": 1})
    assert len([one for page in pages for one in page["imageIds"]]) == 2


def test_policies_are_kept_and_given_back(ecr, name):
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName=name)
    ecr.set_repository_policy(repositoryName=name, policyText=policy)
    assert ecr.get_repository_policy(repositoryName=name)["policyText"] == policy
    ecr.delete_repository_policy(repositoryName=name)
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName=name)
    rules = json.dumps({"rules": []}) + " " * 100
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=rules)
    assert ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == rules
    with pytest.raises(ecr.exceptions.InvalidParameterException):
        ecr.set_repository_policy(repositoryName=name, policyText="no json")


def test_tags_of_a_repository_are_added_and_removed(ecr, name):
    arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "3"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "3"}]


def test_the_token_is_a_login_for_the_registry_it_names(ecr, server):
    (data,) = ecr.get_authorization_token()["authorizationData"]
    user, password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)
    assert user == "AWS" and len(password) > 40
    assert data["proxyEndpoint"] == server.url


def login(url, authorization=None):
    request = urllib.request.Request(url + "/v2/", headers={"Authorization": authorization} if authorization else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


STRICT = """
auth:
  accounts:
    - { id: "000000000000", name: main, keys: [ { access_key: AKMAIN, secret_key: s3cret } ] }
    - { id: "222222222222", name: alt,  keys: [ { access_key: AKALT,  secret_key: s3cret2 } ] }
"""


def test_strict_wants_a_token_it_gave_and_for_its_own_account():
    with Server("--auth", "strict", config=STRICT) as strict:
        def token(key, secret):
            ecr = boto3.client("ecr", endpoint_url=strict.url, region_name="us-east-1", aws_access_key_id=key,
                               aws_secret_access_key=secret)
            return "Basic " + ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]

        status, headers = login(strict.url)
        assert status == 401 and headers["WWW-Authenticate"].startswith("Basic realm=")
        assert login(strict.url, "Basic " + base64.b64encode(b"AWS:guess").decode())[0] == 401
        mine = token("AKMAIN", "s3cret")
        assert login(strict.url, mine)[0] == 200
        assert login(strict.url, mine[:-8] + "AAAAAAA=")[0] == 401
        other = token("AKALT", "s3cret2")
        path = "/v2/000000000000.dkr.ecr.us-east-1.amazonaws.com/name/tags/list"
        request = urllib.request.Request(strict.url + path, headers={"Authorization": other})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)
        assert caught.value.code == 403


def fetch(url, **headers):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(urllib.request.Request(url, headers=headers),
                                                                              timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def test_a_layers_address_is_its_own_login_in_strict_mode():
    with Server("--auth", "strict", config=STRICT) as strict:
        ecr = boto3.client("ecr", endpoint_url=strict.url, region_name="us-east-1", aws_access_key_id="AKMAIN",
                           aws_secret_access_key="s3cret")
        ecr.create_repository(repositoryName="signed")
        layers = [os.urandom(100_000), os.urandom(1000)]
        for layer in layers:
            push_layer(ecr, "signed", layer)
        first, second = (ecr.get_download_url_for_layer(repositoryName="signed", layerDigest=sha256(layer))["downloadUrl"]
                         for layer in layers)
        assert fetch(first) == (200, layers[0]) and fetch(second) == (200, layers[1])
        assert fetch(first.split("?")[0])[0] == 401
        assert fetch(first.split("?")[0] + "?" + second.split("?")[1])[0] == 403
        assert fetch(first.replace("expires=", "expires=9"))[0] == 403
        assert fetch(first.split("/blobs/")[0] + "/tags/list?" + first.split("?")[1])[0] == 401


def test_a_layers_address_is_awss_for_who_came_by_proxy(server, ecr, name):
    layer = os.urandom(5000)
    push_layer(ecr, name, layer)
    environment = server.client_environment()
    proxies = {"https": environment["HTTPS_PROXY"]}
    far = boto3.client("ecr", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
                       endpoint_url="https://api.ecr.us-east-1.amazonaws.com", verify=environment["AWS_CA_BUNDLE"],
                       config=Config(proxies=proxies))
    url = far.get_download_url_for_layer(repositoryName=name, layerDigest=sha256(layer))["downloadUrl"]
    assert url.startswith("https://000000000000.dkr.ecr.us-east-1.amazonaws.com/v2/")
    got = requests.get(url, proxies=proxies, verify=environment["AWS_CA_BUNDLE"], timeout=30)
    assert (got.status_code, got.content) == (200, layer)


def test_images_are_there_after_a_kill(tmp_path):
    server = Server(folder=tmp_path / "kept", ephemeral=False)
    with server:
        ecr = boto3.client("ecr", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="a",
                           aws_secret_access_key="b")
        ecr.create_repository(repositoryName="kept")
        half = ecr.initiate_layer_upload(repositoryName="kept")["uploadId"]
        ecr.upload_layer_part(repositoryName="kept", uploadId=half, partFirstByte=0, partLastByte=99_999,
                              layerPartBlob=os.urandom(100_000))
        layer = os.urandom(300_000)
        manifest, digest = push_image(ecr, "kept", "v1", [layer])
        server.kill()
        server.start()
        (image,) = ecr.batch_get_image(repositoryName="kept", imageIds=[{"imageTag": "v1"}])["images"]
        assert image["imageManifest"] == manifest
        url = ecr.get_download_url_for_layer(repositoryName="kept", layerDigest=sha256(layer))["downloadUrl"]
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
            assert answer.read() == layer
        with pytest.raises(ecr.exceptions.UploadNotFoundException):
            ecr.complete_layer_upload(repositoryName="kept", uploadId=half, layerDigests=[sha256(b"x")])
        push_layer(ecr, "kept", os.urandom(100_000))
