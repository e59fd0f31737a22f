"""Why there is no line to the office, and what a person does about it."""

import ssl

_NETWORK = "is the network up, and office.url right?"
_NO_TLS = "does the office speak TLS there? Compare the port of office.url"
_CERTIFICATES = (
    (
        ("has expired", "not yet valid"),
        "the office's certificate is not valid by the clock of this machine: set the clock right, or renew it there",
    ),
    (
        ("mismatch", "not valid for"),
        "the office's certificate is for another name: write the name that stands in it into office.url",
    ),
    (
        ("issuer", "self-signed", "self signed", "unable to verify"),
        "nobody whom this machine trusts has signed the office's certificate: name its authority in office.ca_file",
    ),
)
"""What OpenSSL's word of a certificate holds, and the remedy."""


def remedy(error: BaseException) -> str:
    """By the TLS error behind `error`, if there is one."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return _NETWORK
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return _NO_TLS
    said = cause.verify_message.lower()
    return next((told for texts, told in _CERTIFICATES if any(text in said for text in texts)), _NETWORK)
