"""The five checksums of S3 in base64, written plainly so that they can be trusted as a second opinion."""
import base64
import hashlib
import zlib


def _table(polynomial):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _table(0x82F63B78)
_CRC64NVME = _table(0x9A6C9329AC4BC9B5)


def _crc(table, bits, data):
    value = mask = (1 << bits) - 1
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return (value ^ mask).to_bytes(bits // 8, "big")


def text(raw):
    return base64.b64encode(raw).decode()


def crc32(data):
    return text(zlib.crc32(data).to_bytes(4, "big"))


def crc32c(data):
    return text(_crc(_CRC32C, 32, data))


def crc64nvme(data):
    return text(_crc(_CRC64NVME, 64, data))


def sha1(data):
    return text(hashlib.sha1(data).digest())


def sha256(data):
    return text(hashlib.sha256(data).digest())


ALL = {"CRC32": crc32, "CRC32C": crc32c, "CRC64NVME": crc64nvme, "SHA1": sha1, "SHA256": sha256}
