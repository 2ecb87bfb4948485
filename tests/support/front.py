"""A front door on loopback that answers to a venue's real host names, with a certificate for them: behind it stands a simulator,
or somebody who means harm.

With a resolver that leads every name here, a desk of environment `paper` runs through its real shells, TLS included, and
each name it asks for is seen.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from floorbroker.transport.reach import Address

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "floorbroker test front")])
CHUNK = 65536


def certificate(path: Path, names: Sequence[str]) -> Path:
    """A self-signed certificate, with its key, for these host names."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@dataclass
class Front:
    """`harm` is what it answers instead of the venue, to every request; empty while it is honest."""

    venue_port: int
    trust: ssl.SSLContext
    port: int = 0
    harm: bytes = b""
    spoken_to: list[str] = field(default_factory=list[str])
    harmed: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _links: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def turn_on(self, harm: bytes) -> None:
        """From now on every connection meets the harm; those that are open break."""
        self.harm = harm
        self.cut()

    def cut(self) -> None:
        """Every open connection breaks."""
        for link in list(self._links):
            link.transport.abort()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await (self._do_harm(reader, writer) if self.harm else self._relay(reader, writer))
        finally:
            self._links.discard(writer)
            writer.transport.abort()

    async def _do_harm(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            self.harmed += 1
            self.news.set()
            writer.write(self.harm)
            await writer.drain()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_venue = await asyncio.open_connection("127.0.0.1", self.venue_port)
        self._links.add(to_venue)
        try:
            ways = [asyncio.ensure_future(_pour(reader, to_venue)), asyncio.ensure_future(_pour(upstream, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._links.discard(to_venue)
            to_venue.transport.abort()

    async def until_harmed(self, times: int) -> None:
        """Wait until so many requests have met the harm."""
        while self.harmed < times:
            self.news.clear()
            await self.news.wait()

    async def close(self) -> None:
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        sink.write(data)
        await sink.drain()


@asynccontextmanager
async def front(folder: Path, *, venue_port: int, names: Sequence[str]) -> AsyncIterator[Front]:
    """Stand there until the block ends."""
    pem = certificate(folder / "front.pem", names)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    door = Front(venue_port, ssl.create_default_context(cafile=str(pem)))
    serving.sni_callback = lambda _, name, __: door.spoken_to.append(name or "")
    listener = await asyncio.start_server(door.accept, "127.0.0.1", 0, ssl=serving)
    door.port = listener.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        listener.close()
        await door.close()


@dataclass
class Names:
    """A resolver that leads every name to the front, or nowhere, and remembers what was asked."""

    port: int | None
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, host: str, port: int) -> list[Address]:
        del port
        self.asked.append(host)
        return [] if self.port is None else [Address(socket.AF_INET, "127.0.0.1", self.port)]
