"""Records under the passphrase's key: sealed, unsealed, carried over to another key.  Plain functions; nothing is kept."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping

import msgspec
import rfc8785

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.secret import Secret
from floorbroker.vault.format import (
    MAX_SEALED,
    Entry,
    Header,
    Kdf,
    Kek,
    Parsed,
    context_of,
    file_bytes,
    parse,
    signed_bytes,
    wrap_context,
)
from floorbroker.vault.keys import KEY_SIZE, NONCE_SIZE, Keys, SealBroken, keys_of, mac_of, seal, unseal, wipe

Random = Callable[[int], bytes]

_PAD = 256  # sealed messages are multiples of this, so that their size does not tell how long a secret is
_LENGTH = 4
_MAX_VALUE = 16 * 1024


# -- one record -------------------------------------------------------------------------------------------------------------


def sealed_record(
    master: bytearray, header: Header, place: Entry, message: bytearray, random: Random
) -> tuple[Entry, bytes]:
    """The entry of `place` and its sealed bytes, under a fresh data key; `message` is written over with zeros."""
    keys, dek = _keys(master, header), bytearray(random(KEY_SIZE))
    try:
        sealed = seal(dek, message, nonce=random(NONCE_SIZE), context=context_of(header.vault, place))
        wrapped = _wrap(keys, dek, header=header, entry=place, nonce=random(NONCE_SIZE))
    finally:
        keys.wipe()
        wipe(dek)
        wipe(message)
    digest = hashlib.sha256(sealed).digest()
    return msgspec.structs.replace(place, wrapped=wrapped, size=len(sealed), sha256=digest), sealed


def unsealed_record(master: bytearray, header: Header, entry: Entry, sealed: bytes) -> Mapping[str, Secret]:
    """The fields of a record.  Raises `SealBroken` for one that was not sealed for this entry of this vault."""
    keys, dek = _keys(master, header), bytearray()
    try:
        dek = _unwrap(keys, header=header, entry=entry)
        return values_of(entry, unseal(dek, sealed, context=context_of(header.vault, entry)))
    finally:
        keys.wipe()
        wipe(dek)


# -- the whole --------------------------------------------------------------------------------------------------------------


def rewrapped(header: Header, *, old: bytearray, new: bytearray, kdf: Kdf, kek_id: str, random: Random) -> Header:
    """The same records, every data key wrapped anew under another key.  Raises `SealBroken`."""
    after = msgspec.structs.replace(header, kdf=kdf, kek=Kek(id=kek_id, wraps=len(header.records)))
    before, later = _keys(old, header), _keys(new, after)

    def carried(entry: Entry) -> Entry:
        dek = _unwrap(before, header=header, entry=entry)
        wrapped = _wrap(later, dek, header=after, entry=entry, nonce=random(NONCE_SIZE))
        wipe(dek)
        return msgspec.structs.replace(entry, wrapped=wrapped)

    try:
        return msgspec.structs.replace(after, records=tuple(map(carried, header.records)))
    finally:
        before.wipe()
        later.wipe()


def framed(header: Header, sealed: tuple[bytes, ...], master: bytearray) -> bytes:
    """The file.  What this program would not read again never gets as far as a disk."""
    signed = signed_bytes(header)
    raw = file_bytes(signed, _mac(header, signed, master), sealed)
    parse(raw)
    return raw


def is_proven(parsed: Parsed, master: bytearray) -> bool:
    """Whether the header's MAC is that of this key."""
    return hmac.compare_digest(_mac(parsed.header, parsed.signed, master), parsed.mac)


def _mac(header: Header, signed: bytes, master: bytearray) -> bytes:
    keys = _keys(master, header)
    try:
        return mac_of(keys.mac, signed)
    finally:
        keys.wipe()


def _keys(master: bytearray, header: Header) -> Keys:
    return keys_of(master, vault_id=header.vault, kek_id=header.kek.id)


def _wrap(keys: Keys, dek: bytearray, *, header: Header, entry: Entry, nonce: bytes) -> bytes:
    return seal(keys.kek, dek, nonce=nonce, context=wrap_context(header.vault, header.kek.id, entry))


def _unwrap(keys: Keys, *, header: Header, entry: Entry) -> bytearray:
    return bytearray(unseal(keys.kek, entry.wrapped, context=wrap_context(header.vault, header.kek.id, entry)))


# -- the message ------------------------------------------------------------------------------------------------------------


def message_of(fields: Mapping[str, Secret]) -> bytearray:
    """Length, canonical JSON, and zeros up to the next multiple of 256.  Raises `InvalidRequest` naming a wrong field."""
    for name, value in fields.items():
        size = len(value.reveal().encode("utf-8", "surrogatepass"))
        if not 0 < size <= _MAX_VALUE:
            raise InvalidRequest(f"{name}: a value in the vault has 1 to {_MAX_VALUE} bytes")
    try:
        text = rfc8785.dumps({name: value.reveal() for name, value in fields.items()})
    except rfc8785.CanonicalizationError:
        raise InvalidRequest("a value in the vault is text in Unicode") from None
    whole = bytearray(len(text).to_bytes(_LENGTH, "big") + text)
    whole.extend(bytes(-len(whole) % _PAD))
    if len(whole) + _PAD > MAX_SEALED:
        raise InvalidRequest(f"the fields of one record have {MAX_SEALED - 2 * _PAD} bytes together at most")
    return whole


def values_of(entry: Entry, message: bytes) -> Mapping[str, Secret]:
    """The fields of an unsealed message.  Raises `SealBroken` for what does not match its entry."""
    length = int.from_bytes(message[:_LENGTH], "big")
    text, rest = message[_LENGTH : _LENGTH + length], message[_LENGTH + length :]
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
    except ValueError:  # msgspec's errors are, and so are those of broken UTF-8
        raise SealBroken from None
    if any(rest) or tuple(sorted(found)) != entry.fields:
        raise SealBroken
    return {name: Secret(value) for name, value in found.items()}
