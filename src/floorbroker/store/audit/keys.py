"""The key of the chain: where the audit stands, in a file of two slots (0600), of which one at a time is filled.

A step of the ratchet is written to the empty slot and flushed; then the other slot, with the key before it, is overwritten
with zeros.  A slot that is cut short does not match its own sum and is not looked at, so that each moment has a valid one.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.secret import Secret
from floorbroker.store.audit.checkpoint import tree_of
from floorbroker.store.audit.files import Files, put
from floorbroker.store.audit.merkle import Frontier
from floorbroker.store.audit.rows import VERSION

SLOT_BYTES = 8192
RATCHET = b"ratchet"


def ratcheted(key: bytes) -> bytes:
    """The key of the next record."""
    return sha256(RATCHET + key).digest()


class _Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    turn: int
    env: str
    log: str
    size: int
    head: str
    key: str
    frontier: list[str]
    segment: int
    offset: int
    checkpoint: int
    checkpointed: int
    checkpointed_at: str
    v: str = VERSION

    def __repr__(self) -> str:
        return f"<{self.size} records of {self.env}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything up to here is durable: `size` records, the last MAC `head`, and `offset` bytes of segment `segment`.

    `key` is for the next record.  `checkpoint` is the number of the last checkpoint, made over `checkpointed` records.
    """

    env: str
    log: str
    size: int
    head: str
    key: Secret
    tree: Frontier
    segment: int
    offset: int
    checkpoint: int
    checkpointed: int
    checkpointed_at: str
    turn: int = 0


def create(files: Files, path: Path, standing: Standing) -> None:
    """The file of a new chain, whole or not at all.  Raises `OSError`."""
    put(files, path, _packed(standing) + bytes(SLOT_BYTES))


def save(files: Files, path: Path, standing: Standing) -> None:
    """Durable when it returns; then the key before is gone.  Raises `OSError`."""
    turn = standing.turn
    descriptor = files.open(path)
    try:
        files.write(descriptor, turn % 2 * SLOT_BYTES, _packed(standing))
        files.sync(descriptor)
        files.write(
            descriptor, (turn + 1) % 2 * SLOT_BYTES, bytes(SLOT_BYTES)
        )  # durable with the next turn at the latest
    finally:
        files.close(descriptor)


def load(path: Path) -> Standing | None:
    """Where the chain stands; None where it never began.  Raises `JournalFault` for a file that holds nothing valid."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalFault(f"{path} cannot be read: {error.strerror}") from error
    slots = [slot for start in (0, SLOT_BYTES) if (slot := _unpacked(data[start : start + SLOT_BYTES])) is not None]
    if not slots:
        raise JournalFault(f"{path} holds no key of the audit's chain")
    return max(slots, key=lambda slot: slot.turn)


def _packed(standing: Standing) -> bytes:
    slot = _Slot(
        turn=standing.turn,
        env=standing.env,
        log=standing.log,
        size=standing.size,
        head=standing.head,
        key=standing.key.reveal(),
        frontier=[peak.hex() for peak in standing.tree.peaks],
        segment=standing.segment,
        offset=standing.offset,
        checkpoint=standing.checkpoint,
        checkpointed=standing.checkpointed,
        checkpointed_at=standing.checkpointed_at,
    )
    body = msgspec.json.encode(slot) + b"\n"
    return (sha256(body).hexdigest().encode() + b" " + body).ljust(SLOT_BYTES, b"\0")


def _unpacked(data: bytes) -> Standing | None:
    checksum, _, rest = data.rstrip(b"\0").partition(b" ")
    if sha256(rest).hexdigest().encode() != checksum:
        return None
    try:
        slot = msgspec.json.decode(rest, type=_Slot)
        tree = tree_of(slot.size, slot.frontier)
    except (msgspec.MsgspecError, ValueError):
        return None
    return Standing(
        env=slot.env,
        log=slot.log,
        size=slot.size,
        head=slot.head,
        key=Secret(slot.key),
        tree=tree,
        segment=slot.segment,
        offset=slot.offset,
        checkpoint=slot.checkpoint,
        checkpointed=slot.checkpointed,
        checkpointed_at=slot.checkpointed_at,
        turn=slot.turn,
    )
