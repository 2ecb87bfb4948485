"""The chain that the audit's rows leave in: lines, then the key; so that a crash neither skips nor doubles a row.

A batch is made in memory.  First its lines are appended and flushed, then the key is moved on and flushed, and only then
is the batch done.  What stands behind the offset that the key knows was never done: it is cut off, and made again from
the journal, with the same key and to the same bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import time_text
from floorbroker.store.audit import keys, records
from floorbroker.store.audit.checkpoint import (
    GENESIS,
    Checkpoint,
    line_of,
    log_of,
    public_pem,
    segment_head,
    signed,
)
from floorbroker.store.audit.files import Files, put, told
from floorbroker.store.audit.keys import Standing, ratcheted
from floorbroker.store.audit.merkle import Frontier, leaf_hash
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.rows import Row

SEGMENT_BYTES = 64 * 1024 * 1024
CHECKPOINT_RECORDS = 1000
CHECKPOINT_AFTER = timedelta(seconds=60)
BREATH = 16  # rows between two breaths
TAIL_BYTES = 64 * 1024

Escrow = Callable[[Secret], None]
"""Puts a chain's first key away, durably: into the vault, or apart in the home."""


class ChainBroken(JournalFault):
    """The files do not hold what the key says they hold; only a person can say what happened."""


@dataclass(slots=True)
class _Draft:
    """A batch on its way: where the chain would stand, and the bytes that lead there."""

    head: str
    key: bytes
    tree: Frontier
    checkpoint: int
    checkpointed: int
    checkpointed_at: str
    data: bytearray = field(default_factory=bytearray)
    made: list[Checkpoint] = field(default_factory=list[Checkpoint])


@dataclass(slots=True, kw_only=True)
class Chain:
    """The writing end.  Made by `opened` or `begun`; one process at a time, which holds the journal's lock."""

    places: Places
    signing: Ed25519PrivateKey
    standing: Standing
    files: Files = field(default_factory=Files)
    steps: Steps = NO_STEPS
    segment_bytes: int = SEGMENT_BYTES
    breathe: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        """How many records are durable."""
        return self.standing.size

    @property
    def log(self) -> str:
        """The name of this chain."""
        return self.standing.log

    def extend(self, rows: Sequence[Row], *, at: datetime, closing: bool = False) -> list[Checkpoint]:
        """Make rows durable in the chain; the checkpoints that were due.  `closing` asks for one over all there is.

        Raises `JournalFault` when the disk says no; then nothing is known to be done, and the same rows come again.
        """
        now = time_text(at)
        begun = [self._next_segment(now)] if rows and self.standing.offset >= self.segment_bytes else []
        draft = self._draft()
        for place, row in enumerate(rows):
            if row.seq != str(draft.tree.size + 1):
                raise JournalFault(f"audit row {row.seq} does not follow {draft.tree.size}")
            if place % BREATH == 0:
                self.breathe()
            self._seal(draft, row)
            if draft.tree.size % CHECKPOINT_RECORDS == 0:
                self._state(draft, now)
        if draft.tree.size > draft.checkpointed and (closing or self._is_due(at)):
            self._state(draft, now)
        if draft.data:
            self._write(draft)
        return [*begun, *draft.made]

    def is_due(self, at: datetime) -> bool:
        """Whether there are records that no checkpoint covers, and the last one is a minute old."""
        return self.standing.size > self.standing.checkpointed and self._is_due(at)

    def _draft(self) -> _Draft:
        was = self.standing
        return _Draft(
            head=was.head,
            key=bytes.fromhex(was.key.reveal()),
            tree=was.tree.copy(),
            checkpoint=was.checkpoint,
            checkpointed=was.checkpointed,
            checkpointed_at=was.checkpointed_at,
        )

    @staticmethod
    def _seal(draft: _Draft, row: Row) -> None:
        line, draft.head = records.sealed(row, key=draft.key, prev=draft.head)
        draft.key = ratcheted(draft.key)
        draft.tree.add(leaf_hash(line))
        draft.data += line
        draft.data += b"\n"

    def _is_due(self, at: datetime) -> bool:
        return at - datetime.fromisoformat(self.standing.checkpointed_at) >= CHECKPOINT_AFTER

    def _state(self, draft: _Draft, now: str) -> None:
        checkpoint = self._signed(draft, now)
        draft.data += line_of(checkpoint) + b"\n"

    def _signed(self, draft: _Draft, now: str) -> Checkpoint:
        draft.checkpoint += 1
        draft.checkpointed, draft.checkpointed_at = draft.tree.size, now
        checkpoint = signed(
            self.signing,
            env=self.standing.env,
            head=draft.head,
            number=draft.checkpoint,
            tree=draft.tree,
            ts=now,
            log=self.standing.log,
        )
        draft.made.append(checkpoint)
        return checkpoint

    # -- durable ----------------------------------------------------------------------------------------------------------

    def _write(self, draft: _Draft) -> None:
        """Lines first, then the key: what the key does not know was never done."""
        was = self.standing
        offset = was.offset + len(draft.data)
        with told(str(self.places.segment(was.segment))):
            self._append(was.segment, was.offset, bytes(draft.data))
        self.steps.reach("audit.lines")
        self._move(draft, segment=was.segment, offset=offset)

    def _next_segment(self, now: str) -> Checkpoint:
        """Begin a segment with the signed head of the one before."""
        draft, number = self._draft(), self.standing.segment + 1
        checkpoint = self._signed(draft, now)
        head = line_of(segment_head(checkpoint, draft.tree, number=number)) + b"\n"
        with told(str(self.places.segment(number))):
            put(self.files, self.places.segment(number), head)
        self._move(draft, segment=number, offset=len(head))
        return checkpoint

    def _append(self, segment: int, offset: int, data: bytes) -> None:
        path = self.places.segment(segment)
        descriptor = self.files.open(path)
        try:
            self._cut_back(descriptor, path.stat().st_size, offset, path.name)
            self.files.write(descriptor, offset, data)
            self.files.sync(descriptor)
        finally:
            self.files.close(descriptor)

    def _cut_back(self, descriptor: int, size: int, offset: int, name: str) -> None:
        if size < offset:
            raise ChainBroken(f"{name} has {size} bytes and had {offset}: audit records are missing")
        if size > offset:  # a batch that was not finished
            self.files.cut(descriptor, offset)

    def _move(self, draft: _Draft, *, segment: int, offset: int) -> None:
        standing = Standing(
            env=self.standing.env,
            log=self.standing.log,
            size=draft.tree.size,
            head=draft.head,
            key=Secret(draft.key.hex()),
            tree=draft.tree,
            segment=segment,
            offset=offset,
            checkpoint=draft.checkpoint,
            checkpointed=draft.checkpointed,
            checkpointed_at=draft.checkpointed_at,
            turn=self.standing.turn + 1,
        )
        try:
            with told(str(self.places.key)):
                keys.save(self.files, self.places.key, standing)
        except JournalFault:
            self._go_by_the_disk(standing)
            raise
        self.standing = standing
        self.steps.reach("audit.key")

    def _go_by_the_disk(self, standing: Standing) -> None:
        """A save that failed may have left the new key all the same: its lines are durable, and are not cut off as unfinished."""
        found = keys.load(self.places.key)
        if found is not None and found.turn == standing.turn:
            self.standing = standing


# -- beginnings ---------------------------------------------------------------------------------------------------------


def opened(
    places: Places, *, files: Files | None = None, steps: Steps = NO_STEPS, segment_bytes: int = SEGMENT_BYTES
) -> Chain | None:
    """The chain as the last process left it; None where none ever began.

    Raises `ChainBroken` when what it left is not there any more, `JournalFault` when it cannot be read.
    """
    standing = keys.load(places.key)
    if standing is None:
        return None
    if standing.env != places.environment.value:
        raise ChainBroken(f"{places.key} is the key of {standing.env}, not of {places.environment.value}")
    signing = _signing_key(places)
    if log_of(signing.public_key()) != standing.log:
        raise ChainBroken(f"{places.signing} is not the key that signs this chain")
    chain = Chain(
        places=places,
        signing=signing,
        standing=standing,
        files=files or Files(),
        steps=steps,
        segment_bytes=segment_bytes,
    )
    _assert_there(chain)
    return chain


def begun(
    places: Places,
    *,
    at: datetime,
    escrow: Escrow,
    files: Files | None = None,
    steps: Steps = NO_STEPS,
    segment_bytes: int = SEGMENT_BYTES,
    fresh: Callable[[int], bytes] = secrets.token_bytes,
) -> Chain:
    """A new chain, whose first key `escrow` has put away before anything else is written.  Raises `JournalFault`."""
    files = files or Files()
    signing, first = Ed25519PrivateKey.from_private_bytes(fresh(32)), fresh(32).hex()
    log, now, tree = log_of(signing.public_key()), time_text(at), Frontier()
    checkpoint = signed(signing, env=places.environment.value, head=GENESIS, number=0, tree=tree, ts=now, log=log)
    head = line_of(segment_head(checkpoint, tree, number=1)) + b"\n"
    standing = Standing(
        env=places.environment.value,
        log=log,
        size=0,
        head=GENESIS,
        key=Secret(first),
        tree=tree,
        segment=1,
        offset=len(head),
        checkpoint=0,
        checkpointed=0,
        checkpointed_at=now,
    )
    with told(str(places.folder)):
        places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        escrow(Secret(first))
        put(files, places.signing, signing.private_bytes_raw().hex().encode() + b"\n")
        put(files, places.public, public_pem(signing.public_key()))
        put(files, places.segment(1), head)
        keys.create(files, places.key, standing)
    return Chain(
        places=places, signing=signing, standing=standing, files=files, steps=steps, segment_bytes=segment_bytes
    )


def set_aside(places: Places, *, files: Files | None = None) -> str:
    """Move a chain that cannot go on into a folder of its own, whole, as evidence; the folder's name."""
    files = files or Files()
    with told(str(places.folder)):
        number = 1 + sum(1 for _ in places.folder.glob(f"{places.environment.value}-aside-*"))
        aside = places.folder / f"{places.environment.value}-aside-{number:03}"
        aside.mkdir(mode=0o700)
        for path in places.all():
            files.rename(path, aside / path.name)
        files.sync_folder(aside)
        files.sync_folder(places.folder)
    return aside.name


def _signing_key(places: Places) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(places.signing.read_text("ascii")))
    except (OSError, ValueError) as error:  # a decoding error is a ValueError
        raise ChainBroken(f"{places.signing} cannot be read ({type(error).__name__})") from None


def _assert_there(chain: Chain) -> None:
    """The newest segment must hold what the key knows, up to the last MAC; what a crash left behind that is cut off later."""
    standing, path = chain.standing, chain.places.segment(chain.standing.segment)
    try:
        size = path.stat().st_size
        tail = _last_line(path, standing.offset)
    except OSError as error:
        raise ChainBroken(f"{path} cannot be read: {error.strerror}") from error
    if size < standing.offset:
        raise ChainBroken(f"{path.name} has {size} bytes and had {standing.offset}: audit records are missing")
    if not tail.endswith(b"\n") or standing.head.encode() not in tail:
        raise ChainBroken(f"{path.name} does not end with audit record {standing.size}")
    later = [later for number, later in chain.places.segments() if number > standing.segment]
    for leftover in later:  # begun, and never pointed at
        with suppress(FileNotFoundError):
            chain.files.remove(leftover)


def _last_line(path: Path, offset: int) -> bytes:
    """The last line of record, checkpoint or segment before an offset."""
    start, tail = offset, b""
    with path.open("rb") as file:
        while start > 0 and tail.rfind(b"\n", 0, -1) < 0:
            start = max(0, start - TAIL_BYTES)
            file.seek(start)
            tail = file.read(offset - start)
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]
