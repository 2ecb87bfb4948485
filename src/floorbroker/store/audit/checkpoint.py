"""Signed statements about the audit's tree, and what a segment begins with.

A checkpoint says how many records there are, the Merkle root over their lines, and the MAC of the last.  It is signed
with Ed25519 over `DOMAIN` and the canonical JSON without `sig`.  A segment's first line holds the checkpoint of its
beginning and the frontier of the tree, so that one that is read alone, its predecessors archived, can be verified on.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.store.audit.merkle import HASH_BYTES, Frontier, heights_of
from floorbroker.store.audit.rows import VERSION

DOMAIN = b"floorbroker audit checkpoint 1\n"
GENESIS = "0" * 64  # the `prev` of the first record
PEAKS_MAX = 48
SIGNATURE_BYTES = 64


class Unsigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What is signed; members in canonical order."""

    env: str
    head: str
    kind: str
    log: str
    number: str
    root: str
    size: str
    ts: str
    v: str


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """`log` is the SHA-256 of the public key: whose chain this is.  `number` counts the checkpoints of a log from 0."""

    env: str
    head: str
    kind: str
    log: str
    number: str
    root: str
    sig: str
    size: str
    ts: str
    v: str

    @property
    def unsigned(self) -> Unsigned:
        return Unsigned(
            env=self.env, head=self.head, kind=self.kind, log=self.log, number=self.number,
            root=self.root, size=self.size, ts=self.ts, v=self.v,
        )  # fmt: skip


class SegmentHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The first line of a segment; `number` is the one in its file name."""

    checkpoint: Checkpoint
    env: str
    frontier: list[str]
    kind: str
    number: str
    v: str


_ENCODE = msgspec.json.Encoder().encode
KIND, SEGMENT = "checkpoint", "segment"


def line_of(checkpoint: Checkpoint | SegmentHead) -> bytes:
    """As canonical JSON, without a line feed."""
    return _ENCODE(checkpoint)


def log_of(public: Ed25519PublicKey) -> str:
    """The name of a chain."""
    return sha256(public.public_bytes_raw()).hexdigest()


def signed(
    private: Ed25519PrivateKey, *, env: str, head: str, number: int, tree: Frontier, ts: str, log: str
) -> Checkpoint:
    """A checkpoint over the tree as it stands."""
    bare = Unsigned(
        env=env, head=head, kind=KIND, log=log, number=str(number), root=tree.root().hex(), size=str(tree.size),
        ts=ts, v=VERSION,
    )  # fmt: skip
    sig = private.sign(DOMAIN + _ENCODE(bare)).hex()
    return Checkpoint(
        env=env, head=head, kind=KIND, log=log, number=bare.number, root=bare.root, sig=sig, size=bare.size, ts=ts,
        v=VERSION,
    )  # fmt: skip


def is_signed_by(checkpoint: Checkpoint, public: Ed25519PublicKey) -> bool:
    """Whether the holder of the key said this, about the chain of that key."""
    try:
        public.verify(unhexed(checkpoint.sig, SIGNATURE_BYTES), DOMAIN + _ENCODE(checkpoint.unsigned))
    except (InvalidSignature, ValueError):
        return False
    return checkpoint.log == log_of(public)


def segment_head(checkpoint: Checkpoint, tree: Frontier, *, number: int) -> SegmentHead:
    """How a segment begins behind this tree."""
    frontier = [peak.hex() for peak in tree.peaks]
    return SegmentHead(
        checkpoint=checkpoint, env=checkpoint.env, frontier=frontier, kind=SEGMENT, number=str(number), v=VERSION
    )


def tree_of(size: int, peaks: list[str]) -> Frontier:
    """A frontier read from text.  Raises `ValueError` when it is none of a tree of that size."""
    if not 0 <= size < 1 << PEAKS_MAX or len(peaks) != len(heights_of(size)):
        raise ValueError("the frontier does not fit the size")
    return Frontier(size, [unhexed(peak, HASH_BYTES) for peak in peaks])


def unhexed(text: str, size: int) -> bytes:
    """The bytes of lower-case hexadecimal text, which has one spelling.  Raises `ValueError` for any other."""
    data = bytes.fromhex(text)
    if len(data) != size or data.hex() != text:
        raise ValueError(f"this is not {size} bytes in lower-case hexadecimal")
    return data


def public_pem(public: Ed25519PublicKey) -> bytes:
    """The public key as others read it."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - it loads ten times of what signing needs

    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_public(pem: bytes, *, where: str) -> Ed25519PublicKey:
    """Raises `ConfigInvalid` for anything but an Ed25519 public key in PEM."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    try:
        public = serialization.load_pem_public_key(pem)
    except ValueError:
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise ConfigInvalid(f"{where}: it holds no Ed25519 public key in PEM form")
    return public
