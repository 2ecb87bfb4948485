"""Frames of the TWS socket: 4 bytes of length, big-endian, then UTF-8 fields that each end in NUL, the last one too.

Sans I/O.  Documents: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (connectivity, architecture).
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

_LENGTH = Struct(">I")
PREFIX = _LENGTH.size
FRAME_MAX = 1 << 20  # bytes; the longest real frames (contract details with their hours) have some thousand
HELLO = b"API\0"
VERSION_MIN, VERSION_MAX = 157, 178
"""Server versions spoken here.  From 201 on bodies are protobuf, which a server does not use with who asks for 178 at most."""


class BadFrame(ValueError):
    """A frame, or a field in one, that no server of this protocol sends.  Its words name the field and never its value."""


def framed(payload: bytes) -> bytes:
    """A payload with its length in front.  Raises `BadFrame` when nobody would take it."""
    if not 0 < len(payload) <= FRAME_MAX:
        raise BadFrame("a frame is 1 byte to 1 MiB long")
    return _LENGTH.pack(len(payload)) + payload


def message(fields: Iterable[str]) -> bytes:
    """Texts of one message as a frame.  Raises `BadFrame` for a text with a NUL in it, which would shift all that follow."""
    texts = list(fields)
    written = "\0".join([*texts, ""])
    if written.count("\0") != len(texts):
        raise BadFrame("a field holds a NUL")
    return framed(written.encode())


def hello(*, least: int = VERSION_MIN, most: int = VERSION_MAX, options: str = "") -> bytes:
    """The first bytes of a connection: which server versions we speak, and connect options."""
    versions = f"v{least}..{most}"
    return HELLO + framed((f"{versions} {options}" if options else versions).encode())


def payload_size(prefix: bytes) -> int:
    """Bytes that follow these 4.  Raises `BadFrame` for none and for more than anybody sends."""
    (size,) = _LENGTH.unpack(prefix)
    if not 0 < size <= FRAME_MAX:
        raise BadFrame("a frame announces no bytes, or more than 1 MiB")
    return size


def split(payload: bytes) -> list[str]:
    """The fields of one payload.  Bytes that are no UTF-8 come as their escapes; no frame is lost for a company's name."""
    fields = payload.decode(errors="backslashreplace").split("\0")
    if fields.pop():
        raise BadFrame("the last field does not end")
    if not fields:
        raise BadFrame("a frame without fields")
    return fields


class Splitter:
    """Bytes as they come off a socket, in any pieces, to payloads."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads that are whole now.  Raises `BadFrame` for a length nobody sends: what follows has no meaning then."""
        self._rest += data
        whole: list[bytes] = []
        at = 0
        while len(self._rest) - at >= PREFIX:
            end = at + PREFIX + payload_size(bytes(self._rest[at : at + PREFIX]))
            if end > len(self._rest):
                break
            whole.append(bytes(self._rest[at + PREFIX : end]))
            at = end
        del self._rest[:at]
        return whole

    @property
    def is_between(self) -> bool:
        """Whether no frame is under way."""
        return not self._rest
