"""From a passphrase to the key everything else hangs on: scrypt, behind a port so that tests need not pay for it.

The cost is bounded on both sides before anything is derived: a file that asks for less than 2^17 would give a thief cheap
guesses, one that asks for more than 2^20 would take more than a gigabyte of memory.  No setting, variable or file chooses the
derivation; only code hands in another one.
"""

from __future__ import annotations

import unicodedata
from typing import Protocol

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as _Scrypt

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.secret import Secret

KEY_SIZE = 32
SALT_SIZE = 32
MIN_LOG2N, DEFAULT_LOG2N, MAX_LOG2N = 17, 18, 20
BLOCK_SIZE = 8  # scrypt's r: with it, 2^18 rounds take 256 MiB
DEFAULT_PARALLEL, MAX_PARALLEL = 1, 4
MIN_PASSPHRASE, MAX_PASSPHRASE = 15, 1024


class KeyDerivation(Protocol):
    """Derives the 32 bytes of a passphrase.  Slow on purpose: never called on an event loop."""

    def derive(self, passphrase: bytes, *, salt: bytes, log2n: int, r: int, p: int) -> bytes: ...


class Scrypt:
    """The derivation of every real vault (RFC 7914); 2^18 takes about a second and 256 MiB."""

    def derive(self, passphrase: bytes, *, salt: bytes, log2n: int, r: int, p: int) -> bytes:
        check_cost(log2n=log2n, r=r, p=p)
        return _Scrypt(salt=salt, length=KEY_SIZE, n=1 << log2n, r=r, p=p).derive(passphrase)


SCRYPT = Scrypt()


def check_cost(*, log2n: int, r: int, p: int) -> None:
    """Raises `InvalidRequest` for a cost that no vault may have."""
    if not MIN_LOG2N <= log2n <= MAX_LOG2N:
        raise InvalidRequest(f"a vault's scrypt cost is 2^{MIN_LOG2N} to 2^{MAX_LOG2N}; 2^{log2n} was asked for")
    if r != BLOCK_SIZE or not 1 <= p <= MAX_PARALLEL:
        raise InvalidRequest(f"a vault's scrypt has r = {BLOCK_SIZE} and p = 1 to {MAX_PARALLEL}")


def passphrase_bytes(passphrase: Secret) -> bytes:
    """What is derived: composed Unicode (NFC) in UTF-8, so that the same passphrase from another keyboard is the same."""
    return unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")


def check_new_passphrase(passphrase: Secret) -> None:
    """Raises `InvalidRequest` for a passphrase too short to stand against a thief who has the file, or absurdly long."""
    length = len(unicodedata.normalize("NFC", passphrase.reveal()))
    if length < MIN_PASSPHRASE:
        raise InvalidRequest(f"a vault's passphrase has at least {MIN_PASSPHRASE} characters: several words are good")
    if length > MAX_PASSPHRASE:
        raise InvalidRequest(f"a vault's passphrase has at most {MAX_PASSPHRASE} characters")
