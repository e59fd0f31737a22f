"""Digest and Basic authentication (RFC 7616, RFC 2617, RFC 7617), as HTTP and RTSP servers ask for it."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections import deque

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]*))')
_REMEMBERED_NONCES = 256
"""More clients than that do not look at one camera at a time; the oldest must ask anew."""


class HttpAuth:
    """Checks Authorization headers against one user."""

    def __init__(self, realm: str, username: str, password: str) -> None:
        self._realm = re.sub(r'["\\\r\n]', "", realm)
        self._username = username
        self._password = password
        self._nonces: deque[str] = deque(maxlen=_REMEMBERED_NONCES)
        self.reject_all = False

    def challenges(self, *, basic: bool) -> tuple[tuple[str, str], ...]:
        """WWW-Authenticate headers with a fresh nonce."""
        nonce = secrets.token_hex(16)
        self._nonces.append(nonce)
        digest = f'Digest realm="{self._realm}", nonce="{nonce}", algorithm=MD5, qop="auth"'
        found = [("WWW-Authenticate", digest)]
        if basic:
            found.append(("WWW-Authenticate", f'Basic realm="{self._realm}"'))
        return tuple(found)

    def accepts(self, header: str | None, method: str, *, basic: bool) -> bool:
        """The header proves the password for this method."""
        if header is None or self.reject_all:
            return False
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "basic" and basic:
            return self._accepts_basic(rest)
        return scheme.lower() == "digest" and self._accepts_digest(rest, method)

    def _accepts_basic(self, rest: str) -> bool:
        try:
            given = base64.b64decode(rest, validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(given, f"{self._username}:{self._password}".encode())

    def _accepts_digest(self, rest: str, method: str) -> bool:
        given = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)}
        nonce, uri = given.get("nonce", ""), given.get("uri", "")
        if given.get("username") != self._username or nonce not in self._nonces:
            return False
        secret = _md5(f"{self._username}:{self._realm}:{self._password}")
        request = _md5(f"{method}:{uri}")
        counted = f"{nonce}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given.get('qop')}"
        middle = counted if "qop" in given else nonce
        return hmac.compare_digest(_md5(f"{secret}:{middle}:{request}").encode(), given.get("response", "").encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
