"""sagelet scrub and sagelet snapshot, beside a running server and without one."""
import hashlib
import os
import sqlite3
import tarfile
import threading

import pytest

from support.server import Server, sagelet


def scrub_of(server):
    return sagelet("scrub", "--url", server.url)


@pytest.fixture
def kept(tmp_path):
    """A server on disk with one object of every kind."""
    server = Server(folder=tmp_path / "server", ephemeral=False, config="durability: process\n")
    server.start()
    s3 = server.clients("s3")[0]
    s3.create_bucket(Bucket="plain")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="plain", Key="empty", Body=b"")
    s3.put_object(Bucket="plain", Key="small", Body=b"small" * 100)
    s3.put_object(Bucket="plain", Key="large", Body=os.urandom(300_000), ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket="plain", Key="späte/✓ key", Body=os.urandom(50_000), ChecksumAlgorithm="SHA1")
    for number in range(3):
        s3.put_object(Bucket="versioned", Key="key", Body=bytes([number]) * 40_000)
    s3.delete_object(Bucket="versioned", Key="key")
    s3.copy_object(Bucket="plain", Key="copy", CopySource="plain/large")
    for key, kind in (("joined", "SHA256"), ("whole", "CRC32")):
        upload = s3.create_multipart_upload(Bucket="plain", Key=key, ChecksumAlgorithm=kind,
                                            ChecksumType="COMPOSITE" if kind == "SHA256" else "FULL_OBJECT")["UploadId"]
        parts = []
        for number, body in ((1, os.urandom(5 << 20)), (2, b"end")):
            part = s3.upload_part(Bucket="plain", Key=key, UploadId=upload, PartNumber=number, Body=body,
                                  ChecksumAlgorithm=kind)
            parts.append({"PartNumber": number, "ETag": part["ETag"], f"Checksum{kind}": part[f"Checksum{kind}"]})
        s3.complete_multipart_upload(Bucket="plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
    locked = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    s3.put_object(Bucket="plain", Key="customer's", Body=b"secret", **locked)
    upload = s3.create_multipart_upload(Bucket="plain", Key="customer's parts", **locked)["UploadId"]
    part = s3.upload_part(Bucket="plain", Key="customer's parts", UploadId=upload, PartNumber=1, Body=b"secret", **locked)
    s3.complete_multipart_upload(Bucket="plain", Key="customer's parts", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    upload = s3.create_multipart_upload(Bucket="plain", Key="customer's upload", **locked)["UploadId"]
    s3.upload_part(Bucket="plain", Key="customer's upload", UploadId=upload, PartNumber=1, Body=b"secret", **locked)
    waiting = s3.create_multipart_upload(Bucket="plain", Key="waiting")["UploadId"]
    s3.upload_part(Bucket="plain", Key="waiting", UploadId=waiting, PartNumber=4, Body=os.urandom(60_000))
    yield server
    server.stop()


def body_file(server, key, table="objects"):
    with sqlite3.connect(f"file:{server.data}/ledger.db?mode=ro", uri=True) as ledger:
        number = ledger.execute(f"SELECT body FROM {table} WHERE key = ? AND body != 0", (key.encode(),)).fetchone()[0]
    return server.data / "objects" / f"{number & 255:02x}" / f"{number:016x}"


def test_a_scrub_finds_nothing_where_nothing_is_wrong(kept):
    done = scrub_of(kept)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout == "14 objects, 11.3 MB: everything is as it was written.\n", done.stdout
    kept.stop()
    assert sagelet("scrub", "--data", kept.data).stdout == done.stdout


def test_a_scrub_names_what_is_not_as_written(kept):
    with open(body_file(kept, "large"), "r+b") as file:
        file.seek(123_456)
        byte = file.read(1)
        file.seek(123_456)
        file.write(bytes([byte[0] ^ 1]))
    body_file(kept, "key", "versions").unlink()
    os.truncate(body_file(kept, "späte/✓ key"), 1000)
    stray = kept.data / "objects" / "07" / "0000000000000007"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("whose?")
    done = scrub_of(kept)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    # A copy shares the bytes of its source.
    assert sorted(line.split(": ")[0] for line in lines[:-1]) == sorted([
        "s3://plain/copy", "s3://plain/large", "s3://plain/späte/✓ key", lines_of_version(lines),
        f"the file {stray} belongs to no object"]), done.stdout
    assert "its SHA256 is" in done.stdout and "it has 1000 bytes of 50000" in done.stdout
    assert lines[-1].endswith("5 of them or of their files are not as written.")


def lines_of_version(lines):
    found, = (line.split(": ")[0] for line in lines if line.startswith("s3://versioned/key (version "))
    return found


def test_a_folder_in_use_and_one_that_is_none_are_refused(kept, tmp_path):
    done = sagelet("scrub", "--data", kept.data)
    assert done.returncode == 1 and "in use by process" in done.stderr
    done = sagelet("scrub", "--data", tmp_path / "nowhere")
    assert done.returncode == 1 and "is not a data folder" in done.stderr
    assert not (tmp_path / "nowhere").exists()
    done = sagelet("scrub", "--url", "http://127.0.0.1:1")
    assert done.returncode == 3 and "sagelet serve" in done.stderr


def test_a_snapshot_has_every_write_that_was_answered_before_it(kept, tmp_path):
    s3 = kept.clients("s3")[0]
    stop, answered = threading.Event(), []

    def write():
        mine = kept.clients("s3")[0]
        while not stop.is_set():
            body = os.urandom(30_000)
            mine.put_object(Bucket="plain", Key="busy", Body=body)
            key = f"kept/{len(answered):05}"
            mine.put_object(Bucket="plain", Key=key, Body=body)
            answered.append((key, hashlib.md5(body).hexdigest()))
    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(answered) < 20:
            pass
        before = list(answered)
        done = sagelet("snapshot", "save", tmp_path / "state.tar.gz", "--url", kept.url)
        assert done.returncode == 0 and done.stdout.startswith("Saved to"), done
    finally:
        stop.set()
        writer.join()
    assert not any((kept.data / "saving").iterdir()), "what was prepared is left"
    assert s3.get_object(Bucket="plain", Key="busy")["ContentLength"] == 30_000
    assert scrub_of(kept).returncode == 0
    versions = s3.list_object_versions(Bucket="versioned")
    kept.stop()

    restored = tmp_path / "restored"
    done = sagelet("snapshot", "restore", tmp_path / "state.tar.gz", "--data", restored)
    assert done.returncode == 0, done.stderr
    done = sagelet("scrub", "--data", restored)
    assert done.returncode == 0, done.stdout
    with Server(folder=tmp_path / "second", ephemeral=False) as server:
        server.stop()
        server.data = restored
        server.start()
        s3 = server.clients("s3")[0]
        for key, md5 in before:
            assert s3.head_object(Bucket="plain", Key=key)["ETag"] == f'"{md5}"'
        again = s3.list_object_versions(Bucket="versioned")
        for name in ("Versions", "DeleteMarkers"):
            assert again[name] == versions[name]


def test_a_snapshot_of_a_folder_without_a_server(kept, tmp_path):
    kept.stop()
    done = sagelet("snapshot", "save", tmp_path / "state.tar", "--data", kept.data)
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "state.tar") as archive:
        names = archive.getnames()
    assert names[0] == "sagelet-snapshot" and names[-1] == "digests" and "ledger.db" in names
    assert len([name for name in names if name.startswith("objects/")]) == 9
    assert os.stat(tmp_path / "state.tar").st_mode & 0o777 == 0o600
    done = sagelet("snapshot", "restore", tmp_path / "state.tar", "--data", kept.data)
    assert done.returncode == 1 and "is not an empty folder" in done.stderr and "--data" in done.stderr


def test_a_damaged_snapshot_restores_nothing(kept, tmp_path):
    kept.stop()
    sagelet("snapshot", "save", tmp_path / "state.tar", "--data", kept.data, check=True)
    whole = (tmp_path / "state.tar").read_bytes()
    for damaged in (whole[:len(whole) // 2], whole[:3_000_000] + bytes([whole[3_000_000] ^ 1]) + whole[3_000_001:], b"", b"x" * 5000):
        (tmp_path / "state.tar").write_bytes(damaged)
        done = sagelet("snapshot", "restore", tmp_path / "state.tar", "--data", tmp_path / "restored")
        assert done.returncode == 1 and "Nothing was restored" in done.stderr, done
        assert sorted(os.listdir(tmp_path)) == ["server", "state.tar"], "left behind"
