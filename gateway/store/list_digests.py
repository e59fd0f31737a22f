"""What proves a list whole: lines of its entries in buckets, a digest of each, a root over all (docs/protocol.md).

A household lies in one bucket: a cardholder and their credentials. The office computes the same by code of its own.
"""

import hashlib
from array import array
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import ListInvalid
from gateway.store.list_keys import SiteKey

BUCKETS = 1024
"""With 250,000 credentials a bucket has some 325 entries: hashed in 0.2 ms, sent again in 50 kB."""
CARDHOLDER, CREDENTIAL = b"h", b"c"
NAME_BYTES, LINE_BYTES, DIGEST_BYTES = 17, 49, 32
RULES = ("zone", "special_days", "schedules", "areas", "access_points", "levels", "pass_keys")
"""The members of LIST.json that are digested as one, in this order."""

_NONCE_BYTES = 12
_SEAL, _NONCES = b"gatehouse/list-lines/1", b"gatehouse/list-lines-nonce/1"


def id_digest(id_: str) -> bytes:
    """Of an entry's id. Its beginning is the bucket of a cardholder, the line's name, and what an index finds it by."""
    return hashlib.sha256(id_.encode()).digest()


def bucket_of(cardholder: str) -> int:
    """Where a cardholder, and what they hold, lies."""
    return bucket_at(id_digest(cardholder))


def bucket_at(digest: bytes) -> int:
    """The same by the digest of the cardholder's id."""
    return digest[0] << 2 | digest[1] >> 6


def line_name(part: bytes, id_: str) -> bytes:
    """What a line is known by within its bucket."""
    return part + id_digest(id_)[:16]


def line(part: bytes, id_: str, text: bytes | memoryview) -> bytes:
    """The line of an entry: its name, then the digest of the bytes that the office sent."""
    return line_of(part, id_digest(id_), text)


def line_of(part: bytes, digest: bytes, text: bytes | memoryview) -> bytes:
    """The same by the digest of the entry's id."""
    return part + digest[:16] + hashlib.sha256(text).digest()


def rules_digest(texts: Mapping[str, bytes]) -> bytes:
    """Over the texts of `RULES`; an absent one counts as empty."""
    digest = hashlib.sha256(b"gatehouse/list-rules/1")
    for name in RULES:
        text = texts.get(name, b"")
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.digest()


def bucket_digest(lines: Iterable[bytes]) -> bytes:
    """Over a bucket's lines in rising order."""
    return hashlib.sha256(b"gatehouse/list-bucket/1" + b"".join(sorted(lines))).digest()


def root_of(rules: bytes, buckets: bytes | bytearray) -> bytes:
    """Over the rules' digest and all buckets' digests."""
    return hashlib.sha256(b"gatehouse/list-root/1" + rules + buckets).digest()


class LinesSeal:
    """Encrypts lines under the site key: who has only the file could else try card numbers until a line fits."""

    def __init__(self, site_key: SiteKey) -> None:
        self._cipher = AESGCM(site_key.derived(_SEAL))
        self._nonces = SiteKey(site_key.derived(_NONCES))

    def seal(self, content: bytes | bytearray, about: bytes) -> bytes:
        """`about` says what it is; it opens only as that. The nonce hangs on the content: one list makes one file."""
        nonce = self._nonces.derived(about + content)[:_NONCE_BYTES]
        return nonce + self._cipher.encrypt(nonce, content, about)

    def open(self, sealed: bytes | memoryview, about: bytes) -> bytes:
        """Raises ListInvalid for what this key didn't seal as that."""
        whole = bytes(sealed)
        try:
            return self._cipher.decrypt(whole[:_NONCE_BYTES], whole[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError) as error:
            raise ListInvalid(("its digests can't be opened: made with another site key, or damaged",)) from error


def split(lines: bytes | bytearray) -> list[bytes]:
    """A bucket's lines one by one."""
    return [bytes(lines[at : at + LINE_BYTES]) for at in range(0, len(lines), LINE_BYTES)]


class BucketLines:
    """Collects the lines of a whole list."""

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(BUCKETS)]

    def add(self, bucket: int, entry: bytes) -> None:
        """One line."""
        self._buckets[bucket] += entry

    def digests(self) -> bytes:
        """Of all buckets, one after the other."""
        return b"".join(bucket_digest(split(lines)) for lines in self._buckets)

    def sections(self, digests: bytes, seal: LinesSeal) -> dict[str, bytes]:
        """As they lie in a compiled list."""
        offsets, sealed = array("I", [0]), bytearray()
        for number, lines in enumerate(self._buckets):
            sealed += seal.seal(lines, b"lines/%d" % number)
            offsets.append(len(sealed))
        return {
            "digests": seal.seal(digests, b"digests"),
            "line_offsets": offsets.tobytes(),
            "lines": bytes(sealed),
        }
