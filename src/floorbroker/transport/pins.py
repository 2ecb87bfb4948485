"""One certificate, known beforehand: how a gateway with a self-signed one is believed, and nobody else.

A pin is the SHA-256 of the certificate's DER form.  It takes the place of authorities and host names, which a
self-signed certificate has none of that mean anything; it never takes verification away.  The comparison is part of the
handshake, so that no byte of a request is written to anybody else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
from pathlib import Path
from typing import Any

from floorbroker.domain.errors import ConfigInvalid

_DIGEST = re.compile(r"(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}", re.IGNORECASE)
_PEM_MAX = 64 * 1024
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which the standard library does not name


def pin_of(text: str) -> bytes:
    """The pin in an option: 64 hexadecimal digits (colons between them are fine), or the path of a PEM file.

    Raises `ConfigInvalid` for a file that cannot be read, or that does not hold exactly one certificate.
    """
    if _DIGEST.fullmatch(text):
        return bytes.fromhex(text.replace(":", ""))
    try:
        with Path(text).open("rb") as file:
            pem = file.read(_PEM_MAX).decode("ascii")
        if pem.count("-----BEGIN CERTIFICATE-----") != 1:
            raise ConfigInvalid(
                f"{text} holds {pem.count('-----BEGIN CERTIFICATE-----')} certificates, and one is wanted"
            )
        begin = pem.index("-----BEGIN CERTIFICATE-----")
        end = pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(pem[begin:end])
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"{text}: no certificate can be read there ({type(error).__name__})") from None
    return hashlib.sha256(der).digest()


class PinnedContext(ssl.SSLContext):
    """A client's context that believes the holder of one certificate alone.  Made by `pinned`."""

    pin: bytes


def pinned(pin: bytes) -> PinnedContext:
    """A context for that pin.  Raises `ValueError` for what is no SHA-256."""
    if len(pin) != hashlib.sha256().digest_size:
        raise ValueError("a pin is a SHA-256")
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # by authorities; the pin is compared instead, in every handshake
    context.pin = pin
    context.sslobject_class = _object_for(pin)
    context.sslsocket_class = _socket_for(pin)
    return context


def assert_pin(der: bytes | None, pin: bytes) -> None:
    """Raises `ssl.SSLCertVerificationError` for any other certificate, and for none."""
    if der is None or not hmac.compare_digest(hashlib.sha256(der).digest(), pin):
        raise ssl.SSLCertVerificationError("the certificate is not the pinned one")


def is_pinned(context: ssl.SSLContext) -> bool:
    """Whether a context compares pins in every handshake, still as `pinned` made it."""
    return (
        isinstance(context, PinnedContext)
        and getattr(context.sslobject_class, "pin", None) == context.pin
        and getattr(context.sslsocket_class, "pin", None) == context.pin
    )


def anchored(der: bytes) -> ssl.SSLContext:
    """A context that believes the holder of one certificate's key, for a library that shakes hands without our comparison.

    `der` was compared with a pin before.  It is the only authority, whatever name and dates it bears.
    """
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=der)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    return context


def _object_for(pinned_to: bytes) -> type[ssl.SSLObject]:
    class PinnedObject(ssl.SSLObject):
        """What asyncio shakes hands with."""

        pin = pinned_to

        def do_handshake(self) -> None:
            super().do_handshake()
            assert_pin(self.getpeercert(binary_form=True), pinned_to)

    return PinnedObject


def _socket_for(pinned_to: bytes) -> type[ssl.SSLSocket]:
    class PinnedSocket(ssl.SSLSocket):
        """What blocking code shakes hands with."""

        pin = pinned_to

        def do_handshake(self, block: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's signature
            super().do_handshake(block)
            assert_pin(self.getpeercert(binary_form=True), pinned_to)

    return PinnedSocket
