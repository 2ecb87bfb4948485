"""One walk along the lines of a chain: every record, checkpoint and head of a segment, in order, with memory that does
not grow.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from floorbroker.store.audit.chain import CHECKPOINT_RECORDS
from floorbroker.store.audit.checkpoint import (
    GENESIS,
    Checkpoint,
    SegmentHead,
    is_signed_by,
    log_of,
    tree_of,
)
from floorbroker.store.audit.evidence import Finding, Found
from floorbroker.store.audit.keys import RATCHET
from floorbroker.store.audit.merkle import Frontier
from floorbroker.store.audit.records import Line, encode, mac_of
from floorbroker.store.audit.rows import VERSION

LINE_MAX = 1024 * 1024
BREATH = 64
_RECORD, _CHECKPOINT, _SEGMENT = b'{"action":', b'{"env":', b'{"checkpoint":'
_LINE = msgspec.json.Decoder(Line)
_POINT = msgspec.json.Decoder(Checkpoint)
_HEAD = msgspec.json.Decoder(SegmentHead)
T = TypeVar("T")

Hear = Callable[[int, bytes], None]
"""Told of a record's number and its canonical row; of a checkpoint's line, with the tree at that size."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """Where the walk stands.  `key` is the key of the next record, None where the MACs cannot be looked at.

    `on_row` hears of each record (number, canonical row), `on_leaf` of each line's hash, `on_checkpoint` of each checkpoint
    that was proven.  Every method raises `Found` at the first thing that is wrong.
    """

    environment: str
    public: Ed25519PublicKey
    first: bytes | None = None
    on_row: Hear = lambda _number, _row: None
    on_leaf: Hear = lambda _number, _leaf: None
    on_line: Hear = lambda _number, _line: None
    on_checkpoint: Callable[[Checkpoint], None] = lambda _: None
    on_begin: Callable[[Frontier], None] = lambda _: None
    breathe: Callable[[], None] = lambda: None
    tree: Frontier = field(default_factory=Frontier)
    head: str = GENESIS
    key: bytes | None = None
    number: int = -1
    checkpointed: int = 0
    began_at: int | None = None
    segment: int = 0
    file: str = ""
    place: int = 0
    last_point: Checkpoint | None = None
    log: str = field(init=False)

    def __post_init__(self) -> None:
        self.log = log_of(self.public)

    @property
    def where(self) -> str:
        """The file and the line that is looked at."""
        return f"{self.file}:{self.place}"

    @property
    def size(self) -> int:
        """How many records lie behind."""
        return self.tree.size

    def enter(self, path: Path, *, number: int) -> Iterator[tuple[int, bytes]]:
        """A segment: its head is checked here, its other lines are handed out with the offset behind each, unchecked."""
        offset, self.file, self.place = 0, path.name, 0
        with path.open("rb") as file:
            while line := file.readline(LINE_MAX):
                offset += len(line)
                self.place += 1
                if self.place == 1:
                    self._begin(line, number)
                else:
                    yield offset, line
        if self.place == 0:
            self.wrong("segment", self.size + 1, f"{path.name} is empty: it begins with no head")

    def take(self, line: bytes) -> None:
        """The next line of the segment, with its line feed."""
        if not line.endswith(b"\n"):
            self.wrong("truncated", self.size + 1, "the line is cut short, or longer than a mebibyte")
        line = line[:-1]
        if line.startswith(_RECORD):
            self._record(line)
        elif line.startswith(_CHECKPOINT):
            self._checkpoint(line)
        else:
            self.wrong("malformed", self.size + 1, "this is neither a record nor a checkpoint")

    # -- records ----------------------------------------------------------------------------------------------------------

    def _record(self, line: bytes) -> None:
        tree = self.tree
        number = tree.size + 1
        record = self._read(_LINE, line, number)
        if record.seq != str(number):
            self.wrong("gap", number, f"record {number} should stand here, and {record.seq[:20]!a} does")
        if number - 1 - self.checkpointed >= CHECKPOINT_RECORDS:
            self.wrong("checkpoint", number - 1, f"the checkpoint over {number - 1} records is missing")
        row = self._link(record, line, number)
        leaf = sha256(b"\0" + line).digest()
        tree.add(leaf)
        self.head = record.mac
        self.on_row(number, row)
        self.on_leaf(number, leaf)
        self.on_line(number, line)
        if not number % BREATH:
            self.breathe()

    def _link(self, record: Line, line: bytes, number: int) -> bytes:
        """That a record follows the one before it; its canonical row."""
        if record.env != self.environment or record.v != VERSION:
            self.wrong("malformed", number, f"this is a record of {record.env[:20]!a}, version {record.v[:20]!a}")
        if record.prev != self.head:
            self.wrong("changed", number, f"record {number} does not follow the MAC of the record before it")
        if not _is_hash(record.mac):
            self.wrong("changed", number, "the MAC is not 32 bytes in lower-case hex")
        row, key = row_in(line), self.key
        if key is not None:
            if not hmac.compare_digest(mac_of(key, bytes.fromhex(self.head), row).hex(), record.mac):
                self.wrong("changed", number, f"the MAC of record {number} does not fit what it says")
            self.key = sha256(RATCHET + key).digest()
        return row

    # -- checkpoints ------------------------------------------------------------------------------------------------------

    def _checkpoint(self, line: bytes) -> None:
        self._proven(self._read(_POINT, line, self.size + 1))

    def _proven(self, point: Checkpoint) -> None:
        size = self.size
        if not is_signed_by(point, self.public):
            self.wrong("checkpoint", size, f"the checkpoint over {point.size[:20]!a} records is not signed by this key")
        if point.env != self.environment or point.kind != "checkpoint" or point.v != VERSION:
            self.wrong("checkpoint", size, f"this is a checkpoint of {point.env[:20]!a}, version {point.v[:20]!a}")
        if point.size != str(size):
            kind = (
                "gap" if int(point.size) > size else "checkpoint"
            )  # signed records are not here, or it is out of place
            self.wrong(
                kind, self._place_of(point), f"a checkpoint over {point.size} records stands behind record {size}"
            )
        if point.number != str(self.number + 1):
            since = self.checkpointed + 1
            self.wrong("checkpoint", since, f"checkpoint {self.number + 1} is missing: {point.number} stands here")
        if point.root != self.tree.root().hex() or point.head != self.head:
            since = self.checkpointed + 1
            self.wrong("changed", since, f"one of the records {since} to {size} is not the one that was signed")
        self.number, self.checkpointed, self.last_point = self.number + 1, size, point
        self.on_checkpoint(point)

    def _place_of(self, point: Checkpoint) -> int:
        """The first record behind the place where a signed checkpoint should have stood, if it is behind us; else the next."""
        is_late = int(point.number) > self.number and int(point.size) < self.size
        return 1 + (int(point.size) if is_late else self.size)

    # -- segments ---------------------------------------------------------------------------------------------------------

    def _begin(self, line: bytes, number: int) -> None:
        if not line.endswith(b"\n"):
            self.wrong("segment", self.size + 1, "the head of the segment is cut short")
        head = self._read(_HEAD, line[:-1], self.size + 1, kind="segment")
        if head.number != str(number) or head.env != self.environment or head.v != VERSION or head.kind != "segment":
            self.wrong(
                "segment", self.size + 1, f"this is the head of segment {head.number[:20]!a} of {head.env[:20]!a}"
            )
        point = head.checkpoint
        if not is_signed_by(point, self.public):
            self.wrong("segment", self.size + 1, "the head of the segment is not signed by this key")
        tree = self._tree(head)
        if self.began_at is None:
            self._begin_here(point, tree)
        elif head.frontier != [peak.hex() for peak in self.tree.peaks]:
            detail = f"segment {number} does not go on where the one before it ends"
            self.wrong("segment", self._place_of(point), detail)
        self.segment = number
        self._proven(point)

    def _tree(self, head: SegmentHead) -> Frontier:
        """The frontier in a head; the signed root vouches for it."""
        try:
            tree = tree_of(int(head.checkpoint.size), head.frontier)
        except ValueError:
            self.wrong("segment", self.size + 1, "the frontier in the head of the segment cannot be read")
        if tree.root().hex() != head.checkpoint.root:
            self.wrong("segment", self.size + 1, "the frontier in the head of the segment is not the signed one")
        return tree

    def _begin_here(self, point: Checkpoint, tree: Frontier) -> None:
        """The first segment at hand: the chain's own beginning, or the signed head of what was archived."""
        if tree.size == 0 and (point.number != "0" or point.head != GENESIS):
            self.wrong("segment", 1, "the chain does not begin at its beginning")
        self.began_at, self.tree, self.head = tree.size, tree, point.head
        self.number, self.checkpointed = int(point.number) - 1, tree.size
        key = self.first
        for _ in range(tree.size if key is not None else 0):
            key = sha256(RATCHET + key).digest() if key is not None else None
        self.key = key
        self.on_begin(tree.copy())

    # -- wrong ------------------------------------------------------------------------------------------------------------

    def _read(self, decoder: msgspec.json.Decoder[T], line: bytes, seq: int, *, kind: str = "malformed") -> T:
        try:
            read = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.wrong(kind, seq, "this line is not as the audit writes it")
        if encode(read) != line:
            self.wrong(kind, seq, "this line is not in canonical form")
        return read

    def wrong(self, kind: str, seq: int, detail: str) -> NoReturn:
        """End the walk here."""
        raise Found(Finding(kind=kind, seq=seq, where=self.where, detail=detail))


def row_in(line: bytes) -> bytes:
    """The canonical row in the line of a record: without `mac` and `prev`, whose values are 64 characters.

    Behind `detail` there are only texts, in which a quotation mark is escaped: the last such words are the members themselves.
    """
    prev = line.rfind(b'"prev":"')
    mac = line.rfind(b'"mac":"', 0, prev)
    return line[:mac] + line[mac + _MAC : prev] + line[prev + _PREV :]


_MAC, _PREV = len('"mac":"",') + 64, len('"prev":"",') + 64


def _is_hash(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")
