"""The offline verifier: a walk along the chain, held against the key, the journal and the copy (RELIABILITY 9, I22).

What can be proven depends on what is at hand.  The first key proves every record by its MAC.  The public key proves what
the signed checkpoints cover.  That nothing was cut off at the end is proven by what remembers the end: the chain's key
file, the notes in the journal, and the copy off the host.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from floorbroker.domain.errors import JournalFault, NotFound
from floorbroker.store.audit import keys
from floorbroker.store.audit.checkpoint import Checkpoint, log_of
from floorbroker.store.audit.copying import compared
from floorbroker.store.audit.evidence import Evidence, Finding, Found, Verdict
from floorbroker.store.audit.keys import Standing
from floorbroker.store.audit.merkle import Frontier
from floorbroker.store.audit.notes import Noted, checkpoint_notes, last_begun, node_of
from floorbroker.store.audit.rows import audit_pages, canonical
from floorbroker.store.audit.walk import Walk


def verify(evidence: Evidence) -> Verdict:
    """Everything that can be said from this evidence, up to the first thing that is wrong.

    Raises `NotFound` when there is nothing to verify.
    """
    places = evidence.places
    if not places.segments() and not places.key.exists():
        raise NotFound(f"no audit of {places.environment.value} in {places.folder}")
    return _Verification(evidence).run()


@dataclass(slots=True)
class _Verification:
    evidence: Evidence
    verdict: Verdict = field(init=False)
    walk: Walk = field(init=False)
    standing: Standing | None = None
    rows: Iterator[bytes] | None = None
    notes: Iterator[Noted] | None = None
    note: Noted | None = None
    rows_at_first: int = 0

    def __post_init__(self) -> None:
        evidence, environment = self.evidence, self.evidence.places.environment.value
        self.verdict = Verdict(environment=environment, log=log_of(evidence.public))
        self.walk = Walk(
            environment=environment,
            public=evidence.public,
            first=None if evidence.first is None else bytes.fromhex(evidence.first.reveal()),
            on_row=self._on_row,
            on_checkpoint=self._on_checkpoint,
            on_begin=self._on_begin,
            breathe=evidence.breathe,
        )

    def run(self) -> Verdict:
        walk, verdict = self.walk, self.verdict
        try:
            self._prepare()
            for number, path in self._segments():
                self._follow(number, path)
            self._end()
        except Found as found:
            verdict.finding = found.finding
        except OSError as error:
            detail = f"it cannot be read: {error.strerror or type(error).__name__}"
            verdict.finding = Finding(kind="malformed", seq=walk.size + 1, where=walk.where, detail=detail)
        begun = walk.began_at or 0
        verdict.first, verdict.last, verdict.records = begun + 1, walk.size, walk.size - begun
        return verdict

    # -- what is at hand --------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Before the walk: what is written while we walk is more than this, not less."""
        evidence = self.evidence
        self.standing = self._known()
        self.verdict.used = used(evidence, self.standing)
        if evidence.journal is None:
            return
        self.rows_at_first = evidence.journal.audit_count
        told, log = last_begun(evidence.journal), self.walk.log
        if told is not None and told != log:
            self._wrong("key", 1, f"the journal's rows leave in the chain {told[:16]}, and this is {log[:16]}")
        self.notes = checkpoint_notes(evidence.journal, log=log, upto=evidence.journal.last_seq)
        self.note = next(self.notes, None)

    def _known(self) -> Standing | None:
        path = self.evidence.places.key
        try:
            standing = keys.load(path)
        except JournalFault as fault:
            raise Found(Finding(kind="key", seq=1, where=path.name, detail=fault.detail)) from fault
        if standing is not None and standing.log != self.walk.log:
            self._wrong("key", 1, "the key of the chain and the public key are of different chains")
        return standing

    def _segments(self) -> Iterator[tuple[int, Path]]:
        expected: int | None = None
        for number, path in self.evidence.places.segments():
            if expected is not None and number != expected:
                self._wrong("missing", self.walk.size + 1, f"segment {expected} is missing")
            self.verdict.segments, expected = self.verdict.segments + 1, number + 1
            yield number, path

    # -- on the way -------------------------------------------------------------------------------------------------------

    def _follow(self, number: int, path: Path) -> None:
        for offset, line in self.walk.enter(path, number=number):
            if not line.endswith(b"\n") and self._is_unfinished(number, offset):
                self.verdict.remarks.append(
                    f"{path.name} ends in a line that a crash cut short; the next start mends it"
                )
                return
            self.walk.take(line)

    def _is_unfinished(self, number: int, offset: int) -> bool:
        """Whether a line ends behind everything that was ever done."""
        standing = self.standing
        return standing is not None and (number, offset) > (standing.segment, standing.offset)

    def _on_begin(self, tree: Frontier) -> None:
        if tree.size:
            if not self.evidence.is_archived:
                self._wrong("missing", 1, f"records 1 to {tree.size} are not here; say so if they were moved away")
            self.verdict.remarks.append(
                f"records 1 to {tree.size} are not here; the chain goes on from its signed head"
            )
        if self.evidence.journal is not None:
            pages = audit_pages(self.evidence.journal, node=node_of(self.evidence.journal), after=tree.size)
            self.rows = (canonical(row) for rows in pages for row in rows)

    def _on_row(self, number: int, row: bytes) -> None:
        if self.rows is not None:
            kept = next(self.rows, None)
            if kept is None:
                self._wrong("journal", number, f"the journal has no audit row {number}")
            if kept != row:
                self._wrong("journal", number, f"the journal's audit row {number} says something else")
        if self.standing is not None and number == self.standing.size:
            self._meet(self.standing)

    def _meet(self, standing: Standing) -> None:
        """Where the chain's key stands, the walk must come to the same."""
        walk = self.walk
        is_key = walk.key is None or hmac.compare_digest(walk.key, bytes.fromhex(standing.key.reveal()))
        if walk.head != standing.head or walk.tree.peaks != standing.tree.peaks or not is_key:
            since = walk.checkpointed + 1 if walk.key is None else standing.size
            self._wrong("changed", since, f"record {standing.size} is not the one that the key of the chain ended with")

    def _on_checkpoint(self, point: Checkpoint) -> None:
        self.verdict.checkpoints += 1
        number = int(point.number)
        while self.note is not None and self.note.number < number:
            self._next_note()
        note = self.note
        if note is None or note.number > number:
            return
        if (str(note.size), note.root, note.head) != (point.size, point.root, point.head):
            self._wrong("journal", self.walk.size, f"the journal remembers checkpoint {number} over other records")
        self._next_note()

    def _next_note(self) -> None:
        self.note = None if self.notes is None else next(self.notes, None)

    # -- the end ----------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        size = self.walk.size
        if self.standing is not None:
            self._against_key(self.standing)
        if self.note is not None:
            detail = f"the journal remembers checkpoint {self.note.number} over {self.note.size} records"
            self._wrong("truncated", min(size, self.note.size) + (self.note.size > size), detail)
        self.verdict.waiting = max(0, self.rows_at_first - size)
        if self.evidence.copy is not None:
            finding = compared(self.evidence.places, self.evidence.copy, is_archived=self.evidence.is_archived)
            if finding is not None:
                raise Found(finding)

    def _against_key(self, standing: Standing) -> None:
        walk = self.walk
        if walk.size < standing.size:
            detail = f"{standing.size} records were written, and record {walk.size + 1} is missing"
            self._wrong("truncated", walk.size + 1, detail)
        if walk.number < standing.checkpoint:
            detail = f"checkpoint {walk.number + 1} is missing at the end"
            self._wrong("checkpoint", standing.checkpointed, detail)
        if walk.size == 0 == standing.size:
            self._meet(standing)
        if walk.size > standing.size:
            more = walk.size - standing.size
            self.verdict.remarks.append(
                f"{more} records of a batch that was not finished; the next start makes it again"
            )

    def _wrong(self, kind: str, seq: int, detail: str) -> None:
        self.walk.wrong(kind, seq, detail)


def used(evidence: Evidence, standing: Standing | None) -> tuple[str, ...]:
    """What the verdict stands on, in words."""
    said: list[str] = []
    if evidence.first is not None:
        said.append(f"the MAC of every record, with the first key {evidence.first_from}")
    said.append(f"the signed checkpoints, with the public key {evidence.public_from}")
    if standing is not None:
        said.append("the end that the key of the chain knows")
    if evidence.journal is not None:
        said.append("the rows of the journal, and the checkpoints it remembers")
    if evidence.copy is not None:
        said.append(f"the copy in {evidence.copy}")
    return tuple(said)
