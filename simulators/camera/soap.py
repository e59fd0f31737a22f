"""SOAP 1.2 and WS-Security: envelopes in and out, the UsernameToken digest, faults."""

import base64
import binascii
import hashlib
import hmac
import xml.etree.ElementTree as ET
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_DIGEST = "#PasswordDigest"

FRESHNESS = timedelta(seconds=60)
"""A token made longer ago or ahead of the camera's clock is refused."""
_REMEMBERED_NONCES = 4096
"""More logins than that a minute are no client; the oldest nonce is forgotten."""

NAMESPACES = {
    "s": ENVELOPE,
    "wsa5": ADDRESSING,
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "tns1": "http://www.onvif.org/ver10/topics",
    "ter": "http://www.onvif.org/ver10/error",
    "xs": "http://www.w3.org/2001/XMLSchema",
}
_DECLARATIONS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


class SoapFault(Exception):
    """A fault to be sent: `code` Sender or Receiver, `subcode` as ONVIF Core, 5.8.2.3 names them."""

    def __init__(self, code: str, subcode: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.subcode, self.reason = code, subcode, reason


NOT_AUTHORIZED = SoapFault("Sender", "ter:NotAuthorized", "Sender not authorized")


@dataclass(frozen=True, slots=True)
class Token:
    """A WS-Security UsernameToken with a password digest."""

    username: str
    digest: bytes
    nonce: bytes
    created: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the body's element, its namespace and local name, and what the header says."""

    namespace: str
    operation: str
    body: ET.Element
    token: Token | None
    message_id: str | None

    def text(self, name: str) -> str | None:
        """The text of the first descendant with this local name."""
        for element in self.body.iter():
            if local_name(element.tag) == name and element.text:
                return element.text.strip()
        return None


def local_name(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def parse_envelope(data: bytes) -> Call:
    """Read a request. Raises SoapFault when it is none."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        # SOAP 1.2, part 1, 5 forbids them; entity bombs come this way.
        raise SoapFault("Sender", "ter:WellFormed", "No document type is allowed")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise SoapFault("Sender", "ter:WellFormed", f"Not well formed: {error}") from error
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise SoapFault("Sender", "ter:InvalidArgVal", "Not a SOAP 1.2 request")
    namespace, _, operation = body[0].tag.lstrip("{").rpartition("}")
    message_id = root.findtext(f"{{{ENVELOPE}}}Header/{{{ADDRESSING}}}MessageID")
    return Call(namespace, operation, body[0], _find_token(root), message_id)


def _find_token(root: ET.Element) -> Token | None:
    token = root.find(f"{{{ENVELOPE}}}Header/{{{_SECURITY}}}Security/{{{_SECURITY}}}UsernameToken")
    if token is None:
        return None
    password = token.find(f"{{{_SECURITY}}}Password")
    if password is None or not password.get("Type", "").endswith(_DIGEST):
        return None
    try:
        digest = base64.b64decode(password.text or "", validate=True)
        nonce = base64.b64decode(token.findtext(f"{{{_SECURITY}}}Nonce") or "", validate=True)
    except binascii.Error:
        return None
    return Token(
        token.findtext(f"{{{_SECURITY}}}Username") or "",
        digest,
        nonce,
        token.findtext(f"{{{_UTILITY}}}Created") or "",
    )


class TokenCheck:
    """Verifies UsernameTokens (WSS UsernameToken Profile 1.1, 3.1) against one user."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password.encode()
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self.reject_all = False

    def accepts(self, token: Token | None, now: datetime) -> bool:
        """The token is right, fresh by the camera's clock, and new."""
        if token is None or self.reject_all or token.username != self._username or token.nonce in self._seen:
            return False
        created = parse_time(token.created)
        if created is None or abs(created - now) > FRESHNESS or not token.nonce:
            return False
        expected = hashlib.sha1(token.nonce + token.created.encode() + self._password, usedforsecurity=False)
        if not hmac.compare_digest(expected.digest(), token.digest):
            return False
        self._seen[token.nonce] = None
        if len(self._seen) > _REMEMBERED_NONCES:
            self._seen.popitem(last=False)
        return True


def parse_time(text: str) -> datetime | None:
    """An xs:dateTime in UTC; without a zone it is taken as UTC. None when it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def write_time(moment: datetime) -> str:
    """An xs:dateTime in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_response(body: str, action: str | None = None, relates_to: str | None = None) -> bytes:
    """An envelope around a body already in XML."""
    header = ""
    if action is not None:
        header += f"<wsa5:Action>{escape(action)}</wsa5:Action>"
    if relates_to is not None:
        header += f"<wsa5:RelatesTo>{escape(relates_to)}</wsa5:RelatesTo>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_DECLARATIONS}>'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def write_fault(fault: SoapFault) -> bytes:
    """An envelope with a SOAP 1.2 fault."""
    return write_response(
        f"<s:Fault><s:Code><s:Value>s:{fault.code}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">{escape(fault.reason)}</s:Text></s:Reason></s:Fault>'
    )
