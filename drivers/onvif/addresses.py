"""Addresses that a camera names, made reachable. Pure."""

from urllib.parse import urlsplit, urlunsplit

DEVICE_PATH = "/onvif/device_service"


def device_address(address: str) -> str:
    """A device service's URL from what a person wrote: a host, host:port, or the whole URL. Raises ValueError."""
    whole = address if "://" in address else f"http://{address}"
    parts = urlsplit(whole)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError("an address is a host, host:port or an http(s) URL without a password")
    _ = parts.port  # raises ValueError when it is no number from 0 to 65535
    path = parts.path if parts.path not in ("", "/") else DEVICE_PATH
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def with_host_of(url: str, address: str) -> str:
    """`url` at the host of `address`, its own port kept, any login removed.

    Cameras name the address they once had, one behind a NAT, or 0.0.0.0; the one that we reached is right.
    """
    parts, reached = urlsplit(url), urlsplit(address)
    host = reached.hostname or ""
    netloc = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        netloc += f":{parts.port}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))
