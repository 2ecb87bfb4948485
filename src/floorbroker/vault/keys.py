"""The keys under the passphrase's: what wraps data keys, what vouches for the header, what seals one record.

From the passphrase's 32 bytes HKDF makes a key-encryption key (KEK) and a MAC key, both bound to the vault and to the KEK's id.
Every version of every record has a data key (DEK) of its own that seals one message and no other, so no nonce repeats under it.
Everything sealed is bound to where it belongs by associated data, each part with its length in front.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE, NONCE_SIZE, TAG_SIZE, MAC_SIZE = 32, 12, 16, 32
WRAPPED_SIZE = NONCE_SIZE + KEY_SIZE + TAG_SIZE
MAX_WRAPS = 1 << 20  # random nonces under one KEK: far from where two of them could meet
Key = bytes | bytearray


class SealBroken(Exception):
    """What was sealed does not open here: changed, or sealed for another place."""


@dataclass(slots=True)
class Keys:
    """A KEK and its MAC key; `wipe` writes zeros over both."""

    kek: bytearray
    mac: bytearray

    def wipe(self) -> None:
        wipe(self.kek)
        wipe(self.mac)


def keys_of(master: Key, *, vault_id: str, kek_id: str) -> Keys:
    """The two keys of one vault and one KEK id."""
    return Keys(
        kek=_expand(master, "kek", vault_id, kek_id),
        mac=_expand(master, "mac", vault_id, kek_id),
    )


def _expand(master: Key, purpose: str, vault_id: str, kek_id: str) -> bytearray:
    info = bound("FBV1", purpose, vault_id, kek_id)
    key = bytearray(KEY_SIZE)
    HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info).derive_into(master, key)  # no copy left behind
    return key


def bound(*parts: str) -> bytes:
    """The parts in one row of bytes, each with its length in front: two different rows are never the same bytes."""
    encoded = [part.encode("utf-8") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def mac_of(key: Key, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def seal(key: Key, message: Key, *, nonce: bytes, context: bytes) -> bytes:
    """Nonce, ciphertext and tag."""
    return nonce + AESGCM(key).encrypt(nonce, message, context)


def unseal(key: Key, sealed: bytes, *, context: bytes) -> bytes:
    """The message.  Raises `SealBroken` for anything but what `seal` made with this key for this context."""
    if len(sealed) < NONCE_SIZE + TAG_SIZE:
        raise SealBroken
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], context)
    except InvalidTag:
        raise SealBroken from None


def wipe(key: bytearray) -> None:
    """Zeros over a key.  What a library copied on the way is out of our reach."""
    key[:] = bytes(len(key))
