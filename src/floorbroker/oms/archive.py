"""Closed orders out of memory: sealed one by one, found again by any of their ids, and folded anew from their facts.

The seals are a cache of what the journal says up to the record `through`.  Each order with a fact up to there is either
sealed or `alive`; a start brings back the alive ones and reads the journal from there on.  Late news of a sealed order
bring it back into memory, and the next step takes its seal off.

Nothing derived is believed: an order is the fold of its facts in the journal each time it is asked for, and these must
have the digest that they had when it was sealed.  What must be believed without looking is the head alone: `through`,
the alive ones, and what the sealed ones hold.  It counts only with its digest, the digest of the rules that made it, and
the very record it was made at.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import msgspec

from floorbroker.domain.fold import OrderFold
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.ports import FactEntry, Log, Record
from floorbroker.domain.values import ExecId, IntentId, OrderId, Price, ProfileName, Quantity, Side
from floorbroker.oms.holdings import Run, by_time, part_of, signed
from floorbroker.oms.names import Name, names_of
from floorbroker.oms.rules import rules_digest
from floorbroker.oms.tally import Part, Tally
from floorbroker.store.codec import encode_fact
from floorbroker.store.executors import CommitExecutor, InlineExecutor
from floorbroker.store.seals import Seal, SealedFill, Sealing, Seals, SealsDamaged

LOADED_MAX = 256
CHUNK = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class History(Protocol):
    """What an archive reads of the journal."""

    def records_of(self, intent_id: IntentId) -> tuple[Record, ...]:
        """Every durable record that names one intent, in order."""
        ...

    def touched(self, profile: ProfileName, *, after: int, upto: int) -> list[tuple[IntentId, int]]:
        """Intents with facts numbered after one record and up to another, and how many facts each."""
        ...

    def fingerprint(self, seq: int) -> str | None:
        """A digest of one record as it is stored; None when there is none."""
        ...

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        """A page of records."""
        ...


class _Tail(msgspec.Struct, frozen=True, array_like=True):
    """A run as it is written down; `until` in microseconds."""

    until: int
    held: Decimal
    cost: Decimal
    profit: Decimal


class _Head(msgspec.Struct, frozen=True):
    """What a start believes."""

    profile: str
    rules: str
    through: int
    anchor: str
    sealed: int
    alive: list[str]
    sums: dict[str, list[tuple[int, int, str]]]
    runs: dict[str, _Tail] = {}


@dataclass(frozen=True, slots=True)
class Kept:
    """An order in memory that may leave it: as it stands, and its facts as committed."""

    order: Order
    records: Sequence[Record]


@dataclass(slots=True, kw_only=True)
class Step:
    """One transaction of seals, and where it leads; nothing of it holds before it is written."""

    through: int
    sealed: int
    alive: dict[IntentId, int]
    sums: dict[str, Tally]
    runs: dict[str, Run]
    undone: list[IntentId] = field(default_factory=list[IntentId])
    sealings: list[Sealing] = field(default_factory=list[Sealing])
    parts: dict[IntentId, tuple[Execution, ...]] = field(default_factory=dict[IntentId, tuple[Execution, ...]])
    head: bytes = b""

    @property
    def counts(self) -> dict[IntentId, int]:
        """The facts of each order that is sealed by it."""
        return {IntentId(sealing.seal.intent_id): sealing.seal.facts for sealing in self.sealings}

    def seal(self, kept: Kept, names: set[Name]) -> None:
        """Put a seal on an order."""
        self.sealings.append(sealing_of(kept, names))
        self.sealed += 1
        del self.alive[kept.order.intent_id]
        self.parts[kept.order.intent_id] = part_of(kept.order)
        self._count(self.parts[kept.order.intent_id], Tally.add)

    def undo(self, intent_id: IntentId, *, facts: int, part: tuple[Execution, ...]) -> None:
        """Take the seal off an order that held `part`."""
        self.undone.append(intent_id)
        self.sealed -= 1
        self.alive[intent_id] = facts
        self._count(part, Tally.take)

    def _count(self, part: Iterable[Execution], how: Callable[[Tally, Decimal], None]) -> None:
        """Tallies that are changed are new ones, and a run does not outlive a change to what it went over."""
        for execution in part:
            tally = self.sums[execution.symbol] = Tally.of(self.sums.get(execution.symbol, Tally()).parts())
            how(tally, signed(execution))
            run = self.runs.get(execution.symbol)
            if run is not None and run.until is not None and run.until >= execution.transact_time:
                del self.runs[execution.symbol]


@dataclass(slots=True)
class Loaded:
    """A sealed order read back."""

    fold: OrderFold
    records: list[Record]


@dataclass(slots=True)
class Archive:
    """The sealed orders of one profile.  `in_memory` tells whether an order is in the book: then the book knows better.
    `executor` runs the writing.
    """

    profile: ProfileName
    seals: Seals
    history: History
    log: Log
    rules: str = field(default_factory=rules_digest)
    executor: CommitExecutor = field(default_factory=InlineExecutor)
    in_memory: Callable[[IntentId], bool] = frozenset[IntentId]().__contains__
    through: int = 0
    sealed: int = 0
    alive: dict[IntentId, int] = field(default_factory=dict[IntentId, int])
    sums: dict[str, Tally] = field(default_factory=dict[str, Tally])
    _runs: dict[str, Run] = field(default_factory=dict[str, Run])
    _recalled: dict[IntentId, tuple[Execution, ...]] = field(default_factory=dict[IntentId, tuple[Execution, ...]])
    _loaded: OrderedDict[IntentId, Loaded] = field(default_factory=OrderedDict[IntentId, Loaded])

    # -- a start --------------------------------------------------------------------------------------------------------

    def begin(self) -> list[Record]:
        """Believe the head, if it can be believed: the facts of every alive order.  Else begin anew, with no seals."""
        try:
            head = self._believed()
        except (SealsDamaged, msgspec.MsgspecError) as damage:
            self.log.warning("seals.ignored", profile=self.profile, detail=str(damage))
            self._renew()
            return []
        if head is None:
            return []
        self.through, self.sealed = head.through, head.sealed
        self.sums = {symbol: Tally.of([_part(p) for p in parts]) for symbol, parts in head.sums.items()}
        self._runs = {symbol: _run_of(tail) for symbol, tail in head.runs.items()}
        facts = {IntentId(intent_id): self._facts(IntentId(intent_id), head.through) for intent_id in head.alive}
        self.alive = {intent_id: len(found) for intent_id, found in facts.items()}
        return sorted((record for found in facts.values() for record in found), key=lambda record: record.seq)

    def _believed(self) -> _Head | None:
        body = self.seals.head()
        if body is None:
            if self.seals.count():
                raise SealsDamaged("they have no head")
            return None
        head = msgspec.json.decode(body, type=_Head)
        for says, holds in (
            ("they are another profile's", head.profile == self.profile),
            ("the rules have changed", head.rules == self.rules),
            ("the journal is another one", head.anchor == self._anchor(head.through)),
            ("some are missing", head.sealed == self.seals.count()),
        ):
            if not holds:
                raise SealsDamaged(says)
        return head

    def _anchor(self, through: int) -> str:
        return (self.history.fingerprint(through) or "missing") if through else ""

    def _renew(self) -> None:
        self.seals = self.seals.renewed()

    def give_up(self, why: str) -> None:
        """These seals are of no use: let go of them, and leave nothing for the next start to believe."""
        self.log.error("seals.given_up", profile=self.profile, detail=why)
        try:
            self.seals.discard()
        except OSError as error:  # what is found damaged now is found damaged at the next start
            self.log.error("seals.not_removed", profile=self.profile, detail=error.strerror)

    def facts(self) -> Iterator[Record]:
        """Every fact of this profile in the journal, up to where the seals go: the long way."""
        after = 0
        while after < self.through and (page := self.history.read(after=after, kinds=frozenset({"fact"}))):
            yield from (r for r in page if r.seq <= self.through and r.entry.profile == self.profile)
            after = page[-1].seq

    def close(self) -> None:
        """Let go in order, when nobody asks any more."""
        self.executor.close()
        self.seals.close()

    def _facts(self, intent_id: IntentId, upto: int) -> list[Record]:
        return [
            record
            for record in self.history.records_of(intent_id)
            if record.seq <= upto and isinstance(record.entry, FactEntry) and record.entry.profile == self.profile
        ]

    # -- asking ---------------------------------------------------------------------------------------------------------

    def has(self, intent_id: IntentId) -> bool:
        return self.seals.find(intent_id) is not None

    def named(self, name: Name) -> IntentId | None:
        """The sealed order that an id leads to."""
        found = self.seals.named(*name)
        return None if found is None else IntentId(found)

    def load(self, intent_id: IntentId) -> Loaded | None:
        """A sealed order, folded from its facts; None when it is not sealed."""
        held = self._loaded.get(intent_id)
        if held is not None:
            self._loaded.move_to_end(intent_id)
            return held
        seal = self.seals.find(intent_id)
        if seal is None:
            return None
        held = self._loaded[intent_id] = self._read(seal)
        if len(self._loaded) > LOADED_MAX:
            self._loaded.popitem(last=False)
        return held

    def _read(self, seal: Seal) -> Loaded:
        intent_id = IntentId(seal.intent_id)
        records = self._facts(intent_id, seal.last_seq)
        if len(records) != seal.facts or digest_of(records) != seal.digest:
            raise SealsDamaged(f"the facts of {intent_id} are not those it was sealed with")
        return Loaded(folded(intent_id, records), records)

    def recall(self, intent_id: IntentId) -> Loaded | None:
        """A sealed order on its way back into memory."""
        found = self.load(intent_id)
        if found is not None:
            del self._loaded[intent_id]
            self._recalled[intent_id] = part_of(found.fold.view()) if found.fold.is_founded else ()
        return found

    def stays(self, intent_id: IntentId, part: tuple[Execution, ...]) -> None:
        """An order was sealed with this part, and heard more before it could leave memory: as if it were called back."""
        self._recalled[intent_id] = part

    def in_both(self) -> Iterator[Execution]:
        """What orders in memory held when they were sealed, as long as their seals are on."""
        return (execution for part in self._recalled.values() for execution in part)

    def symbols(self, *, after: int) -> set[str]:
        """What the sealed orders with facts behind one record were about."""
        return self.seals.symbols(after=after)

    def numbers(self) -> Iterator[tuple[int, IntentId]]:
        """Sealed orders that are not in memory, by their first fact."""
        after = 0
        while page := self.seals.numbers(after=after, limit=CHUNK):
            yield from ((number, IntentId(i)) for number, i in page if not self.in_memory(IntentId(i)))
            after = page[-1][0]

    # -- profits (`holdings.SealedFills`) -------------------------------------------------------------------------------

    def run(self, symbol: str, *, before: datetime | None) -> Run:
        """A run over sealed fills that all happened before a moment."""
        run = self._runs.get(symbol)
        floor = self._floor(symbol, before)
        if run is None or (floor is not None and run.until is not None and run.until >= floor):
            return Run()
        return run

    def _floor(self, symbol: str, before: datetime | None) -> datetime | None:
        """The first moment at which sealed fills may not be all there is: of fills in memory, and of those called back."""
        recalled = (e.transact_time for part in self._recalled.values() for e in part if e.symbol == symbol)
        return min([*recalled, *([] if before is None else [before])], default=None)

    def fills_after(self, symbol: str, after: datetime | None) -> Iterator[Execution]:
        """Sealed fills of orders that are not in memory, later than a moment, in order."""
        at = None if after is None else micros(after)
        while page := self.seals.fills_of(symbol, after=at, limit=CHUNK):
            found = [_execution(fill) for intent_id, fill in page if not self.in_memory(IntentId(intent_id))]
            yield from sorted(found, key=by_time)
            at = page[-1][1].at

    def advance(self, symbol: str, *, before: datetime | None) -> bool:
        """Carry the run of a symbol on by one chunk, so that a profit need not go through every fill there ever was.

        Whether there is more of it.
        """
        floor, run, later = self._floor(symbol, before), self._runs.get(symbol, Run()), list[Execution]()
        for fill in self.fills_after(symbol, run.until):
            is_new_moment = not later or later[-1].transact_time != fill.transact_time
            if (floor is not None and fill.transact_time >= floor) or (len(later) >= CHUNK and is_new_moment):
                break
            later.append(fill)
        if later:
            self._runs = self._runs | {symbol: run.after(later)}
        return len(later) >= CHUNK

    # -- sealing --------------------------------------------------------------------------------------------------------

    def news(self, *, upto: int) -> dict[IntentId, int]:
        """Orders with facts between `through` and another record, and how many.  Sealed ones among them must be called back
        before the next step.
        """
        return dict(self.history.touched(self.profile, after=self.through, upto=upto))

    def prepare(
        self,
        news: Mapping[IntentId, int],
        kept: Iterable[Kept],
        *,
        upto: int,
        sole: Callable[[IntentId, set[Name]], bool],
    ) -> Step | None:
        """A step to the record `upto`, which seals those of `kept` whose facts up to there are all in memory.

        None when there is nothing to do.  `sole` tells whether ids lead to one order alone.
        """
        step = Step(
            through=upto, alive=dict(self.alive), sums=dict(self.sums), sealed=self.sealed, runs=dict(self._runs)
        )
        for intent_id, count in news.items():
            if intent_id not in step.alive and (seal := self.seals.find(intent_id)) is not None:
                step.undo(intent_id, facts=seal.facts, part=self._part_when_sealed(intent_id))
            step.alive[intent_id] = step.alive.get(intent_id, 0) + count
        for one in kept:
            names = names_of(one.records)
            if step.alive.get(one.order.intent_id) == len(one.records) and sole(one.order.intent_id, names):
                step.seal(one, names)
        if not step.sealings and not step.undone and upto - self.through < CHUNK:
            return None
        step.head = self._head(step)
        return step

    def _part_when_sealed(self, intent_id: IntentId) -> tuple[Execution, ...]:
        held = self._recalled.get(intent_id)
        if held is None and (found := self.load(intent_id)) is not None:
            held = part_of(found.fold.view())
        return held or ()

    def _head(self, step: Step) -> bytes:
        sums = {symbol: tally.parts() for symbol, tally in step.sums.items() if not tally.is_empty}
        return msgspec.json.encode(
            _Head(
                profile=self.profile,
                rules=self.rules,
                through=step.through,
                anchor=self._anchor(step.through),
                sealed=step.sealed,
                alive=list(step.alive),
                sums={symbol: [(e, count, str(units)) for e, count, units in parts] for symbol, parts in sums.items()},
                runs={symbol: _tail_of(run) for symbol, run in step.runs.items() if run.until is not None},
            )
        )

    def write(self, step: Step) -> None:
        """The transaction of a step; on any thread.  Raises `SealsDamaged`; then nothing has changed."""
        self.seals.write(head=step.head, undo=step.undone, sealings=step.sealings)

    def done(self, step: Step) -> None:
        """A step is written."""
        for intent_id in step.undone:
            self._recalled.pop(intent_id, None)
        for intent_id in (*step.undone, *step.counts):
            self._loaded.pop(intent_id, None)
        self.through, self.alive, self.sums, self.sealed = step.through, step.alive, step.sums, step.sealed
        self._runs = step.runs


# -- plain functions ------------------------------------------------------------------------------------------------------


def digest_of(records: Iterable[Record]) -> bytes:
    """The digest of an order's facts, each with its number."""
    running = hashlib.blake2b(digest_size=16)
    for record in records:
        if isinstance(record.entry, FactEntry):
            running.update(b"%d " % record.seq + encode_fact(record.entry.fact) + b"\n")
    return running.digest()


def folded(intent_id: IntentId, records: Iterable[Record]) -> OrderFold:
    """The fold of committed facts."""
    fold = OrderFold(intent_id)
    for record in records:
        if isinstance(record.entry, FactEntry):
            fold.add(record.entry.fact)
    return fold


def sealing_of(kept: Kept, names: set[Name]) -> Sealing:
    """Everything that is written down about one order."""
    order, records = kept.order, sorted(kept.records, key=lambda record: record.seq)
    seal = Seal(
        number=records[0].seq,
        intent_id=order.intent_id,
        created=micros(order.created_at),
        status=order.ord_status.value,
        symbol=order.terms.symbol,
        side=order.terms.side.value,
        strategy=order.terms.strategy,
        facts=len(records),
        last_seq=records[-1].seq,
        digest=digest_of(records),
    )
    counting = {execution.exec_id: execution for execution in part_of(order)}
    fills = tuple(
        SealedFill(
            number=seal.number,
            exec_id=execution.exec_id,
            at=micros(execution.transact_time),
            symbol=counting.get(execution.exec_id, execution).symbol,
            order_id=execution.order_id,
            side=execution.side.value,
            qty=str(_units(counting.get(execution.exec_id, execution))),
            px=str(execution.last_px),
            counts=int(execution.exec_id in counting),
        )
        for execution in order.executions
    )
    return Sealing(seal, tuple(sorted(names)), fills)


def _units(execution: Execution) -> Decimal:
    """Its units as the position counts them, on its side; below zero where a venue said that its fee took more than it gave."""
    units = signed(execution)
    return units if execution.side is Side.BUY else units.copy_negate()


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(at: int) -> datetime:
    """The reverse of `micros`."""
    return _EPOCH + timedelta(microseconds=at)


def _execution(fill: SealedFill) -> Execution:
    """What profit is counted from, units as the position counts them: fees and versions stay in the journal."""
    return Execution(
        exec_id=ExecId(fill.exec_id),
        order_id=None if fill.order_id is None else OrderId(fill.order_id),
        symbol=fill.symbol,
        side=Side(fill.side),
        last_qty=Quantity(Decimal(fill.qty)),
        last_px=Price(Decimal(fill.px)),
        transact_time=moment_of(fill.at),
    )


def _part(written: tuple[int, int, str]) -> Part:
    exponent, count, units = written
    return exponent, count, int(units)


def _tail_of(run: Run) -> _Tail:
    assert run.until is not None  # only runs that have begun are written down
    return _Tail(micros(run.until), run.held, run.cost, run.profit)


def _run_of(tail: _Tail) -> Run:
    return Run(until=moment_of(tail.until), held=tail.held, cost=tail.cost, profit=tail.profit)
