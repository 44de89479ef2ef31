"""Requests as bytes: what well-behaved clients never send, and signatures made by hand."""
import datetime
import hashlib
import hmac
import http.client
import socket
import urllib.parse


def _mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signer:
    """Signature version 4 in headers. `path` is sent and signed as given."""

    def __init__(self, host, service, *, access_key="test", secret_key="test", region="us-east-1"):
        self.host, self.service, self.region = host, service, region
        self.access_key, self.secret_key = access_key, secret_key

    def signing_key(self, day):
        key = ("AWS4" + self.secret_key).encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = _mac(key, part)
        return key

    def headers(self, method, path, *, body=b"", headers=None, payload=None, at=None):
        now = at or datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        payload = payload or hashlib.sha256(body).hexdigest()
        signed = {"host": self.host, "x-amz-date": stamp}
        signed.update({name.lower(): value for name, value in (headers or {}).items()})
        if self.service == "s3":
            signed["x-amz-content-sha256"] = payload
        names = sorted(signed)
        target, _, query = path.partition("?")
        query = "&".join(sorted(part if "=" in part else part + "=" for part in query.split("&") if part))
        canonical = "\n".join([method, target, query, "".join(f"{name}:{signed[name].strip()}\n" for name in names),
                               ";".join(names), payload])
        scope = f"{day}/{self.region}/{self.service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        self.seed = hmac.new(self.signing_key(day), text.encode(), hashlib.sha256).hexdigest()
        self.stamp, self.scope, self.day = stamp, scope, day
        signed["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                                   f"SignedHeaders={';'.join(names)}, Signature={self.seed}")
        return signed

    def chunk(self, data, previous):
        """A chunk of STREAMING-AWS4-HMAC-SHA256-PAYLOAD and its signature."""
        text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", self.stamp, self.scope, previous,
                          hashlib.sha256(b"").hexdigest(), hashlib.sha256(data).hexdigest()])
        signature = hmac.new(self.signing_key(self.day), text.encode(), hashlib.sha256).hexdigest()
        return f"{len(data):x};chunk-signature={signature}\r\n".encode() + data + b"\r\n", signature


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode(errors="replace")


def connect(server, seconds=20):
    made = socket.create_connection(("127.0.0.1", server.port), timeout=seconds)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def read_answer(connection, method="GET"):
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response)


def send_bytes(server, raw, method="GET", *, end=False):
    """Sends bytes as they are and reads one answer. None: the server closed without one. `end`: nothing more will come."""
    with connect(server) as connection:
        try:
            connection.sendall(raw)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have answered before it had read everything
        try:
            return read_answer(connection, method)
        except (http.client.BadStatusLine, http.client.IncompleteRead, ConnectionResetError):
            return None


def head_bytes(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def call(server, method, path, *, service="s3", body=b"", headers=None, payload=None, signer=None, sign=True):
    """One signed request, path as given."""
    host = f"127.0.0.1:{server.port}"
    if sign:
        signer = signer or Signer(host, service)
        sent = signer.headers(method, path, body=body, headers=headers, payload=payload)
    else:
        sent = {"host": host, **(headers or {})}
    if body or method in ("PUT", "POST"):
        sent.setdefault("content-length", str(len(body)))
    return send_bytes(server, head_bytes(method, path, sent) + body, method)


def json_call(server, target, body, *, service="sagemaker", headers=None, **options):
    """A JSON 1.1 operation with the body's bytes as given."""
    body = body if isinstance(body, bytes) else body.encode()
    return call(server, "POST", "/", service=service, body=body, headers={
        "content-type": "application/x-amz-json-1.1", "x-amz-target": target, **(headers or {})}, **options)


def quote(key):
    return urllib.parse.quote(key, safe="/~-_.")
