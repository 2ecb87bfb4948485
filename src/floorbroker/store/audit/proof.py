"""Proofs for somebody else: one record, or one checkpoint after another, checked with the public key alone.

An inclusion proof holds the record's own line, a signed checkpoint that covers it, and the hashes that lead from the one to
the other (RFC 6962).  A consistency proof holds two checkpoints and the hashes that show that the newer tree begins with
the older one: nothing that was signed before was changed or taken out since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from floorbroker.domain.errors import InvalidRequest, NotFound
from floorbroker.store.audit.checkpoint import Checkpoint, SegmentHead, is_signed_by, unhexed
from floorbroker.store.audit.merkle import (
    HASH_BYTES,
    Frontier,
    Range,
    RangeHashes,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    root_of_inclusion,
    roots_of_consistency,
)
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.records import Line
from floorbroker.store.audit.rows import VERSION
from floorbroker.store.audit.walk import Walk

INCLUSION, CONSISTENCY = "inclusion", "consistency"
_NUMBER = re.compile(r"\d{1,18}")


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`line` is the record as it stands in the file, for an inclusion proof; `old` the older checkpoint, for the other."""

    kind: str
    checkpoint: Checkpoint
    path: list[str]
    line: str | None = None
    old: Checkpoint | None = None
    v: str = VERSION


def prove_record(places: Places, public: Ed25519PublicKey, seq: int) -> Proof:
    """That record `seq` is part of the newest checkpoint.

    Raises `NotFound` where it is not in these files or no checkpoint covers it yet, `Found` where the files are not sound.
    """
    point = newest_checkpoint(places)
    if not 0 < seq <= int(point.size):
        raise NotFound(f"no checkpoint covers record {seq} yet: the newest is over {point.size} records")
    ranges = inclusion_ranges(seq - 1, int(point.size))
    found = _Collected(ranges, seq, upto=int(point.number))
    found.collect(places, public)
    if found.line is None:
        raise NotFound(f"record {seq} is not in these files: older segments were moved away")
    return Proof(kind=INCLUSION, checkpoint=point, path=found.path(ranges), line=found.line.decode())


def prove_extension(places: Places, public: Ed25519PublicKey, old_size: int) -> Proof:
    """That the newest checkpoint goes on from the one over `old_size` records.  Raises as `prove_record` does."""
    point = newest_checkpoint(places)
    if not 0 < old_size <= int(point.size):
        raise NotFound(f"the newest checkpoint is over {point.size} records")
    old = next((known for known in checkpoints(places) if known.size == str(old_size)), None)
    if old is None:
        raise NotFound(f"there is no checkpoint over {old_size} records in these files")
    ranges = consistency_ranges(old_size, int(point.size))
    found = _Collected(ranges, 0, upto=int(point.number))
    found.collect(places, public)
    return Proof(kind=CONSISTENCY, checkpoint=point, path=found.path(ranges), old=old)


def objection(proof: Proof, public: Ed25519PublicKey) -> str:
    """What is wrong with a proof; empty when it proves what it says."""
    if not is_signed_by(proof.checkpoint, public):
        return "the checkpoint is not signed by this key"
    try:
        path = [unhexed(text, HASH_BYTES) for text in proof.path]
        size, root = int(proof.checkpoint.size), unhexed(proof.checkpoint.root, HASH_BYTES)
        if proof.kind == INCLUSION and proof.line is not None:
            return _not_included(proof.line, size, root, path)
        if proof.kind == CONSISTENCY and proof.old is not None:
            return _not_extended(proof.old, size, root, path, public)
    except (ValueError, msgspec.MsgspecError) as error:
        return f"it cannot be read: {error}"
    return f"{proof.kind[:20]!a} is no kind of proof, or a part of it is missing"


def _not_included(line: str, size: int, root: bytes, path: list[bytes]) -> str:
    record = msgspec.json.decode(line, type=Line)
    found = root_of_inclusion(leaf_hash(line.encode()), place=int(record.seq) - 1, size=size, path=path)
    return "" if found == root else f"record {record.seq} is not part of what was signed"


def _not_extended(old: Checkpoint, size: int, root: bytes, path: list[bytes], public: Ed25519PublicKey) -> str:
    if not is_signed_by(old, public):
        return "the older checkpoint is not signed by this key"
    before = unhexed(old.root, HASH_BYTES)
    found = roots_of_consistency(old=int(old.size), size=size, old_root=before, path=path)
    return "" if found == (before, root) else "the newer checkpoint does not go on from the older one"


def read_proof(data: bytes, *, where: str) -> Proof:
    """Raises `InvalidRequest` for anything that is no proof."""
    try:
        return msgspec.json.decode(data, type=Proof)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"{where}: this is no proof of the audit ({error})") from None


# -- reading along ------------------------------------------------------------------------------------------------------


def checkpoints(places: Places) -> Iterator[Checkpoint]:
    """Every checkpoint in these files, as it stands there, oldest first; heads of segments included."""
    for _, path in places.segments():
        with path.open("rb") as lines:
            for line in lines:
                if not line.startswith(b'{"action"') and line.endswith(b"\n"):
                    yield _point(line)


def newest_checkpoint(places: Places) -> Checkpoint:
    """The last one.  Raises `NotFound` where there is none."""
    found: Checkpoint | None = None
    for number, path in places.segments()[-1:]:
        del number
        with path.open("rb") as lines:
            for line in lines:
                if not line.startswith(b'{"action"') and line.endswith(b"\n"):
                    found = _point(line)
    if found is None:
        raise NotFound(f"no audit of {places.environment.value} in {places.folder}")
    return found


def _point(line: bytes) -> Checkpoint:
    try:
        is_head = line.startswith(b'{"checkpoint"')
        point = (
            msgspec.json.decode(line, type=SegmentHead).checkpoint
            if is_head
            else msgspec.json.decode(line, type=Checkpoint)
        )
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotFound(f"a checkpoint cannot be read: {error}; see: floorbroker audit verify") from None
    if not (_NUMBER.fullmatch(point.size) and _NUMBER.fullmatch(point.number)):
        raise NotFound("a checkpoint has no numbers where they should be; see: floorbroker audit verify")
    return point


def records_between(places: Places, *, since: str, until: str) -> Iterator[bytes]:
    """Lines of records whose `ts` is at or after `since` and before `until`, as they stand; empty bounds let all pass."""
    for _, path in places.segments():
        with path.open("rb") as lines:
            for line in lines:
                if line.startswith(b'{"action"') and line.endswith(b"\n"):
                    ts = _stamp(line)
                    if (not since or ts >= since) and (not until or ts < until):
                        yield line


def _stamp(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Stamp).ts
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotFound(f"a record cannot be read: {error}; see: floorbroker audit verify") from None


class _Stamp(msgspec.Struct):
    ts: str


@dataclass(slots=True)
class _Collected:
    """The hashes of some ranges, and one record, from the files up to checkpoint `upto`, which are verified on the way."""

    ranges: list[Range]
    seq: int
    upto: int
    hashes: RangeHashes = field(init=False)
    line: bytes | None = None

    def __post_init__(self) -> None:
        self.hashes = RangeHashes(self.ranges)

    def collect(self, places: Places, public: Ed25519PublicKey) -> None:
        walk = Walk(
            environment=places.environment.value,
            public=public,
            on_leaf=self._leaf,
            on_line=self._line,
            on_begin=self._begin,
        )
        for number, path in places.segments():
            for _, line in walk.enter(path, number=number):
                walk.take(line)
                if walk.number == self.upto:
                    return

    def path(self, ranges: list[Range]) -> list[str]:
        return [found.hex() for found in self.hashes.hashes(ranges)]

    def _begin(self, tree: Frontier) -> None:
        try:
            self.hashes = RangeHashes(self.ranges, start=tree)
        except ValueError:
            raise NotFound("what is to be proven lies in segments that were moved away") from None

    def _leaf(self, number: int, leaf: bytes) -> None:
        del number
        self.hashes.add(leaf)

    def _line(self, number: int, line: bytes) -> None:
        if number == self.seq:
            self.line = line
