"""Somebody on the line who has lists of old, lists of others, or a mind to spoil them."""

from random import Random

import httpx2
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import list_wire as lw
from sync import wire
from sync.device_key import DeviceKey
from sync.office.signing import sign
from tests.sync.simulation.believed import Believed
from tests.sync.simulation.network import Answer, Listener
from tests.sync.simulation.office_lists import OTHER_SITE, SITE, Coordinate, Key, Keys, Signed, thiefs_list

WAYS = ("flips", "tears", "replays", "other_site", "thief", "old_key", "twice", "no_lists", "swells")
_OTHERS_KEY = DeviceKey(b"o" * 32)
_JSON = [(b"content-type", b"application/json")]
_BUSY = Answer(503, _JSON, b"")
_LACKS = Answer(404, _JSON, b'{"error":{"code":"too_old","text":""}}')


class Meddler:
    """Stands before the office. `way` None: lets everything pass. What concerns events always passes.

    `made` and `revoked` are all that the office has ever signed. A stolen key is good until the gateway, whose
    `believed` this is, hears of the next.
    """

    def __init__(
        self,
        office: Listener,
        made: dict[Key, Signed],
        revoked: dict[int, lw.Revocations],
        keys: Keys,
        believed: Believed,
        chance: Random,
        trouble: list[str],
    ) -> None:
        self._office, self._made, self._revoked, self._keys = office, made, revoked, keys
        self._believed, self._chance, self._trouble = believed, chance, trouble
        self._taken = (0, 0)
        """The list after which the gateway asked last."""
        self.way: str | None = None
        self.share = 1.0
        """Of what passes here; 1 is all."""

    async def take(self, request: httpx2.Request, body: bytes) -> Answer:
        """One request. Raises Down."""
        path = request.url.path.partition(f"/sites/{SITE}/")[2]
        if self.way is None or not path.startswith(("list/", "keys")) or self._chance.random() >= self.share:
            return await self._office.take(request, body)
        if self._keeps_away(path, request):
            return _BUSY
        if self.way == "replays":
            return self._replayed(path, request) or _LACKS
        if self.way == "thief":
            return self._of_thief(path)
        stolen = [(key, keys) for key, keys in self._keys.former if keys.key_epoch < self._believed.key_epoch]
        if self.way == "old_key" and stolen:
            return _by_old_key(path, *stolen[-1], unknown=self._chance.random() < 0.5)
        if self.way == "other_site":
            return await self._of_other_site(request, path)
        answer = await self._office.take(request, body)
        if self.way == "twice" and answer.status == 200 and path == "list/manifest":
            return _signed_twice(answer)
        spoils = path != "list/manifest" or self._chance.random() < 0.2
        spoils = spoils and self.way in ("flips", "tears", "swells")
        return self._spoilt(answer) if spoils and answer.body else answer

    def _keeps_away(self, path: str, request: httpx2.Request) -> bool:
        if path == "list/manifest":
            self._taken = _asked_after(request)
            return self.way == "no_lists"
        newest = next(reversed(self._made.values())).at
        return self.way == "list_first" and path == "list/revocations" and self._taken < newest

    async def _of_other_site(self, request: httpx2.Request, path: str) -> Answer:
        """What the device of another site is told: this one's own signature opens nothing there."""
        place = str(request.url).replace(f"/sites/{SITE}/", f"/sites/{OTHER_SITE}/")
        refused = await self._office.take(httpx2.Request(request.method, place, headers=request.headers), b"")
        if refused.status not in (403, 503):
            self._trouble.append(f"another site's {path} was told: {refused.status}")
        nonce = next((value.decode() for name, value in refused.headers if name == wire.NONCE.lower().encode()), "")
        call = path + ("?" + request.url.query.decode() if request.url.query else "")
        headers = {
            wire.DEVICE: _OTHERS_KEY.public,
            wire.NONCE: nonce,
            "Authorization": request.headers["Authorization"],
        }
        headers[wire.SIGNATURE] = _OTHERS_KEY.sign(wire.signed_bytes(OTHER_SITE, call, nonce, b""))
        return await self._office.take(httpx2.Request(request.method, place, headers=headers), b"")

    def _spoilt(self, answer: Answer) -> Answer:
        if self.way == "swells":  # it says the same, in more bytes than are read at once
            return Answer(answer.status, answer.headers, answer.body + b" " * wire.ANSWER_BYTES)
        at = self._chance.randrange(len(answer.body))
        if self.way == "tears":
            return Answer(answer.status, answer.headers, answer.body[:at])
        digits = [place for place in range(at, len(answer.body)) if chr(answer.body[place]) in "0123456789"]
        if digits and self._chance.random() < 0.7:  # what is still a number isn't found by reading it
            at = digits[0]
            flipped = ord("0") + (answer.body[at] - ord("0") + self._chance.randrange(1, 10)) % 10
        else:
            flipped = answer.body[at] ^ 1 << self._chance.randrange(8)
        return Answer(answer.status, answer.headers, answer.body[:at] + bytes([flipped]) + answer.body[at + 1 :])

    def _replayed(self, path: str, request: httpx2.Request) -> Answer | None:
        """A manifest of before and its list, keys or revocations of before."""
        if path == "keys":
            return Answer(200, _JSON, msgspec.json.encode(self._chance.choice(self._keys.every)))
        if path == "list/manifest":
            after = _asked_after(request)
            made = list(self._made.values())
            later = [signed for signed in made if signed.at > after]
            signed = self._chance.choice(later if later and self._chance.random() < 0.5 else made)
            return Answer(200, _JSON, msgspec.json.encode(signed.manifest))
        if path == "list/revocations" and self._revoked:
            return Answer(200, _JSON, msgspec.json.encode(self._chance.choice(list(self._revoked.values()))))
        version = path.removeprefix("list/")
        of_version = [each for each in self._made.values() if str(each.manifest.version) == version]
        return Answer(200, _JSON, self._chance.choice(of_version).raw) if of_version else None

    def _of_thief(self, path: str) -> Answer:
        keys, signed = thiefs_list()
        manifest = signed.manifest
        if path == "list/manifest":
            signature = manifest.signatures[0]
            if self._chance.random() < 0.5:
                signature = lw.Signature(self._keys.set.keys[0], signature.signature)
            epoch = self._chance.choice((manifest.key_epoch, self._keys.epoch, 99))
            forged = msgspec.structs.replace(manifest, key_epoch=epoch, signatures=(signature,))
            return Answer(200, _JSON, msgspec.json.encode(forged))
        if path == "list/revocations":
            revoked = tuple(lw.Revoked(id_, manifest.generation, manifest.version) for id_ in list(signed.cards)[:3])
            told = lw.Revocations(SITE, 2**52, manifest.issued_at, revoked, 1)
            told = msgspec.structs.replace(told, signatures=keys.signer.signatures(told))
            return Answer(200, _JSON, msgspec.json.encode(told))
        if path == "keys":
            return Answer(200, _JSON, msgspec.json.encode(msgspec.structs.replace(keys.set, key_epoch=99)))
        return Answer(200, _JSON, signed.raw) if path == f"list/{manifest.version}" else _LACKS


def _asked_after(request: httpx2.Request) -> Coordinate:
    return int(request.url.params["generation"]), int(request.url.params["after"])


def _signed_twice(answer: Answer) -> Answer:
    """One person's signature, and once more."""
    manifest = msgspec.json.decode(answer.body, type=lw.Manifest)
    twice = msgspec.structs.replace(manifest, signatures=manifest.signatures * 2)
    return Answer(200, _JSON, msgspec.json.encode(twice))


def _by_old_key(path: str, key: Ed25519PrivateKey, keys: lw.KeySet, *, unknown: bool) -> Answer:
    """Whoever has stolen a key signs as long as it is believed. `unknown`: as of keys that are to be asked for."""
    signed = thiefs_list()[1]
    if path == "keys":
        return Answer(200, _JSON, msgspec.json.encode(keys))
    if path == "list/manifest":
        forged = msgspec.structs.replace(signed.manifest, key_epoch=99 if unknown else keys.key_epoch, signatures=())
        forged = msgspec.structs.replace(forged, signatures=(sign(key, forged),))
        return Answer(200, _JSON, msgspec.json.encode(forged))
    return Answer(200, _JSON, signed.raw) if path == f"list/{signed.manifest.version}" else _LACKS
