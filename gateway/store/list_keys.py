"""What stands for digits in a list: keyed hashes of identifiers and of PINs."""

import hmac
from dataclasses import replace

from gateway.domain.credential import Credential, Identifier
from gateway.store.list_document import ListDocument, ListedCredential, PinSource, refuse

KEY_BYTES = 16
_KEY_CHECK = b"gatehouse/site-key/1"


def lookup_key(site_key: bytes, identifier: Identifier) -> bytes:
    """The first 16 bytes of HMAC-SHA-256(site key, canonical text)."""
    return hmac.digest(site_key, identifier.canonical().encode(), "sha256")[:KEY_BYTES]


def pin_key(site_key: bytes, credential_id: str, digits: str) -> bytes:
    """The first 16 bytes of HMAC-SHA-256(site key, `PIN:` credential id `:` digits)."""
    return hmac.digest(site_key, f"PIN:{credential_id}:{digits}".encode(), "sha256")[:KEY_BYTES]


def key_check(site_key: bytes) -> bytes:
    """Tells one site key from another without giving it away."""
    return hmac.digest(site_key, _KEY_CHECK, "sha256")[:KEY_BYTES]


def keyed_credentials(document: ListDocument, site_key: bytes) -> dict[bytes, Credential]:
    """Every credential by its key, its PINs hashed.

    Raises ListInvalid when a plain and a keyed credential are one card, or a plain and a keyed PIN one PIN.
    """
    keys: dict[bytes, Credential] = {}
    faults = []
    for index, listed in enumerate(document.credentials):
        key = _key_of(listed, site_key)
        if key in keys:
            faults.append(f"$.credentials[{index}]: is the same card as {keys[key].id!r}")
        credential = keys[key] = _with_pins(listed, site_key)
        if credential.pin is not None and credential.pin == credential.duress_pin:
            faults.append(f"$.credentials[{index}].duress_pin: is the same as pin")
    refuse(faults)
    return keys


def _key_of(listed: ListedCredential, site_key: bytes) -> bytes:
    if listed.identifier is not None:
        return lookup_key(site_key, listed.identifier)
    assert listed.key is not None
    return listed.key


def _with_pins(listed: ListedCredential, site_key: bytes) -> Credential:
    credential = listed.credential
    if listed.pin is None and listed.duress_pin is None:
        return credential
    pins = [_hashed(pin, credential.id, site_key) for pin in (listed.pin, listed.duress_pin)]
    return replace(credential, pin=pins[0], duress_pin=pins[1])


def _hashed(pin: PinSource, credential_id: str, site_key: bytes) -> bytes | None:
    return pin_key(site_key, credential_id, pin) if isinstance(pin, str) else pin
