"""S3 beside its peers: each row is one kind of request, for Sagelet, the other S3 servers and nginx, in one run.

Every contestant is started afresh for a row, on core 0, with the load on core 1; CPU is the server's per request. Signatures are
verified by all but nginx and moto. Without a sync unless the row says so (versitygw and moto never sync, MinIO always does).
"""
import base64
import hashlib
import os
import time
import xml.etree.ElementTree as xml
import zlib

import machine
from peers import Ours, Peer, is_there

SMALL = 4096
LARGE = 64 << 20
PEERS = ("versitygw", "minio", "moto")
KEYS = int(os.environ.get("KEYS", "1000000"))
PEER_KEYS = int(os.environ.get("PEER_KEYS", "2000"))
SECONDS = 1.5


def contestants(*, nginx=False, pinned=True, durability="process", only=None):
    yield Ours(pinned=pinned, durability=durability)
    for name in (("nginx",) if nginx else ()) + (only if only is not None else PEERS):
        if is_there(name):
            yield Peer(name, pinned=pinned)


def checked(body):
    """The checks that a PUT asks for besides the signed SHA-256: MD5 and a CRC32."""
    return {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode(),
            "x-amz-checksum-crc32": base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()}


def with_ratios(taken, unit, limit=None):
    """Ours, the others, how much the best of them costs of ours, and what we cost of the limit."""
    shown = {f"{name}, {unit}": value for name, value in taken.items()}
    rivals = [value for name, value in taken.items() if name in PEERS]
    if rivals:
        shown["best peer / sagelet"] = min(rivals) / taken["sagelet"]
    if limit in taken:
        shown[f"sagelet / {limit}"] = taken["sagelet"] / taken[limit]
    return shown


def small_reads(method):
    def take(_):
        body, taken = os.urandom(SMALL), {}
        for contestant in contestants(nginx=True):
            with contestant as server:
                server.requests.replay([server.requests.s3("PUT", f"/bench/{number}", body) for number in range(100)])
                reads = [server.requests.s3(method, f"/bench/{number}") for number in range(100)]
                taken[server.name] = server.requests.cost(server.pid, reads, 32, SECONDS)["cpu_us"]
        return with_ratios(taken, "cpu us", "nginx")
    return take


def put_requests(server, count, prefix):
    for number in range(count):
        body = os.urandom(SMALL)
        yield server.requests.s3("PUT", f"/bench/{prefix}/{number}", body, checked(body))


def small_writes(connections, count):
    def take(_):
        taken = {}
        for contestant in contestants(nginx=True, only=("versitygw", "moto")):
            with contestant as server:
                requests = list(put_requests(server, count if server.name != "moto" else 500, "put"))
                taken[server.name] = server.requests.cost(server.pid, requests, connections)["cpu_us"]
        return with_ratios(taken, "cpu us", "nginx")
    return take


def synced_writes(connections, count):
    def take(_):
        taken = {}
        for contestant in contestants(durability="power", only=("minio",)):
            with contestant as server:
                told = server.requests.replay(list(put_requests(server, count, "put")), connections)
                taken[server.name] = told["requests"] / told["seconds"]
        shown = {f"{name}, per second": value for name, value in taken.items()}
        if "minio" in taken:
            shown["sagelet / minio"] = taken["sagelet"] / taken["minio"]
        return shown
    return take


def deletes(_):
    taken = {}
    for contestant in contestants(nginx=True):
        with contestant as server:
            count = 4000 if server.name != "moto" else 500
            server.requests.replay(list(put_requests(server, count, "gone")), 8)
            requests = [server.requests.s3("DELETE", f"/bench/gone/{number}") for number in range(count)]
            taken[server.name] = server.requests.cost(server.pid, requests, 32)["cpu_us"]
    return with_ratios(taken, "cpu us", "nginx")


def lists(_):
    """A page of 1,000: ours among a million keys at three places, the peers' among a few thousand."""
    taken, shown = {}, {}
    for contestant in contestants():
        with contestant as server:
            count = KEYS if server.name == "sagelet" else PEER_KEYS
            for at in range(0, count, 20_000):
                server.requests.replay([server.requests.s3("PUT", f"/bench/{number:08}", b"x")
                                        for number in range(at, min(at + 20_000, count))], 32)
            for place in ("first", "middle", "last") if server.name == "sagelet" else ("first",):
                after = {"first": 0, "middle": count // 2, "last": count - 1001}[place]
                page = server.requests.s3("GET", f"/bench?list-type=2&max-keys=1000&start-after={after:08}")
                cost = server.requests.cost(server.pid, [page], 1, SECONDS)["cpu_us"] / 1e3
                shown[f"{server.name}, {place} page, cpu ms"] = cost
                taken.setdefault(server.name, cost)
    return {**shown, **{name: value for name, value in with_ratios(taken, "cpu ms").items() if "/" in name}}


def large_reads(_):
    body, taken = os.urandom(LARGE), {}
    for contestant in contestants(nginx=True):
        with contestant as server:
            server.requests.replay([server.requests.s3("PUT", "/bench/large", body)])
            reads = [server.requests.s3("GET", "/bench/large")]
            taken[server.name] = server.requests.cost(server.pid, reads, 1, SECONDS)["cpu_us"] / 1e3
    return with_ratios(taken, "cpu ms", "nginx")


def large_writes(_):
    """Both cores are the server's when it can use them; the load takes what it sends from one of them."""
    body, taken, shown = os.urandom(LARGE), {}, {}
    for contestant in contestants(pinned=False):
        with contestant as server:
            requests = [server.requests.s3("PUT", f"/bench/large/{number}", body, checked(body)) for number in range(3)]
            told = server.requests.cost(server.pid, requests)
            taken[server.name] = told["cpu_us"] / 1e3
            shown[f"{server.name}, cpu / wall"] = told["cpu_us"] * told["requests"] / 1e6 / told["seconds"]
    return {**with_ratios(taken, "cpu ms"), **shown}


def memory_of_writes(_):
    """What eight PUTs of 64 MiB at once add to the server's own memory."""
    body = os.urandom(LARGE)
    with Ours(pinned=False) as server:
        machine.clear_peak(server.pid)
        before = machine.peak_mb(server.pid)
        server.requests.replay([server.requests.s3("PUT", f"/bench/large/{number}", body) for number in range(8)], 8)
        return {"added, MB": machine.peak_mb(server.pid) - before}


def upload_id(server, key):
    answer = server.requests.exchange(server.requests.s3("POST", f"/bench/{key}?uploads="))
    return next(node.text for node in xml.fromstring(answer).iter() if node.tag.endswith("UploadId"))


def multipart(_):
    """Eight parts of 8 MiB at once, then their completion."""
    parts, taken, shown = [os.urandom(8 << 20) for _ in range(8)], {}, {}
    for contestant in contestants(pinned=False):
        with contestant as server:
            upload = upload_id(server, "parts")
            requests = [server.requests.s3("PUT", f"/bench/parts?partNumber={number}&uploadId={upload}", body)
                        for number, body in enumerate(parts, 1)]
            before = machine.cpu_seconds(server.pid)
            server.requests.replay(requests, 8)
            tags = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{hashlib.md5(body).hexdigest()}</ETag></Part>"
                           for number, body in enumerate(parts, 1))
            request = server.requests.s3("POST", f"/bench/parts?uploadId={upload}",
                                         f"<CompleteMultipartUpload>{tags}</CompleteMultipartUpload>".encode())
            began = time.monotonic()
            server.requests.exchange(request)
            shown[f"{server.name}, complete, ms"] = (time.monotonic() - began) * 1e3
            taken[server.name] = (machine.cpu_seconds(server.pid) - before) * 1e3
    return {**with_ratios(taken, "cpu ms"), **shown}


FIGURES = {
    "S3 GET 4 KiB": (small_reads("GET"), {"sagelet / nginx": 1.0, "best peer / sagelet": -1}),
    "S3 HEAD 4 KiB": (small_reads("HEAD"), {"sagelet / nginx": 1.0, "best peer / sagelet": -1}),
    "S3 PUT 4 KiB, 32 clients": (small_writes(32, 4000), {"sagelet, cpu us": 80, "best peer / sagelet": -1}),
    "S3 PUT 4 KiB, one client": (small_writes(1, 2000), {"sagelet, cpu us": 100, "best peer / sagelet": -1}),
    "S3 PUT 4 KiB synced, 32 clients": (synced_writes(32, 4000), {"sagelet / minio": -10}),
    "S3 PUT 4 KiB synced, one client": (synced_writes(1, 1000), {"sagelet / minio": -2}),
    "S3 DELETE, 32 clients": (deletes, {"sagelet, cpu us": 45, "best peer / sagelet": -1}),
    "S3 LIST 1,000 keys": (lists, {"sagelet, first page, cpu ms": 1, "sagelet, middle page, cpu ms": 1,
                                   "sagelet, last page, cpu ms": 1, "best peer / sagelet": -1}),
    "S3 GET 64 MiB": (large_reads, {"sagelet / nginx": 1.05, "best peer / sagelet": -1}),
    "S3 PUT 64 MiB": (large_writes, {"sagelet, cpu ms": 200, "sagelet, cpu / wall": -1.6, "best peer / sagelet": -1}),
    "S3 eight PUTs of 64 MiB": (memory_of_writes, {"added, MB": 16}),
    "S3 multipart 8 x 8 MiB": (multipart, {"sagelet, cpu ms": 150, "sagelet, complete, ms": 3, "best peer / sagelet": -1}),
}
