"""QR passes, `GHP1.` payload `.` signature (docs/access.md): opened with public keys only, signed by whoever issues."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.domain.credential import Pass
from gateway.domain.listed import PassKey
from gateway.store.list_items import ID_PATTERN
from gateway.store.list_times import rfc3339

PASS_BOUND = 1024
"""Characters of a pass: a QR code of 1024 already needs a good camera, and an honest pass has about 300."""
PREFIX = "GHP1."

_SHAPE = re.compile(r"GHP1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
_Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN.replace("$", r"\Z"))]


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    key: _Id
    id: _Id
    until: str
    from_: str | None = msgspec.field(default=None, name="from")
    cardholder: _Id | None = None
    levels: tuple[_Id, ...] = ()
    uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    at: str | None = None


_decode = msgspec.json.Decoder(_Payload).decode


def open_pass(text: str, key_of: Callable[[str], PassKey | None]) -> Pass | None:
    """The pass in a text, if it is one and the key that it names has signed it (`key_of` its id); all else is None.

    It has either `uses` or `at`. A bound key signs its cardholder's passes only, and no key gives levels that aren't
    its own. Validity is judged by the decision.
    """
    shape = _SHAPE.fullmatch(text) if len(text) <= PASS_BOUND else None
    if shape is None:
        return None
    payload, signature = _bytes(shape[1]), _bytes(shape[2])
    if payload is None or signature is None:
        return None
    try:
        said = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    key = key_of(said.key)
    if key is None or not _has_signed(key, f"{PREFIX}{shape[1]}", signature) or not _may_say(key, said):
        return None
    return _pass(said)


def sign_pass(private_key: Ed25519PrivateKey, fields: Mapping[str, Any]) -> str:
    """The text of a pass with these fields of the payload; times may be aware datetimes.

    Whether they make sense is not asked here. Raises ValueError for a pass that is too long to be read.
    """
    signed = PREFIX + _text(msgspec.json.encode(dict(fields)))
    text = f"{signed}.{_text(private_key.sign(signed.encode()))}"
    if len(text) > PASS_BOUND:
        raise ValueError(f"a pass of {len(text)} characters: at most {PASS_BOUND} are read")
    return text


def _has_signed(key: PassKey, signed: str, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, signed.encode())
    except InvalidSignature:
        return False
    return True


def _may_say(key: PassKey, said: _Payload) -> bool:
    """Is the pass whole, and within what its key may give?"""
    one_kind = (said.uses is None) != (said.at is None)
    theirs = key.cardholder is None or said.cardholder == key.cardholder
    return one_kind and theirs and set(said.levels) <= set(key.levels)


def _pass(said: _Payload) -> Pass | None:
    try:
        valid_from, until, made_at = _when(said.from_), rfc3339(said.until), _when(said.at)
    except ValueError:
        return None
    return Pass(said.id, said.key, said.cardholder, said.levels, valid_from, until, said.uses, made_at)


def _when(text: str | None) -> datetime | None:
    return None if text is None else rfc3339(text)


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes | None:
    """Decoded, if it is the one way to write those bytes: a pass has one text, as a credential has one key."""
    if len(text) % 4 == 1:
        return None
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return content if _text(content) == text else None
