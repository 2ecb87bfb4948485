"""A gateway's own certificate is believed, and no other: on each of the three ways out."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from floorbroker.domain.errors import ApiError, ConfigInvalid, ConnectionFailed, Outcome
from floorbroker.transport.http import AioHttp
from floorbroker.transport.order_http import OrderHttpClient
from floorbroker.transport.pins import PinnedContext, anchored, pin_of, pinned
from floorbroker.transport.reach import assert_verifies, system_resolve
from floorbroker.transport.types import Request, SocketTarget
from floorbroker.transport.ws import WsConnect

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def _self_signed(path: Path) -> Path:
    """A certificate such as a gateway makes for itself: of no authority, and of a name that is not its address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody's gateway")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ours, and another one."""
    folder = tmp_path_factory.mktemp("gateways")
    return _self_signed(folder / "ours.pem"), _self_signed(folder / "other.pem")


@asynccontextmanager
async def served(pem: Path) -> AsyncIterator[tuple[int, list[bytes]]]:
    """An https server that answers everything with ok, and what it read."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(ANSWER)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            heard.append(b"")
        finally:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def request(port: int, method: str = "GET") -> Request:
    return Request(method=method, origin=f"https://127.0.0.1:{port}", path="/", endpoint="orders.submit")


def sha256(pem: Path) -> str:
    return pin_of(str(pem)).hex()


@pytest.mark.asyncio
async def test_the_pinned_certificate_is_believed_by_path_and_by_digest(gateways: tuple[Path, Path]) -> None:
    ours, _ = gateways
    digest = sha256(ours)
    async with served(ours) as (port, heard):
        for said in (str(ours), digest, ":".join(digest[at : at + 2] for at in range(0, 64, 2)).upper()):
            http, orders = AioHttp(tls=pinned(pin_of(said))), OrderHttpClient(tls=pinned(pin_of(said)))
            assert (await http.send(request(port))).body == b"ok"
            assert (await orders.send(request(port, "POST"))).body == b"ok"
            await http.close()
            await orders.close()
    assert len(heard) == 6


@pytest.mark.asyncio
async def test_any_other_certificate_gets_no_byte_of_an_order(gateways: tuple[Path, Path]) -> None:
    ours, other = gateways
    async with served(other) as (port, heard):
        http, orders = AioHttp(tls=pinned(pin_of(str(ours)))), OrderHttpClient(tls=pinned(pin_of(str(ours))))
        for client, method in ((http, "GET"), (orders, "POST")):
            with pytest.raises(ConnectionFailed) as caught:
                await client.send(request(port, method))
            assert caught.value.outcome is Outcome.NOT_SENT
        await http.close()
        await orders.close()
        target = SocketTarget(url=f"wss://127.0.0.1:{port}/ws", headers={"Cookie": "api=secret"})
        for resolve in (None, system_resolve):
            with pytest.raises(ConnectionFailed):
                await WsConnect(tls=pinned(pin_of(str(ours))), resolve=resolve)(target)
    assert not any(heard)


@pytest.mark.asyncio
async def test_a_stream_of_the_pinned_certificate_is_opened(gateways: tuple[Path, Path]) -> None:
    ours, _ = gateways
    async with served(ours) as (port, heard):
        target = SocketTarget(url=f"wss://127.0.0.1:{port}/ws")
        for resolve in (None, system_resolve):
            with pytest.raises(ApiError, match="status 200"):  # its words were heard: this server speaks no WebSocket
                await WsConnect(tls=pinned(pin_of(str(ours))), resolve=resolve)(target)
    assert sum(one.startswith(b"GET /ws") for one in heard) == 2


@pytest.mark.asyncio
async def test_who_takes_the_place_of_the_pinned_one_in_between_is_not_believed(gateways: tuple[Path, Path]) -> None:
    """The certificate is asked for on a connection of its own; the next one is checked as well."""
    ours, other = gateways
    async with served(other) as (port, heard):
        context = anchored(ssl.PEM_cert_to_DER_cert(_certificate(ours)))
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1")
    assert not any(heard)


def _certificate(pem: Path) -> str:
    text = pem.read_text()
    return text[text.index("-----BEGIN CERTIFICATE-----") :]


@pytest.mark.asyncio
async def test_without_a_pin_a_self_signed_certificate_is_not_believed(gateways: tuple[Path, Path]) -> None:
    async with served(gateways[0]) as (port, heard):
        http = AioHttp()
        with pytest.raises(ConnectionFailed, match="Certificate"):
            await http.send(request(port))
        await http.close()
    assert not any(heard)


def test_a_pin_is_no_way_to_turn_verification_off() -> None:
    naked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    naked.check_hostname = False
    naked.verify_mode = ssl.CERT_NONE
    pretended = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    pretended.check_hostname = False
    pretended.verify_mode = ssl.CERT_NONE
    pretended.pin = hashlib.sha256(b"").digest()
    for context in (naked, pretended):
        with pytest.raises(ConfigInvalid):
            assert_verifies(context)
    assert_verifies(pinned(hashlib.sha256(b"").digest()))
    with pytest.raises(ValueError, match="SHA-256"):
        pinned(b"short")


def test_a_file_that_is_no_certificate_is_said(gateways: tuple[Path, Path], tmp_path: Path) -> None:
    ours, other = gateways
    both = tmp_path / "both.pem"
    both.write_bytes(ours.read_bytes() + other.read_bytes())
    broken = tmp_path / "broken.pem"
    broken.write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    binary = tmp_path / "binary.pem"
    binary.write_bytes(b"\xff\xfe")
    for path, why in (
        (both, "2 certificates"),
        (broken, "no certificate"),
        (binary, "no certificate"),
        (tmp_path / "x", "no cert"),
    ):
        with pytest.raises(ConfigInvalid, match=why):
            pin_of(str(path))
