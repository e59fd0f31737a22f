"""Whose certificate the office may show: a site's own authority, or the system's."""

import ssl
from pathlib import Path

from gateway.errors import ConfigError


def load_office_tls(data: Path, ca_file: str | None) -> ssl.SSLContext | None:
    """TLS that goes by `ca_file` alone, a PEM file under `data` where relative; None: the system's authorities count.

    Raises ConfigError: no authority can be read there.
    """
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=data / ca_file)
    except OSError:
        remedy = f"{data / ca_file} holds no certificate of an authority that can be read: put its PEM file there"
        raise ConfigError("office.ca_file", ca_file, remedy) from None
