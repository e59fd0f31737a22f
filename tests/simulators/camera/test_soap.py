"""Who is let in by WS-Security, and what counts as SOAP."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from simulators.camera.soap import SoapFault, Token, TokenCheck, parse_envelope

_NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _token(password: str = "open", at: datetime = _NOW, nonce: bytes = b"0123456789abcdef") -> Token:
    created = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return Token("admin", digest, nonce, created)


def test_right_and_fresh_token_is_accepted_once() -> None:
    check = TokenCheck("admin", "open")
    assert check.accepts(_token(), _NOW)
    assert not check.accepts(_token(), _NOW)


@pytest.mark.parametrize("off_s", [-61, 61])
def test_token_over_a_minute_from_the_cameras_clock_is_refused(off_s: int) -> None:
    assert not TokenCheck("admin", "open").accepts(_token(at=_NOW + timedelta(seconds=off_s)), _NOW)


def test_wrong_password_is_refused() -> None:
    assert not TokenCheck("admin", "open").accepts(_token(password="shut"), _NOW)


def test_digest_of_the_wss_document_is_reproduced() -> None:
    """The example of ONVIF's application programmer's guide, 6.1.1.3."""
    token = Token(
        "user",
        base64.b64decode("tuOSpGlFlIXsozq4HFNeeGeFLEI="),
        base64.b64decode("LKqI6G/AikKCQrN0zqZFlg=="),
        "2010-09-16T07:50:45Z",
    )
    assert TokenCheck("user", "userpassword").accepts(token, datetime(2010, 9, 16, 7, 50, 45, tzinfo=UTC))


@pytest.mark.parametrize("data", [b"", b"<a/>", b"<!DOCTYPE a><a/>", b"\xff\xfe" * 50])
def test_what_is_no_soap_is_a_fault(data: bytes) -> None:
    with pytest.raises(SoapFault):
        parse_envelope(data)
