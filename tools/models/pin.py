#!/usr/bin/env python3
"""Writes server/model/data/<service>.json from the service models of the botocore release named in VERSION.

    tools/models/pin.py            write the files
    tools/models/pin.py --check    write nothing; fail when a file would change

A data file keeps what the wire and the validator need, in botocore's own form: no documentation, no endpoint rules.
One line a member, so that a new release can be reviewed as a diff. roots.json adds what botocore does not have: the
namespace and the root element of an XML answer, as the S3 API reference shows them. The Expires shape of S3 stays a
string (botocore's extras make it a timestamp for its own users; S3 keeps what it was sent).
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = ROOT / "server" / "model" / "data"
CACHE = ROOT / "build" / "models"

SERVICES = {
    "cloudwatch": "cloudwatch/2010-08-01",
    "ecr": "ecr/2015-09-21",
    "iam": "iam/2010-05-08",
    "logs": "logs/2014-03-28",
    "s3": "s3/2006-03-01",
    "sagemaker": "sagemaker/2017-07-24",
    "sts": "sts/2011-06-15",
}
METADATA = ("apiVersion", "endpointPrefix", "awsQueryCompatible", "jsonVersion", "protocol", "serviceId", "signingName", "targetPrefix",
            "xmlNamespace")
SHAPE = ("type", "required", "payload", "enum", "pattern", "min", "max", "flattened", "sensitive", "union", "document",
         "exception", "fault", "error", "event", "eventstream", "locationName", "xmlNamespace", "timestampFormat",
         "streaming", "member", "key", "value")
MEMBER = ("shape", "location", "locationName", "queryName", "flattened", "xmlAttribute", "xmlNamespace", "streaming",
          "idempotencyToken", "jsonvalue", "timestampFormat", "eventpayload", "eventheader", "hostLabel")
REFERENCE = ("shape", "locationName", "xmlNamespace", "resultWrapper")
HTTP = ("method", "requestUri", "responseCode")
PAGES = ("input_token", "output_token", "limit_key", "result_key")


def chosen(source, keys):
    return {key: source[key] for key in keys if key in source and source[key] not in (False, None)}


def reference(source):
    return source["shape"] if set(source) & set(REFERENCE) == {"shape"} else chosen(source, REFERENCE)


def operation(source, pages, root):
    kept = {"http": chosen(source["http"], HTTP)}
    for side in ("input", "output"):
        if side in source:
            kept[side] = reference(source[side])
    if source.get("errors"):
        kept["errors"] = [error["shape"] for error in source["errors"]]
    if source.get("deprecated"):
        kept["deprecated"] = True
    if source.get("authtype") == "none" or source.get("auth") == ["smithy.api#noAuth"]:
        kept["unsigned"] = True
    if source.get("httpChecksumRequired") or source.get("httpChecksum", {}).get("requestChecksumRequired"):
        kept["checksumRequired"] = True
    if "hostPrefix" in source.get("endpoint", {}):
        kept["hostPrefix"] = source["endpoint"]["hostPrefix"]
    if pages:
        kept["pages"] = chosen(pages, PAGES)
    if root:
        kept["root"] = root
    return kept


def member(source):
    return source["shape"] if set(source) & set(MEMBER) == {"shape"} else chosen(source, MEMBER)


def shape(source):
    kept = chosen(source, SHAPE)
    for part in ("member", "key", "value"):
        if part in kept:
            kept[part] = member(kept[part])
    return kept, {name: member(value) for name, value in source.get("members", {}).items()}


def text_of(value):
    return json.dumps(value, ensure_ascii=True, separators=(", ", ": "))


def lines_of(model, pages, answers):
    """The file, a line a piece: operations and shapes by name, members in the model's order."""
    yield "{"
    yield f'"metadata": {text_of(chosen(model["metadata"] | answers, METADATA))},'
    yield '"operations": {'
    operations = sorted(model["operations"].items())
    for number, (name, source) in enumerate(operations, 1):
        comma = "," if number < len(operations) else ""
        yield f'  "{name}": {text_of(operation(source, pages.get(name), answers.get("roots", {}).get(name)))}{comma}'
    yield "},"
    yield '"shapes": {'
    shapes = sorted(model["shapes"].items())
    for number, (name, source) in enumerate(shapes, 1):
        comma = "," if number < len(shapes) else ""
        head, members = shape(source)
        if "members" not in source:
            yield f'  "{name}": {text_of(head)}{comma}'
            continue
        yield f'  "{name}": {text_of(head)[:-1]}, "members": {{'
        for position, (key, value) in enumerate(members.items(), 1):
            yield f'    "{key}": {text_of(value)}{"," if position < len(members) else ""}'
        yield f"  }}}}{comma}"
    yield "}"
    yield "}"


def download():
    """The pinned wheel, checked against its hash."""
    CACHE.mkdir(parents=True, exist_ok=True)
    version = (HERE / "VERSION").read_text().split()[0].replace("==", "-")
    wheel = CACHE / f"{version}-py3-none-any.whl"
    if not wheel.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                        "--require-hashes", "-r", str(HERE / "VERSION"), "-d", str(CACHE)], check=True)
    return wheel


def read(archive, path):
    return json.loads(gzip.decompress(archive.read(path)) if path.endswith(".gz") else archive.read(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when a file would change; write nothing")
    arguments = parser.parse_args()
    answers = json.loads((HERE / "roots.json").read_text())
    changed = []
    with zipfile.ZipFile(download()) as archive:
        for service, folder in SERVICES.items():
            base = f"botocore/data/{folder}"
            model = read(archive, f"{base}/service-2.json.gz")
            pages = read(archive, f"{base}/paginators-1.json")["pagination"]
            text = "\n".join(lines_of(model, pages, answers.get(service, {}))) + "\n"
            path = DATA / f"{service}.json"
            if path.exists() and path.read_text() == text:
                continue
            changed.append(path.name)
            if not arguments.check:
                DATA.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    for name in changed:
        print(f"{'differs' if arguments.check else 'wrote'}: {name}")
    return 1 if changed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
