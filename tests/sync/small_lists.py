"""Lists of the small office, written from docs/protocol.md ("Lists down") alone: it shares no code with ours.

Everything is made of bytes that never change, and digested as they are sent.
"""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RULES = ("zone", "special_days", "schedules", "areas", "access_points", "levels", "pass_keys")
BUCKETS = 1024
NOTHING = (204, None)
Answer = tuple[int, Any]
Key = tuple[str, str]
"""Part and id."""


class SmallLists:
    """One site's lists. `keys` are the office's own and those of people; the root signs their set."""

    def __init__(self, site: str) -> None:
        self.site, self.root = site, Ed25519PrivateKey.generate()
        self.keys = [Ed25519PrivateKey.generate()]
        self.key_epoch = 1
        self.generation = self.version = self.previous = self.sequence = 0
        self.revoked: list[tuple[str, int, int]] = []
        self.issued = datetime(2026, 11, 25, 8, tzinfo=UTC)
        self.rules: dict[str, bytes] = {}
        self.entries: dict[Key, tuple[str, bytes]] = {}
        """Of each the cardholder, and its text."""
        self.history: list[tuple[int, dict[Key, tuple[str, bytes]], dict[str, bytes]]] = []
        """What each version before held."""
        self.news = asyncio.Event()

    # What people do

    def put(self, document: dict[str, Any]) -> None:
        """A whole LIST.json."""
        self.rules = {name: _text(document[name]) for name in RULES if name in document}
        entries = {("cardholders", each["id"]): (each["id"], _text(each)) for each in document["cardholders"]}
        entries |= {("credentials", each["id"]): (each["cardholder"], _text(each)) for each in document["credentials"]}
        self._next(entries)

    def put_credential(self, credential: dict[str, Any]) -> None:
        """One card more, or another one under its id."""
        one = {("credentials", credential["id"]): (credential["cardholder"], _text(credential))}
        self._next(self.entries | one)

    def take_out(self, id_: str) -> None:
        """A card is gone, and revoked."""
        self._next({key: held for key, held in self.entries.items() if key != ("credentials", id_)})
        self.sequence += 1
        self.revoked.append((id_, self.generation, self.version))
        self._tell()

    def _next(self, entries: dict[Key, tuple[str, bytes]]) -> None:
        if self.version:
            self.history.append((self.version, self.entries, self.rules))
        self.previous, self.version, self.entries = self.version, self.version + 1, entries
        self.issued += timedelta(minutes=1, microseconds=1)
        self._tell()

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    # What gateways ask

    async def answer(self, path: str, query: dict[str, str]) -> Answer:
        """Status and body; bytes are sent as they are."""
        if path == "keys":
            return 200, self.key_set()
        if path in ("list/manifest", "list/revocations"):
            return await self._wait(path, query)
        version, _, what = path.removeprefix("list/").partition("/")
        if version != str(self.version):
            return 404, _error("not_newest" if what else "unknown_list")
        if what == "changes":
            return self._changes(int(query["since"]))
        if what == "digests":
            return 200, {"rules": self._rules_digest().hex(), "buckets": b"".join(self._buckets()).hex()}
        if what.startswith("buckets/"):
            wanted = {int(number) for number in what.removeprefix("buckets/").split(",")}
            held = {key: text for key, (holder, text) in self.entries.items() if _bucket_of(holder) in wanted}
            return 200, b'{"rules":' + _object(self.rules) + b"," + _parts(held) + b"}"
        return 200, self.whole()

    async def _wait(self, path: str, query: dict[str, str]) -> Answer:
        loop = asyncio.get_running_loop()
        until = loop.time() + float(query.get("wait", "25"))
        while True:
            news = self.news
            found = self._manifest_after(query) if path == "list/manifest" else self._revocations_after(query)
            if found is not None:
                return 200, found
            try:
                async with asyncio.timeout_at(until):
                    await news.wait()
            except TimeoutError:
                return NOTHING

    def _manifest_after(self, query: dict[str, str]) -> dict[str, Any] | None:
        after = (int(query["generation"]), int(query["after"]))
        here = (self.generation, self.version)
        more = here == after and len(self.keys[:1]) > int(query["signatures"])
        news = here > after or more or self.key_epoch > int(query["keys"])
        return self.manifest() if self.version and news else None

    def manifest(self, **wrong: Any) -> dict[str, Any]:
        """Of the newest list; `wrong` takes the place of what is true, before it is signed."""
        told: dict[str, Any] = {
            "site": self.site,
            "generation": self.generation,
            "version": self.version,
            "previous": self.previous,
            "count": len(self.entries),
            "root": self._root(),
            "issued_at": _time(self.issued),
            "key_epoch": self.key_epoch,
        } | wrong
        order = ("site", "generation", "version", "previous", "count", "root")
        fields = [*(told[name] for name in order), _microseconds(told["issued_at"]), told["key_epoch"]]
        return told | {"signatures": [self._signed("gatehouse/list-manifest/1", *fields)]}

    def key_set(self) -> dict[str, Any]:
        """Signed by the root."""
        begins, keys = "1970-01-01T00:00:00Z", [_public(key) for key in self.keys]
        signed = _framed("gatehouse/key-set/1", self.key_epoch, _microseconds(begins), len(keys), *keys)
        told = {"key_epoch": self.key_epoch, "valid_from": begins, "keys": keys}
        return told | {"signature": self.root.sign(signed).hex()}

    def _revocations_after(self, query: dict[str, str]) -> dict[str, Any] | None:
        if self.sequence <= int(query["after"]):
            return None
        told: dict[str, Any] = {"site": self.site, "sequence": self.sequence, "issued_at": _time(self.issued)}
        each = [field for revoked in self.revoked for field in revoked]
        fields = (self.site, self.sequence, _microseconds(told["issued_at"]), self.key_epoch, len(self.revoked), *each)
        names = ("credential", "generation", "version")
        return told | {
            "revoked": [dict(zip(names, revoked, strict=True)) for revoked in self.revoked],
            "key_epoch": self.key_epoch,
            "signatures": [self._signed("gatehouse/revocations/1", *fields)],
        }

    def _changes(self, since: int) -> Answer:
        found = next(((held, rules) for version, held, rules in self.history if version == since), None)
        if found is None:
            return 404, _error("too_old")
        held, rules = found
        put = {key: text for key, (holder, text) in self.entries.items() if held.get(key) != (holder, text)}
        gone = {
            f"gone_{part}": [id_ for kind, id_ in held.keys() - self.entries.keys() if kind == part] for part in _PARTS
        }
        told = b'{"since":%d,"rules":%s,' % (since, b"null" if rules == self.rules else _object(self.rules))
        return 200, told + _parts(put) + b"," + _text(gone)[1:]

    def whole(self) -> bytes:
        """LIST.json."""
        head = {"schema": 1, "site": self.site, "version": self.version, "issued_at": _time(self.issued)}
        held = {key: text for key, (_, text) in self.entries.items()}
        return _text(head)[:-1] + b"," + _object(self.rules)[1:-1] + b"," + _parts(held) + b"}"

    # Digests

    def _rules_digest(self) -> bytes:
        texts = [self.rules.get(name, b"") for name in RULES]
        return _sha256(b"gatehouse/list-rules/1" + b"".join(len(text).to_bytes(4, "big") + text for text in texts))

    def _buckets(self) -> list[bytes]:
        lines: list[list[bytes]] = [[] for _ in range(BUCKETS)]
        for (part, id_), (holder, text) in self.entries.items():
            letter = {"cardholders": b"h", "credentials": b"c"}[part]
            lines[_bucket_of(holder)].append(letter + _sha256(id_.encode())[:16] + _sha256(text))
        return [_sha256(b"gatehouse/list-bucket/1" + b"".join(sorted(each))) for each in lines]

    def _root(self) -> str:
        return _sha256(b"gatehouse/list-root/1" + self._rules_digest() + b"".join(self._buckets())).hex()

    def _signed(self, *fields: object) -> dict[str, str]:
        key = self.keys[0]
        return {"key": _public(key), "signature": key.sign(_framed(*fields)).hex()}


_PARTS = ("cardholders", "credentials")


def _bucket_of(holder: str) -> int:
    return int.from_bytes(_sha256(holder.encode()), "big") >> 246


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _framed(*fields: object) -> bytes:
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (str(field).encode() for field in fields))


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def _text(value: Any) -> bytes:
    """In a style of its own: spaces, and letters that are none of ASCII as they are."""
    return json.dumps(value, ensure_ascii=False).encode()


def _object(texts: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(_text(name) + b":" + text for name, text in texts.items()) + b"}"


def _parts(held: dict[Key, bytes]) -> bytes:
    arrays = {part: [text for (kind, _), text in held.items() if kind == part] for part in _PARTS}
    return _object({part: b"[" + b",".join(texts) + b"]" for part, texts in arrays.items()})[1:-1]


def _time(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _microseconds(time: str) -> int:
    return (datetime.fromisoformat(time) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "text": "the small office says so", "through": None}}
