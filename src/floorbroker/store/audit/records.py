"""A record of the audit as it stands in a file: a row, the MAC of the record before it, and its own.

`mac = HMAC-SHA-256(k, 0x00 | prev | canonical row)`, where `prev` is the 32 bytes of the MAC before and `k` the key of this
record; the key of the next is SHA-256("ratchet" | k).
"""

from __future__ import annotations

import hmac

import msgspec

from floorbroker.store.audit.rows import Row, canonical


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The members of a row, `mac` and `prev`, in canonical order."""

    action: str
    actor: str
    detail: dict[str, str]
    env: str
    epoch: str
    mac: str
    mono: str
    node: str
    object: str
    outcome: str
    prev: str
    profile: str
    reason: str
    req: str
    seq: str
    ts: str
    v: str
    via: str


encode = msgspec.json.Encoder().encode


def mac_of(key: bytes, prev: bytes, row: bytes) -> bytes:
    """The MAC of a canonical row behind the record whose MAC is `prev`."""
    return hmac.digest(key, b"\0" + prev + row, "sha256")


def sealed(row: Row, *, key: bytes, prev: str) -> tuple[bytes, str]:
    """A row as a line of the chain, without a line feed; and its MAC.

    The two members are put where canonical order wants them.  Behind `detail` there are only texts, in which a quotation mark is
    escaped: the last such words are the members themselves.
    """
    bare = canonical(row)
    mac = mac_of(key, bytes.fromhex(prev), bare).hex()
    mono, profile = bare.rfind(b'"mono":"'), bare.rfind(b'"profile":"')
    line = b"".join(
        (
            bare[:mono],
            b'"mac":"',
            mac.encode(),
            b'",',
            bare[mono:profile],
            b'"prev":"',
            prev.encode(),
            b'",',
            bare[profile:],
        )
    )
    return line, mac
