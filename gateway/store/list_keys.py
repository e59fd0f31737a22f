"""What stands for digits in a list: keyed hashes of identifiers and of PINs."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from msgspec import UNSET

from gateway.domain.credential import Identifier
from gateway.store.list_items import CredentialItem

KEY_BYTES = 16


class SiteKey:
    """HMAC-SHA-256 under the site key, its first 16 bytes. The key is set up once, which halves the time of a hash."""

    def __init__(self, site_key: bytes) -> None:
        self._hmac = HMAC(site_key, SHA256())

    def lookup_key(self, identifier: Identifier) -> bytes:
        """What looks a credential up: the hash of its canonical text."""
        return self._hash(identifier.canonical())

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        """What a PIN is compared by: the hash of `PIN:` credential id `:` digits."""
        return self._hash(f"PIN:{credential_id}:{digits}")

    def key_of(self, item: CredentialItem) -> bytes:
        """The key that the office gave, or that of the identifier."""
        return self._hash(item.canonical()) if item.key is UNSET else bytes.fromhex(item.key)

    def check(self) -> bytes:
        """Tells one site key from another without giving it away."""
        return self._hash("gatehouse/site-key/1")

    def derived(self, purpose: bytes) -> bytes:
        """The whole hash: 32 bytes for another purpose."""
        keyed = self._hmac.copy()
        keyed.update(purpose)
        return keyed.finalize()

    def _hash(self, text: str) -> bytes:
        return self.derived(text.encode())[:KEY_BYTES]


def lookup_key(site_key: bytes, identifier: Identifier) -> bytes:
    """The first 16 bytes of HMAC-SHA-256(site key, canonical text)."""
    return SiteKey(site_key).lookup_key(identifier)
