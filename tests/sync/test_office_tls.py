"""An office behind TLS: whose certificate counts, and what a person is told where it does not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from gateway.clock import SystemClock
from gateway.errors import ConfigError, OfficeRefusesBox, OfficeUnreachable
from gateway.office_tls import load_office_tls
from sync.office_client import OfficeClient
from tests.sync.site import KEY, SITE, TOKEN

OURS, THEIRS = trustme.CA(), trustme.CA()


@asynccontextmanager
async def a_server(certificate: trustme.LeafCert | None) -> AsyncIterator[int]:
    """Answers 401 to everything, with TLS where it has a certificate; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_head = await reader.read(65536)
        if with_head:
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def said(port: int, data: Path, ca_file: str | None = "ca.pem") -> str:
    """What a hello to the server comes to."""
    OURS.cert_pem.write_to_path(str(data / "ca.pem"))
    tls = load_office_tls(data, ca_file)
    client = OfficeClient(f"https://localhost:{port}", SITE, TOKEN, KEY, SystemClock(), tls=tls)
    try:
        await client.challenge()
    except (OfficeUnreachable, OfficeRefusesBox) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        await client.close()
    return "let in"


async def test_an_office_of_the_sites_own_authority_is_spoken_to(tmp_path: Path) -> None:
    async with a_server(OURS.issue_cert("localhost")) as port:
        assert (await said(port, tmp_path)).startswith("OfficeRefusesBox: ")


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (lambda: OURS.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1)), "set the clock right"),
        (lambda: OURS.issue_cert("elsewhere.example"), "for another name"),
        (lambda: THEIRS.issue_cert("localhost"), "name its authority in office.ca_file"),
        (lambda: None, "does the office speak TLS there?"),
    ],
)
async def test_a_certificate_that_is_not_taken_is_told_with_what_to_do(
    certificate: Callable[[], trustme.LeafCert | None], words: str, tmp_path: Path
) -> None:
    async with a_server(certificate()) as port:
        told = await said(port, tmp_path)
    assert told.startswith("OfficeUnreachable: ")
    assert words in told


async def test_an_authority_of_ones_own_is_not_the_systems(tmp_path: Path) -> None:
    async with a_server(OURS.issue_cert("localhost")) as port:
        assert "name its authority in office.ca_file" in await said(port, tmp_path, None)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_an_authority_is_named(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(ConfigError, match=r"ca\.pem holds no certificate of an authority") as refused:
        load_office_tls(tmp_path, "ca.pem")
    assert refused.value.key == "office.ca_file"
