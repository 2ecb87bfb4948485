"""The file of the vault: its frame, its header, and the records behind a MAC that is right."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

import msgspec
import rfc8785

from floorbroker.domain.errors import VaultRefused
from floorbroker.vault.format import LENGTH_SIZE, MAGIC, MAX_HEADER, Header, file_bytes, parse
from floorbroker.vault.keys import MAC_SIZE
from tests.fuzz.target import Target
from tests.support.vaults import Opener, signed_again

HEAD = len(MAGIC) + LENGTH_SIZE
SIZE_MAX = 64 * 1024


def one_input(data: bytes) -> object:
    """What an opened vault says of itself.  What opens is exactly what writing it again would give."""
    vault = Opener().open(data)
    parsed = parse(data)
    assert file_bytes(parsed.signed, parsed.mac, parsed.sealed) == data, "two files for one vault"
    assert 17 <= vault.log2n <= 20, "a derivation out of bounds"
    vault.verify()
    return vault.records(), vault.known


def repair(data: bytes) -> bytes:
    """A header in its one spelling, sizes and sums that fit, and a right MAC: so that what lies behind them is reached."""
    found = _document(data)
    if found is None:
        return data
    document, rest = found
    records: Any = document.get("records")
    sealed: list[bytes] = []
    for entry in records if isinstance(records, list) else ():
        size = entry.get("size") if isinstance(entry, dict) else None
        if type(size) is int and 0 < size <= SIZE_MAX:
            sealed.append(rest[:size].ljust(size, b"\0"))
            rest = rest[size:]
            entry["sha256"] = msgspec.to_builtins(hashlib.sha256(sealed[-1]).digest())
    with suppress(msgspec.MsgspecError, VaultRefused, OverflowError, rfc8785.CanonicalizationError):
        return signed_again(msgspec.convert(document, Header), sealed, derive=Opener().derive)
    with suppress(rfc8785.CanonicalizationError, RecursionError):
        text = rfc8785.dumps(document)[:MAX_HEADER]
        return MAGIC + len(text).to_bytes(LENGTH_SIZE, "big") + text + bytes(MAC_SIZE) + b"".join(sealed)
    return data


def _document(data: bytes) -> tuple[dict[str, Any], bytes] | None:
    text = data[HEAD:].decode("latin-1")
    try:
        document, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return (document, data[HEAD + end + MAC_SIZE :]) if isinstance(document, dict) else None


TARGET = Target(name="vault", one_input=one_input, declared=(VaultRefused,), repair=repair)
