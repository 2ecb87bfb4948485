"""The bytes of a vault file: `FBV1`, the header's length, the header, its MAC, and the records one after another.

The header is canonical JSON (RFC 8785) of at most 64 KiB.  It names every record with its length and SHA-256, in the order of
the file, so its MAC vouches for the whole file: nothing can be changed, removed, reordered, repeated, added, or put back from
an older file without it.  Reading is strict: there is one spelling of a header, every length is checked against the file and
against a fixed maximum before anything is taken or derived, and what is not understood is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
import rfc8785
from msgspec import Meta

from floorbroker.domain.errors import InvalidRequest, VaultRefused
from floorbroker.vault.kdf import BLOCK_SIZE, MAX_LOG2N, MAX_PARALLEL, MIN_LOG2N, SALT_SIZE
from floorbroker.vault.keys import MAC_SIZE, MAX_WRAPS, WRAPPED_SIZE, bound

MAGIC = b"FBV1"
LENGTH_SIZE = 4
MAX_HEADER = 64 * 1024
MAX_RECORDS = 256  # a header has room for about 120
MAX_SEALED = 64 * 1024
MAX_FILE = 8 * 1024 * 1024
MAX_NUMBER = (1 << 53) - 1  # the largest integer that every reader of JSON agrees on
SHA256_SIZE = 32

PROFILE, BROKER, FIELD = r"^[a-z0-9][a-z0-9_-]{0,62}\Z", r"^[A-Z][A-Z0-9_]{0,31}\Z", r"^[A-Z][A-Z0-9_]{0,63}\Z"
MAX_FIELDS = 16
Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Counted = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
FieldName = Annotated[str, Meta(pattern=FIELD)]
_PATH = re.compile(r"at `(\$[A-Za-z0-9_.\[\]]*)`")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a header is."""


class Kdf(Part, frozen=True, kw_only=True):
    """How the passphrase becomes a key."""

    name: Literal["scrypt"] = "scrypt"
    log2n: int
    r: int
    p: int
    salt: Annotated[bytes, Meta(min_length=SALT_SIZE, max_length=SALT_SIZE)]


class Kek(Part, frozen=True, kw_only=True):
    """Which key-encryption key wraps the data keys, and how often it did."""

    id: Id
    wraps: Annotated[int, Meta(ge=0, le=MAX_WRAPS)]


class Entry(Part, frozen=True, kw_only=True):
    """One record: where it belongs, its wrapped data key, and what its sealed bytes are."""

    id: Id
    version: Counted
    profile: Annotated[str, Meta(pattern=PROFILE)]
    broker: Annotated[str, Meta(pattern=BROKER)]
    environment: Literal["sim", "paper", "live"]
    fields: Annotated[tuple[FieldName, ...], Meta(min_length=1, max_length=MAX_FIELDS)]
    dek: Id
    wrapped: Annotated[bytes, Meta(min_length=WRAPPED_SIZE, max_length=WRAPPED_SIZE)]
    size: Annotated[int, Meta(ge=1, le=MAX_SEALED)]
    sha256: Annotated[bytes, Meta(min_length=SHA256_SIZE, max_length=SHA256_SIZE)]

    @property
    def place(self) -> tuple[str, str, str]:
        """Whose record it is: profile, broker, environment."""
        return self.profile, self.broker, self.environment


class Header(Part, frozen=True, kw_only=True):
    """Everything but the sealed bytes."""

    version: int = 1
    vault: Id
    generation: Counted
    kdf: Kdf
    kek: Kek
    records: Annotated[tuple[Entry, ...], Meta(max_length=MAX_RECORDS)] = ()


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed file of which nothing is proven yet: `signed` is what `mac` vouches for."""

    header: Header
    signed: bytes
    mac: bytes
    sealed: tuple[bytes, ...]


class Malformed(Exception):
    """The bytes are no vault of ours; the text says in a few words why, and holds nothing of them."""


_decoder = msgspec.json.Decoder(Header)


# -- writing --------------------------------------------------------------------------------------------------------------


def signed_bytes(header: Header) -> bytes:
    """Magic, length and header: what the MAC is over.  Raises `VaultRefused` when there is no room for so many records."""
    text = canonical(header)
    if len(text) > MAX_HEADER:
        raise VaultRefused(
            "the vault is full: remove records that are not used (floorbroker broker list), then try again"
        )
    return MAGIC + len(text).to_bytes(LENGTH_SIZE, "big") + text


def canonical(header: Header) -> bytes:
    """The one spelling of a header."""
    return rfc8785.dumps(msgspec.to_builtins(header))


def check_names(profile: str, broker: str, fields: Iterable[str]) -> None:
    """Raises `InvalidRequest` naming what no record may be called."""
    names = list(fields)
    if not re.match(PROFILE, profile):
        raise InvalidRequest("profile: a name has 1 to 63 of a-z, 0-9, - and _, and begins with a letter or digit")
    if not re.match(BROKER, broker):
        raise InvalidRequest("broker: a code has 1 to 32 of A-Z, 0-9 and _, and begins with a letter")
    if not 1 <= len(names) <= MAX_FIELDS or not all(re.match(FIELD, name) for name in names):
        raise InvalidRequest(f"fields: a record has 1 to {MAX_FIELDS}, with names like BROKER_API_KEY")


def file_bytes(signed: bytes, mac: bytes, sealed: Iterable[bytes]) -> bytes:
    return b"".join((signed, mac, *sealed))


def context_of(vault_id: str, entry: Entry) -> bytes:
    """What a record's seal is bound to (RELIABILITY 8)."""
    place = (entry.profile, entry.broker, entry.environment)
    return bound("FBV1", vault_id, entry.id, str(entry.version), *place, entry.dek)


def wrap_context(vault_id: str, kek_id: str, entry: Entry) -> bytes:
    """What a wrapped data key is bound to."""
    return bound("FBV1", "dek", vault_id, kek_id, entry.dek, entry.id, str(entry.version))


# -- reading --------------------------------------------------------------------------------------------------------------


def parse(data: bytes) -> Parsed:
    """A file's parts.  Raises `Malformed`; nothing here is believed until its MAC was compared."""
    if len(data) > MAX_FILE:
        raise Malformed("it is larger than any vault")
    head = len(MAGIC) + LENGTH_SIZE
    _magic(data[: len(MAGIC)])
    length = int.from_bytes(data[len(MAGIC) : head], "big")
    if len(data) < head or not 0 < length <= MAX_HEADER or head + length + MAC_SIZE > len(data):
        raise Malformed("the length of its header is wrong")
    end = head + length
    header = _header(data[head:end])
    sealed = _cut(data[end + MAC_SIZE :], header.records)
    return Parsed(header=header, signed=data[:end], mac=data[end : end + MAC_SIZE], sealed=sealed)


def _magic(found: bytes) -> None:
    if found == MAGIC:
        return
    if found[:3] == MAGIC[:3] and found[3:].isdigit():
        raise Malformed("it is of a version that this program does not know; a newer Floorbroker wrote it")
    raise Malformed("it does not begin as a vault does")


def _header(text: bytes) -> Header:
    try:
        header = _decoder.decode(text)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, and so are those of broken UTF-8
        where = _PATH.search(str(error))
        raise Malformed("its header is not one of a vault" + (f" ({where.group(1)})" if where else "")) from None
    if header.version != 1:
        raise Malformed("its header is of a version that this program does not know; a newer Floorbroker wrote it")
    _bounded(header.kdf)
    if canonical(header) != text:  # a member twice, a space, another order or spelling: there is one way to write it
        raise Malformed("its header is not in canonical form")
    _distinct(header.records)
    return header


def _bounded(kdf: Kdf) -> None:
    """Before anything is derived: too cheap helps a thief, too dear exhausts the machine."""
    if not MIN_LOG2N <= kdf.log2n <= MAX_LOG2N or kdf.r != BLOCK_SIZE or not 1 <= kdf.p <= MAX_PARALLEL:
        raise Malformed(
            f"it asks for a key derivation outside N = 2^{MIN_LOG2N} to 2^{MAX_LOG2N}, r = {BLOCK_SIZE}, p = 1 to {MAX_PARALLEL}"
        )


def _distinct(records: Sequence[Entry]) -> None:
    for what, found in (
        ("record id", [entry.id for entry in records]),
        ("data key id", [entry.dek for entry in records]),
        ("place", [entry.place for entry in records]),
    ):
        if len(set(found)) != len(found):
            raise Malformed(f"the same {what} stands in it twice")
    if any(len(set(entry.fields)) != len(entry.fields) for entry in records):
        raise Malformed("the same field stands twice in one of its records")


def _cut(rest: bytes, records: Sequence[Entry]) -> tuple[bytes, ...]:
    if sum(entry.size for entry in records) != len(rest):
        raise Malformed("its length is not the sum of its parts")
    cut: list[bytes] = []
    at = 0
    for entry in records:
        cut.append(rest[at : at + entry.size])
        at += entry.size
    return tuple(cut)


def check_records(parsed: Parsed) -> None:
    """Each record is the one that the header names.  Raises `Malformed`.  Called once the header is proven."""
    for entry, sealed in zip(parsed.header.records, parsed.sealed, strict=True):
        if hashlib.sha256(sealed).digest() != entry.sha256:
            raise Malformed(f"the record of profile {entry.profile} was changed")
